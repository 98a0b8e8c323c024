# SPDX-License-Identifier: BSD-2-Clause
#
# Servers that refuse, break off, lie or say nothing: each has its status and
# its line in the log, and the client's connection stays in step.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Poll qw(POLLOUT);
use Test::More;
use Time::HiRes ();
use Holdfast;
use Holdfast::Backend;

my $ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
# path => [what the server sends before it closes, what the log says]
my %bad = (
	'/nothing' => ['', 'the connection was closed before it'],
	'/half' => ["HTTP/1.1 200 OK\r\nConte",
		'the connection was closed in its head'],
	'/garbage' => ["SSH-2.0-x\r\n", 'it does not begin as HTTP/1 does'],
	'/version' => ["HTTP/2 200 OK\r\n\r\n", 'it does not begin'],
	'/status' => ["HTTP/1.1 999 X\r\n\r\n", 'a status that is none'],
	'/two-lengths' => ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
		. "Content-Length: 3\r\n\r\nok", 'more than one Content-Length'],
	'/both' => ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
		. "Transfer-Encoding: chunked\r\n\r\nok",
		'Content-Length beside Transfer-Encoding'],
	'/coding' => ["HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		'a transfer coding that is not decoded here'],
	'/folded' => ["HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", 'line folding'],
	'/large-head' => ["HTTP/1.1 200 OK\r\nA: " . 'x' x 70_000 . "\r\n\r\n",
		'the head is too long'],
	'/switch' => ["HTTP/1.1 101 X\r\nConnection: upgrade\r\n"
		. "Upgrade: x\r\n\r\n", '101 was not asked for'],
	'/interim' => ["HTTP/1.1 100 Continue\r\n\r\n" x 100,
		'too many responses of 1xx'],
);
my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $path = $request->{target};

	my $is_head = $request->{method} eq 'HEAD';

	if ($path eq '/extra') {
		print {$socket} $ok . $ok;
		return 1;
	}
	if ($path eq '/long') { # more than it says
		print {$socket} $ok . 'ay and more';
		return 1;
	}
	if ($path =~ m{^/has-none/(\d+)}) { # content where there can be none
		print {$socket} "HTTP/1.1 $1 X\r\nContent-Length: 4\r\n\r\nevil";
		return 1;
	}
	if ($path =~ m{^/reset(.*)}) {
		print {$socket} {
			'' => '',
			'-in-head' => "HTTP/1.1 200 OK\r\nConte",
			'-after-head' => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
			'-in-content' => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour",
			'-in-chunk' => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
				. "\r\n\r\n9\r\nfour",
			'-after-chunk' => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
				. "\r\n\r\n4\r\nfour\r\n",
		}->{$1};
		# What was sent is to arrive before the reset.
		Time::HiRes::sleep(0.1) if $1 ne '';
		return Holdfast::Backend::break_off($socket);
	}
	if ($path eq '/processing') { # for ever, each in time
		while (print {$socket} "HTTP/1.1 102 Processing\r\n\r\n") {
			Time::HiRes::sleep(0.02);
		}
		return 0;
	}
	if ($path eq '/short') {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
			. 'x' x 50_000;
		return 0;
	}
	if ($path eq '/bad-chunk') {
		print {$socket} "HTTP/1.1 200 OK\r\n"
			. "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n";
		return 0;
	}
	if ($path eq '/dribble') {
		for my $byte (split //, "HTTP/1.1 200 OK\r\nA: " . 'x' x 200) {
			print {$socket} $byte or return 0;
			Time::HiRes::sleep(0.05);
		}
		return 0;
	}
	if ($path eq '/silent' || $path eq '/stall') {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour"
			if $path eq '/stall';
		1 while sysread $socket, my $end, 1;
		return 0;
	}
	print {$socket} $bad{$path} ? $bad{$path}[0]
		: $is_head ? $ok =~ s/ok\z//r : $ok;
	return $bad{$path} ? 0 : 1;
});
# Nobody listens there any more.
my $gone = Holdfast::Backend->new(sub { 0 });
$gone->stop;

# Its queue is full: a connect gets no answer.
my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
	or die "listen: $!";
my $full_port = $full->sockport;
my @queued;

for (1 .. 100) {
	push @queued, IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		PeerPort => $full_port, Blocking => 0);
	my $poll = IO::Poll->new;

	$poll->mask($queued[-1] => POLLOUT);
	last unless $poll->poll(1); # a second is long for a connect to loopback
}

my $s = Holdfast->start(conf => <<"E");
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "app"; retries = 0;
    servers = ( { address = "$b->{address}"; } );
    timeouts = { first_byte = "300ms"; read = "300ms"; }; },
  { name = "gone"; servers = ( { address = "$gone->{address}"; } ); },
  { name = "far"; servers = ( { address = "127.0.0.1:$full_port"; } );
    timeouts = { connect = "200ms"; }; },
  { name = "unix"; servers = ( { address = "unix:%%DIR%%/nobody"; } ); }
);
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/gone"; handler = "proxy"; upstream = "gone"; },
  { path = "/far"; handler = "proxy"; upstream = "far"; },
  { path = "/unix"; handler = "proxy"; upstream = "unix"; } ); } );
E
my $c = $s->client;

$s->expect_log(qr/answered with 50[24]: upstream/, qr/not asked for/,
	qr/cut short: upstream/);

for my $path (sort keys %bad) {
	is $c->get($path)->status, 502, $path;
	my $line = "answered with 502: upstream app, "
		. "server $b->{address}: response: ";

	$s->wait_log(qr/\Q$line\E.*\Q$bad{$path}[1]\E.*"GET $path /);
	is $c->get('/good')->body, 'ok', "$path: the next request is in step";
}

subtest 'bytes after the response are nobody\'s' => sub {
	my @before = $b->requests;

	is $c->get('/extra')->body, 'ok';
	is $c->get('/good')->body, 'ok';
	my @seen = $b->requests;

	isnt $seen[-1]{connection}, $seen[-2]{connection},
		'the connection is not used again';
};

subtest 'resets' => sub {
	for my $case (['/reset', 'Connection reset by peer'],
		['/reset-in-head', 'Connection reset by peer']) {
		my ($path, $why) = @$case;

		is $c->get($path)->status, 502, $path;
		$s->wait_log(qr/answered with 502: .* response: $why.*"GET $path /);
		is $c->get('/good')->body, 'ok', "$path: in step";
	}
	for my $path (map { "/reset-$_" } qw(after-head in-content in-chunk
		after-chunk)) {
		my $broken = $s->client;

		$broken->send("GET $path HTTP/1.1\r\nHost: h\r\n\r\n");
		my $all = $broken->read_to_end;

		like $all, qr/\AHTTP\/1\.1 200 /, "$path: its head was sent";
		unlike $all, qr/0\r\n\r\n\z/, 'it is not ended';
		$s->wait_log(qr/cut short: .*Connection reset by peer.*"GET $path /);
		is $s->get('/good')->body, 'ok', 'others are answered';
	}
};

subtest 'more than there should be' => sub {
	is $c->get('/long')->body, 'ok', 'than Content-Length says';
	is $c->get('/good')->body, 'ok';
	for my $status (204, 304) {
		is $c->get("/has-none/$status")->status, $status;
		is $c->get('/good')->body, 'ok', "$status with content";
	}
	is $c->request('HEAD', '/has-none/200')->status, 200;
	is $c->get('/good')->body, 'ok', 'HEAD with content';
};

subtest '1xx for ever' => sub {
	my $hints = $s->client;

	$hints->send("GET /processing HTTP/1.1\r\nHost: h\r\n\r\n");
	like $hints->read_until('502 Bad Gateway'), qr/102 Processing/,
		'some are passed on, then it is enough';
	$s->wait_log(qr/too many responses of 1xx.*"GET \/processing /);
};

subtest 'content that breaks off' => sub {
	for my $path ('/short', '/bad-chunk') {
		my $broken = $s->client;

		$broken->send("GET $path HTTP/1.1\r\nHost: h\r\n\r\n");
		my $all = $broken->read_to_end;

		unlike $all, qr/\r\n0\r\n\r\n\z/, "$path: it is not ended";
		cmp_ok length $all, '<', 60_000, "$path: nor made up";
		$s->wait_log(qr/cut short: upstream app, server .*"GET \Q$path\E /);
	}
};

subtest 'nobody there' => sub {
	is $c->get('/gone')->status, 502;
	$s->wait_log(qr/connect: Connection refused, .*"GET \/gone /);
	is $c->get('/unix')->status, 502;
	$s->wait_log(qr/connect: No such file or directory, .*"GET \/unix /);
};

subtest 'time-outs' => sub {
	is $c->get('/silent')->status, 504, 'no response';
	$s->wait_log(qr/answered with 504: .* response: timed out, .*"GET \/silent /);
	my $began = now();

	is $c->get('/dribble')->status, 504, 'a head in many pieces';
	cmp_ok now() - $began, '<', 5, 'has the time once';
	$s->wait_log(qr/answered with 504: .* response: timed out, .*"GET \/dribble /);
	my $stalled = $s->client;

	$stalled->send("GET /stall HTTP/1.1\r\nHost: h\r\n\r\n");
	$stalled->read_until('four');
	$stalled->read_to_end;
	$s->wait_log(qr/cut short: .* timed out, .*"GET \/stall /);
	is $c->get('/far')->status, 504, 'no connection';
	$s->wait_log(qr/answered with 504: .* connect: timed out, .*"GET \/far /);
};

subtest 'clients that go' => sub {
	my $before = $b->connections;
	my $left = $s->client;

	$left->send("GET /silent2 HTTP/1.1\r\nHost: h\r\n\r\n");
	$left->response;
	$left->send("GET /silent HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_until { ($b->requests)[-1]{target} eq '/silent' } 'the request';
	$left->close;
	is $c->get('/good')->body, 'ok', 'trouble nobody';
};

$s->finish;
done_testing;
