# SPDX-License-Identifier: BSD-2-Clause
#
# What a request may take of time and of a server: timeouts.total ends with
# the head of the response, and counts while a client sends its body; a server
# that is tried after failures is tried again when the client of that try has
# gone; a body that waited for one server goes on to the next; and one that
# cannot be sent twice takes no connection that was idle for long.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Poll qw(POLLOUT);
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	if ($request->{target} eq '/slow') {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n";
		for my $byte (split //, 'slow1234') {
			sleep 0.1;
			print {$socket} $byte;
		}
		return 1;
	}
	if ($request->{target} eq '/tunnel') {
		print {$socket} "HTTP/1.1 101 X\r\nConnection: Upgrade\r\n"
			. "Upgrade: echo\r\n\r\n";
		while (sysread $socket, my $bytes, 65536) {
			print {$socket} $bytes;
		}
		return 0;
	}
	my $n = length $request->{body};

	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: "
		. length($n) . "\r\n\r\n$n";
	return 1;
});
# Answers once on each connection.
my $stale = Holdfast::Backend->new(sub ($request, $socket) {
	return 0 if $request->{n} > 1;
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ns";
	return 1;
});
# Breaks until told otherwise, and holds what it is told to.
my $dir = Holdfast::Dir->new;
my $weak = Holdfast::Backend->new(sub ($request, $socket) {
	if ($request->{target} eq '/hold' && -e $dir->path('well')) {
		1 while sysread $socket, my $end, 1;
		return 0;
	}
	return 0 unless -e $dir->path('well');
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nweak";
	return 1;
});

# Its queue is full: a connect gets no answer.
my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
	or die "listen: $!";
my $full_address = '127.0.0.1:' . $full->sockport;
my @queued;

for (1 .. 100) {
	push @queued, IO::Socket::INET->new(PeerAddr => $full_address,
		Blocking => 0);
	my $poll = IO::Poll->new;

	$poll->mask($queued[-1] => POLLOUT);
	last unless $poll->poll(1); # a second is long for a connect to loopback
}

my $s = Holdfast->start(conf => <<"E");
workers = 1;
limits = { body = "8m"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "total"; servers = ( { address = "$b->{address}"; } );
    timeouts = { total = "400ms"; }; },
  { name = "next"; servers = ( { address = "$full_address"; },
    { address = "$b->{address}"; backup = true; } );
    timeouts = { connect = "300ms"; }; },
  { name = "stale"; servers = ( { address = "$stale->{address}"; } ); },
  { name = "weak"; servers = ( { address = "$weak->{address}"; },
    { address = "$b->{address}"; } ); }
);
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "total"; },
  { path = "/next"; handler = "proxy"; upstream = "next"; },
  { path = "/stale"; handler = "proxy"; upstream = "stale"; },
  { path = "/weak/"; handler = "proxy"; upstream = "weak"; strip = true; }
); } );
E

$s->allow_log(qr/answered with 50\d: upstream/, qr/not asked for/);

subtest 'timeouts.total' => sub {
	my $c = $s->client;

	is $c->get('/slow')->body, 'slow1234', 'is over when the head is there';
	my $tunnel = $s->client;

	$tunnel->send("GET /tunnel HTTP/1.1\r\nHost: h\r\n"
		. "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n");
	$tunnel->read_until("\r\n\r\n");
	$tunnel->send('a');
	is $tunnel->read_bytes(1), 'a';
	sleep 0.6;
	$tunnel->send('b');
	is $tunnel->read_bytes(1), 'b', 'and a tunnel is open';
	my $up = $s->client;

	$up->send("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
	is $up->response->status, 504, 'it counts while the client sends';
};

subtest 'a body that waited for one server goes on to the next' => sub {
	my $body = 'x' x 3_000_000;

	for my $connection ('a new one', 'one that was idle') {
		my $c = $s->client;

		is $c->request('PUT', '/next', [], $body)->body, 3_000_000,
			$connection;
	}
};

subtest 'what cannot be sent twice takes no connection that was idle' => sub {
	my $c = $s->client;

	is $c->get('/stale')->body, 's', 'a connection';
	sleep 1.1;
	is $c->request('PUT', '/stale', [], 'x' x 100_000)->body, 's', 'PUT';
	sleep 1.1;
	$c->send("PUT /stale HTTP/1.1\r\nHost: h\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	is $c->response->body, 's', 'PUT, in chunks';
};

subtest 'a server is tried again when the client of a try has gone' => sub {
	my $c = $s->client;

	for (1 .. 20) {
		$c->get('/weak/x');
	}
	$s->wait_log(qr/\Q$weak->{address}\E: not asked for 1 s/);
	$dir->write('well', '');
	my $asked = () = $weak->requests;
	my @held;

	# One of these is the try, and its client goes.
	wait_until {
		push @held, $s->client;
		$held[-1]->send("GET /weak/hold HTTP/1.1\r\nHost: h\r\n\r\n");
		sleep 0.05;
		my $now = () = $weak->requests;

		$now > $asked;
	} 'a try';
	$_->close for @held;
	ok wait_until { $c->get('/weak/x')->body eq 'weak' } 'another try';
	$s->wait_log(qr/\Q$weak->{address}\E: it answers again/);
};

$s->finish;
done_testing;
