# SPDX-License-Identifier: BSD-2-Clause
#
# A client that sends exactly the bytes it is told and reads strictly what
# RFC 9112 allows a server to send. Every wait has a deadline.
package Holdfast::Client;

use v5.36;
use Carp qw(croak);
use Errno qw(EAGAIN EINPROGRESS EINTR ECONNRESET EPIPE);
use IO::Poll qw(POLLIN POLLOUT POLLERR POLLHUP);
use Socket qw(:DEFAULT inet_pton AF_INET6 IPPROTO_TCP TCP_MAXSEG
	TCP_NODELAY pack_sockaddr_in6 pack_sockaddr_un);

use Holdfast::Response;
use Holdfast::Wait;

sub _name_of ($address) {
	if ($address =~ /^unix:/) {
		my $path = substr $address, 5;

		return (AF_UNIX, pack_sockaddr_un($path));
	}
	my ($ip, $port) = $address =~ /^\[?([\d.]+|[\da-f:]+)\]?:(\d+)$/i
		or croak "not an address: $address";

	return (AF_INET6, pack_sockaddr_in6($port, inet_pton(AF_INET6, $ip)))
		if $ip =~ /:/;
	return (AF_INET, pack_sockaddr_in($port, inet_pton(AF_INET, $ip)));
}

# new(address, rcvbuf => bytes, sndbuf => bytes, mss => bytes, from => IPv4
# address); dies when it cannot connect. The kernel of the server takes few
# bytes for a client with a small rcvbuf and a small mss.
sub new ($class, $address, %opt) {
	my $self = $class->try($address, %opt);

	croak "connect to $address: $!" unless $self;
	return $self;
}

# The same, but returns undef with $! when it cannot connect.
sub try ($class, $address, %opt) {
	my ($family, $name) = _name_of($address);

	CORE::socket(my $socket, $family, SOCK_STREAM, 0) or croak "socket: $!";
	setsockopt $socket, SOL_SOCKET, SO_RCVBUF, $opt{rcvbuf}
		if $opt{rcvbuf};
	setsockopt $socket, SOL_SOCKET, SO_SNDBUF, $opt{sndbuf}
		if $opt{sndbuf};
	setsockopt $socket, IPPROTO_TCP, TCP_MAXSEG, $opt{mss}
		if $opt{mss};
	setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1
		if $family != AF_UNIX;
	if ($opt{from}) {
		bind $socket, pack_sockaddr_in(0, inet_aton($opt{from}))
			or croak "bind to $opt{from}: $!";
	}
	binmode $socket;
	$socket->blocking(0);
	my $self = bless { socket => $socket, address => $address, in => '',
		eof => 0 }, $class;

	return $self if connect $socket, $name;
	if ($! == EAGAIN) {	# a Unix socket whose queue is full
		wait_until { connect $socket, $name } "$address to accept";
		return $self;
	}
	return undef if $! != EINPROGRESS;
	$self->_poll(POLLOUT);
	$! = unpack 'i', getsockopt($socket, SOL_SOCKET, SO_ERROR);
	return $! ? undef : $self;
}

sub socket ($self) { return $self->{socket} }

sub local_port ($self) {
	return (unpack_sockaddr_in(getsockname $self->{socket}))[0];
}

sub _poll ($self, $events, $seconds = undef) {
	my $poll = $self->{poll} //= IO::Poll->new;
	my $end = now() + ($seconds // patience());

	$poll->mask($self->{socket} => $events);
	while (1) {
		my $n = $poll->poll(0.5);

		return $poll->events($self->{socket}) if $n > 0;
		croak sprintf('nothing from %s; so far: %s', $self->{address},
			_shown($self->{in})) if now() > $end;
	}
}

sub _shown ($bytes) {
	my $text = length $bytes > 300
		? substr($bytes, 0, 200) . '...' . substr($bytes, -100)
		: $bytes;

	$text =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
	return length($bytes) . " bytes \"$text\"";
}

# Takes what has arrived, without waiting. False when there is nothing.
sub pull ($self) {
	return 0 if $self->{eof};
	my $n = sysread $self->{socket}, $self->{in}, 262144,
		length $self->{in};

	return $n if $n;
	if (defined $n) {
		$self->{eof} = 1;
	} elsif ($! == ECONNRESET || $! == EPIPE) {
		$self->{eof} = $self->{reset} = 1;
	} elsif ($! != EAGAIN && $! != EINTR) {
		croak "read from $self->{address}: $!";
	}
	return 0;
}

# Sends all, taking what comes meanwhile. Returns how many bytes could be
# sent before the peer refused any more.
sub send ($self, $bytes) {
	local $SIG{PIPE} = 'IGNORE';
	my $sent = 0;

	while ($sent < length $bytes) {
		my $left = length($bytes) - $sent;
		my $n = syswrite $self->{socket}, $bytes,
			$left > 262144 ? 262144 : $left, $sent;

		if (defined $n) {
			$sent += $n;
		} elsif ($! == EAGAIN) {
			my $events = $self->_poll($self->{eof}
				? POLLOUT : POLLOUT | POLLIN);

			$self->pull if $events & POLLIN;
		} elsif ($! != EINTR) {
			return $sent;
		}
	}
	return $sent;
}

# As much as goes without waiting: the count, undef when the peer is gone.
sub send_some ($self, $bytes) {
	local $SIG{PIPE} = 'IGNORE';
	my $n = syswrite $self->{socket}, $bytes;

	return defined $n ? $n : $! == EAGAIN ? 0 : undef;
}

# No more bytes will come from us.
sub finish_sending ($self) { return shutdown $self->{socket}, 1 }

# Waits for bytes or the end. False at the end.
sub more ($self, $seconds = undef) {
	until ($self->{eof}) {
		return 1 if $self->pull;
		last if $self->{eof};
		$self->_poll(POLLIN, $seconds);
	}
	return 0;
}

# What has arrived and was not taken yet.
sub buffered ($self) { return $self->{in} }
sub was_reset ($self) { return $self->{reset} ? 1 : 0 }
sub ended ($self) { $self->pull; return $self->{eof} }
sub has_ended ($self) { return $self->{eof} }	# as far as was read

# The next $n bytes; fewer only at the end.
sub read_bytes ($self, $n) {
	while (length $self->{in} < $n) {
		last unless $self->more;
	}
	return substr $self->{in}, 0, $n, '';
}

# Up to and with the text; all there is when the end comes first.
sub read_until ($self, $text) {
	my $from = 0;

	while (1) {
		my $at = index $self->{in}, $text, $from;

		return substr $self->{in}, 0, $at + length $text, ''
			if $at >= 0;
		$from = length($self->{in}) - length($text);
		$from = 0 if $from < 0;
		return substr $self->{in}, 0, length $self->{in}, ''
			unless $self->more;
	}
}

sub read_to_end ($self) {
	1 while $self->more;
	return substr $self->{in}, 0, length $self->{in}, '';
}

# True when the peer closes now and has sent nothing beyond what was read.
sub at_end ($self) {
	$self->more;
	return $self->{eof} && $self->{in} eq '' && !$self->{reset};
}

# The next response, whole; dies when it is not one. `method` is what it
# answers, for HEAD. A 100 (Continue) is a response of its own.
sub response ($self, $method = 'GET') {
	my $head = $self->read_until("\r\n\r\n");

	croak 'no response: the connection ' .
		($self->{reset} ? 'was reset' : 'ended') . ' after ' .
		_shown($head) unless $head =~ /\r\n\r\n\z/;
	my $response = eval { Holdfast::Response->parse($head) }
		or croak "$@" . _shown($head);
	my $framing = eval { $response->framing($method) }
		or croak "$@" . _shown($head);

	if ($framing eq 'length') {
		my $n = $response->field('content-length');

		$response->{body} = $self->read_bytes($n);
		croak "a body of $n bytes ended after " .
			length($response->{body}) . "\n" . _shown($head)
			if length($response->{body}) != $n;
	} elsif ($framing eq 'chunked') {
		$response->{body} = $self->_chunked;
	} elsif ($framing eq 'end') {
		$response->{body} = $self->read_to_end;
	}
	return $response;
}

sub _chunked ($self) {
	my $body = '';

	while (1) {
		my $line = $self->read_until("\r\n");
		my ($size) = $line =~ /^([0-9a-f]+)(?:;[^\r\n]*)?\r\n\z/i
			or croak 'not a chunk size: ' . _shown($line);

		last if hex $size == 0;
		$body .= $self->read_bytes(hex $size);
		$self->read_bytes(2) eq "\r\n" or croak 'chunk not ended';
	}
	1 while $self->read_until("\r\n") ne "\r\n";
	return $body;
}

# A request as text: request('GET', '/', [Name => 'value', ...], body).
# Host is added unless given, Content-Length where there is a body.
sub request_text ($class, $method, $target, $fields = [], $body = undef) {
	my @fields = $fields->@*;
	my $text = "$method $target HTTP/1.1\r\n";

	unshift @fields, Host => 'localhost'
		unless grep { $_ % 2 == 0 && lc $fields[$_] eq 'host' }
			0 .. $#fields;
	push @fields, 'Content-Length' => length $body if defined $body;
	while (my ($name, $value) = splice @fields, 0, 2) {
		$text .= "$name: $value\r\n";
	}
	return "$text\r\n" . ($body // '');
}

# Sends a request and reads its response.
sub request ($self, $method, $target, $fields = [], $body = undef) {
	$self->send($self->request_text($method, $target, $fields, $body));
	return $self->response($method);
}

sub get ($self, $target, @fields) {
	return $self->request('GET', $target, \@fields);
}

# An end without any politeness: the peer sees a reset.
sub reset ($self) {
	setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
	return $self->close;
}

sub close ($self) {
	$self->{poll} = undef;
	return CORE::close($self->{socket});
}

1;
