# SPDX-License-Identifier: BSD-2-Clause
#
# The clients: load.c in the background, and what it is told to do.
package Bench::Load;

use v5.36;
use IPC::Open2 qw(open2);
use JSON::PP ();

use Bench::Machine qw(load_cpu pinned);

our $program;	# load, compiled

# Opens the connections: returns when each has had an answer.
sub start ($class, $port, @options) {
	my $self = bless {}, $class;

	$self->{pid} = open2($self->{out}, $self->{in}, pinned(load_cpu(),
		$program, @options, '127.0.0.1', $port));
	$self->_expect('ready');
	return $self;
}

sub _expect ($self, $what) {
	my $line = readline($self->{out}) // '';

	chomp $line;
	return $line if ref $what ? $line =~ $what : $line eq $what;
	$self->end;
	die "the load failed\n";
}

sub tell ($self, @words) {
	print { $self->{in} } "@words\n";
	$self->{in}->flush;
}

# One request on a connection.
sub ask ($self, $i) {
	$self->tell('ask', $i);
	$self->_expect('asked');
}

# Measures; with these connections, or all of them that work.
sub begin ($self, @connections) { $self->tell('go', @connections) }

sub result ($self) {
	return JSON::PP::decode_json($self->_expect(qr/^\{/));
}

sub go ($self, @connections) {
	$self->begin(@connections);
	return $self->result;
}

sub end ($self) {
	return unless $self->{pid};
	close $self->{in};
	close $self->{out};
	waitpid delete $self->{pid}, 0;
}

sub DESTROY ($self) {
	local ($?, $!);
	$self->end;
}

1;
