# SPDX-License-Identifier: BSD-2-Clause
#
# A server to be proxied to, whose answers a test writes byte by byte:
#
#   my $b = Holdfast::Backend->new(sub ($request, $socket) {
#           print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
#           return 1;       # the connection goes on; 0: it is closed
#   });
#   ... servers = ( { address = "$b->{address}"; } ) ...
#   my @seen = $b->requests;
#
# Each connection has a process of its own. A request is a hash with method,
# target, fields (a list of [name, value]), raw (the whole head as it came),
# body, trailers (their lines), connection (a number) and n (of the request on
# it, from 1). The code runs when the head is there; the body is read before,
# unless the backend was made with unread => 1. With any => 1 it listens on every address, with
# unix => PATH at a Unix socket. stop() closes the listening socket and ends all
# connections; start() listens again at the same address. break_off($socket)
# closes a connection by a reset.
package Holdfast::Backend;

use v5.36;
use Fcntl qw(LOCK_EX LOCK_UN);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);

use Holdfast::Dir;
use Holdfast::Wait;

sub new ($class, $respond, %opt) {
	my $dir = Holdfast::Dir->new;
	my $self = bless { respond => $respond, opt => \%opt, dir => $dir,
		log => $dir->path('requests'), owner => $$ }, $class;

	$dir->write('requests', '');
	$self->start;
	return $self;
}

sub _listen ($self) {
	my $listener;

	if (my $path = $self->{opt}{unix}) {
		unlink $path;
		$listener = IO::Socket::UNIX->new(Local => $path, Listen => 1024)
			or die "$path: $!";
		chmod 0777, $path;
		$self->{address} = "unix:$path";
		return $listener;
	}
	# The port of the last time may still be held by connections that end.
	wait_until {
		$listener = IO::Socket::INET->new(
			LocalAddr => $self->{opt}{any} ? '0.0.0.0' : '127.0.0.1',
			LocalPort => $self->{port} // 0, Listen => 1024,
			ReuseAddr => 1);
	} 'a port to listen on';
	$self->{port} = $listener->sockport;
	$self->{address} = "127.0.0.1:$self->{port}";
	return $listener;
}

sub start ($self) {
	my $listener = $self->_listen;
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		setpgrp;
		$SIG{TERM} = $SIG{INT} = 'DEFAULT';
		$SIG{CHLD} = 'IGNORE';
		$SIG{PIPE} = 'IGNORE';
		$self->_accept_all($listener);
		POSIX::_exit(0);
	}
	close $listener;
	# Here as well: the child may not have come so far.
	eval { setpgrp $pid, $pid };
	$self->{pid} = $pid;
	return $self;
}

sub _accept_all ($self, $listener) {
	my $connection = 0;

	while (1) {
		my $socket = $listener->accept or next;

		$connection++;
		my $pid = fork // die "fork: $!";

		if ($pid == 0) {
			close $listener;
			$self->_record({ connection => $connection, opened => 1 });
			eval { $self->_serve($socket, $connection) };
			$self->_record({ fault => "$@" }) if $@;
			print STDERR "backend: $@" if $@;
			close $socket;
			POSIX::_exit(0);
		}
		close $socket;
	}
}

sub _record ($self, $what) {
	open my $log, '>>', $self->{log} or return;
	flock $log, LOCK_EX;
	syswrite $log, JSON::PP::encode_json($what) . "\n";
	flock $log, LOCK_UN;
	close $log;
}

# One more read; false at the end.
sub _more ($socket, $in) {
	my $n = sysread $socket, $$in, 65536, length $$in;

	return $n;
}

sub _head ($socket, $in) {
	until ($$in =~ /\r\n\r\n/) {
		return undef unless _more($socket, $in);
	}
	my ($raw) = $$in =~ /\A(.*?\r\n\r\n)/s;

	substr($$in, 0, length $raw) = '';
	my ($line, @fields) = split /\r\n/, $raw;
	my ($method, $target) = split / /, $line;

	return { raw => $raw, method => $method, target => $target, body => '',
		fields => [map { [split /: */, $_, 2] } @fields] };
}

sub field ($request, $name) {
	my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
		$request->{fields}->@*;

	return wantarray ? @values : $values[0];
}

# The lines behind the last chunk, whose size takes $skip bytes.
sub _trailers ($socket, $in, $request, $skip) {
	my $lines;

	until (($lines) = $$in =~ /\A.{$skip}((?:[^\r\n]+\r\n)*)\r\n/s) {
		return 0 unless _more($socket, $in);
	}
	$request->{trailers} = $lines;
	substr($$in, 0, $skip + length($lines) + 2) = '';
	return 1;
}

# False when the connection ended in it.
sub _body ($socket, $in, $request) {
	my $length = field($request, 'content-length');

	if (defined $length) {
		while (length $$in < $length) {
			return 0 unless _more($socket, $in);
		}
		$request->{body} = substr $$in, 0, $length, '';
		return 1;
	}
	return 1 unless (field($request, 'transfer-encoding') // '') eq 'chunked';
	while (1) {
		until ($$in =~ /\A([0-9a-f]+)\r\n/i) {
			return 0 unless _more($socket, $in);
		}
		my ($digits) = $$in =~ /\A([0-9a-f]+)/i;
		my $size = hex $digits;
		my $skip = length($digits) + 2;

		return _trailers($socket, $in, $request, $skip) if $size == 0;

		while (length $$in < $skip + $size + 2) {
			return 0 unless _more($socket, $in);
		}
		$request->{body} .= substr $$in, $skip, $size;
		substr($$in, 0, $skip + $size + 2) = '';
	}
}

sub _serve ($self, $socket, $connection) {
	my $in = '';

	$socket->autoflush(1);
	for (my $n = 1;; $n++) {
		my $request = _head($socket, \$in) or return;

		$request->{connection} = $connection;
		$request->{n} = $n;
		$request->{in} = \$in;
		my $is_whole = $self->{opt}{unread} ||
			_body($socket, \$in, $request);

		$self->_record({ $request->%{qw(connection n raw method target
			body fields trailers)}, broken => $is_whole ? 0 : 1 });
		return unless $is_whole;
		return unless $self->{respond}->($request, $socket);
	}
}

sub _records ($self) {
	open my $log, '<', $self->{log} or return;
	return map { JSON::PP::decode_json($_) } grep { /\n\z/ } <$log>;
}

# What came, in order of arrival; connections() is their number, faults() what
# the code died of.
sub faults ($self) { return map { $_->{fault} // () } $self->_records }
sub requests ($self) { return grep { $_->{n} } $self->_records }
sub connections ($self) { return scalar grep { $_->{opened} } $self->_records }
sub forget ($self) { $self->{dir}->write('requests', '') }

sub break_off ($socket) {
	setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
	return 0;
}

sub stop ($self) {
	my $pid = delete $self->{pid} or return;

	kill 'KILL', -$pid;
	waitpid $pid, 0;
}

sub DESTROY ($self) {
	return if $$ != $self->{owner};
	local ($?, $!);
	$self->stop;
}

1;
