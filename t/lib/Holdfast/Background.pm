# SPDX-License-Identifier: BSD-2-Clause
#
# Work that goes on in a process of its own beside the test, such as load:
#
#   my $load = Holdfast::Background->new(sub ($stopping) {
#           ... until $stopping->();
#           return { requests => $n };
#   });
#   ... $load->result->{requests}
#
# It has none of the test's files and sockets but those in keep => [...]: a
# connection that the test closes is closed.
package Holdfast::Background;

use v5.36;
use IO::Poll qw(POLLIN POLLHUP);
use JSON::PP ();
use POSIX ();

use Holdfast::Wait;

sub new ($class, $work, %opt) {
	pipe my $stop_in, my $stop_out or die "pipe: $!";
	pipe my $result_in, my $result_out or die "pipe: $!";
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		_close_all_but(0, 1, 2, map { fileno $_ } $stop_in,
			$result_out, ($opt{keep} // [])->@*);
		$SIG{INT} = $SIG{TERM} = 'DEFAULT';
		my $poll = IO::Poll->new;

		$poll->mask($stop_in => POLLIN);
		my $result = eval { $work->(sub { $poll->poll(0) > 0 }) };

		$result = { died => "$@" } if $@;
		print {$result_out} JSON::PP::encode_json($result // {});
		close $result_out;
		POSIX::_exit(0);
	}
	close $stop_in;
	close $result_out;
	return bless { pid => $pid, stop => $stop_out, result => $result_in,
		owner => $$ }, $class;
}

sub _close_all_but (@keep) {
	my %keep = map { $_ => 1 } @keep;

	opendir my $dir, '/proc/self/fd' or return;
	my @fds = grep { /^\d+$/ && !$keep{$_} } readdir $dir;

	closedir $dir;
	POSIX::close($_) for @fds;
}

sub pid ($self) { return $self->{pid} }

# Asks for the end without waiting for it.
sub stop ($self) {
	my $stop = delete $self->{stop} // return;

	syswrite $stop, '.';
	close $stop;
	return;
}

# What the work returned, after asking it to end; dies of what it died of.
sub result ($self) {
	$self->stop;
	return $self->finished;
}

# The same, without asking it to end.
sub finished ($self) {
	my $json = '';
	my $end = now() + patience();
	my $poll = IO::Poll->new;

	$poll->mask($self->{result} => POLLIN);
	while (1) {
		die "work in the background does not end\n" if now() > $end;
		next if $poll->poll(1) <= 0;
		last unless sysread $self->{result}, $json, 65536, length $json;
	}
	waitpid $self->{pid}, 0;
	$self->{reaped} = 1;
	die "work in the background died\n" if $json eq '';
	my $result = JSON::PP::decode_json($json);

	die "work in the background: $result->{died}" if $result->{died};
	return $result;
}

sub DESTROY ($self) {
	return if $self->{owner} != $$ || $self->{reaped};
	local ($?, $!, $@);
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
}

1;
