# SPDX-License-Identifier: BSD-2-Clause
#
# A name service (RFC 1035) for one test, over UDP on 127.0.0.1:
#
#   my $names = Holdfast::Names->new;
#   $names->set('app.test' => ['127.0.0.1', '127.0.0.2'], ttl => 1);
#   $names->set('app.test' => 'fail');      # SERVFAIL; 'none': no address
#   $names->set('_http._tcp.app.test' =>    # SRV (RFC 2782)
#           [[priority, weight, port, 'target.test'], ...]);
#   Holdfast->start(..., env => { $names->env });
package Holdfast::Names;

use v5.36;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Socket qw(inet_aton);

use Holdfast::Dir;

sub new ($class) {
	my $dir = Holdfast::Dir->new;
	my $socket = IO::Socket::INET->new(Proto => 'udp',
		LocalAddr => '127.0.0.1') or die "socket: $!";
	my $self = bless { dir => $dir, port => $socket->sockport, names => {},
		owner => $$ }, $class;

	$dir->write('names', '{}');
	$dir->write('asked', '');
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		$SIG{TERM} = $SIG{INT} = 'DEFAULT';
		$self->_answer_all($socket);
		POSIX::_exit(0);
	}
	$self->{pid} = $pid;
	return $self;
}

sub env ($self) {
	return (HOLDFAST_TEST_NAMESERVERS => "127.0.0.1:$self->{port}");
}

sub set ($self, $name, $answer, %opt) {
	$self->{names}{$name} = { answer => $answer, ttl => $opt{ttl} // 1 };
	$self->{dir}->replace('names', JSON::PP::encode_json($self->{names}));
}

# How often it was asked, for a name or for all of them.
sub asked ($self, $name = undef) {
	return scalar grep { !defined $name || $_ eq $name }
		split /\n/, $self->{dir}->read('asked') // '';
}

sub _answer_all ($self, $socket) {
	while (1) {
		my $from = $socket->recv(my $query, 512) // next;
		my ($reply, $name) = $self->_reply($query);

		open my $asked, '>>', $self->{dir}->path('asked');
		syswrite $asked, "$name\n";
		next unless defined $reply;
		$socket->send($reply, 0, $from);
	}
}

sub _reply ($self, $query) {
	my ($id, $flags, $n) = unpack 'nnn', $query;
	my ($at, @labels) = (12);

	while (my $size = unpack 'C', substr $query, $at, 1) {
		push @labels, substr $query, $at + 1, $size;
		$at += $size + 1;
	}
	my $question = substr $query, 12, $at + 5 - 12;
	my ($type) = unpack 'n', substr $query, $at + 1, 2;
	my $names = eval { JSON::PP::decode_json($self->{dir}->read('names')) } // {};
	my $name = lc join '.', @labels;
	my $known = $names->{$name};
	my ($rcode, @answers) = (0);

	if (!$known) {
		$rcode = 3;
	} elsif (!ref $known->{answer}) {
		return (undef, $name) if $known->{answer} eq 'silent';
		$rcode = $known->{answer} eq 'fail' ? 2 : 0;
	} elsif ($type == 1) {
		@answers = map { inet_aton($_) }
			grep { !ref } $known->{answer}->@*;
	} elsif ($type == 33) {
		@answers = map { pack('nnn', $_->@[0 .. 2]) . _name($_->[3]) }
			grep { ref } $known->{answer}->@*;
	}
	my $reply = pack('nnnnnn', $id, 0x8180 | $rcode, 1, scalar @answers, 0, 0)
		. $question . join '', map {
			pack('nnnNn', 0xc00c, $type, 1, $known->{ttl}, length) . $_
		} @answers;

	return ($reply, $name);
}

sub _name ($name) {
	return join('', map { pack('C/a', $_) } split /\./, $name) . "\0";
}

sub DESTROY ($self) {
	return if $$ != $self->{owner} || !$self->{pid};
	local ($?, $!);
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
}

1;
