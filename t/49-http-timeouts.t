# SPDX-License-Identifier: BSD-2-Clause
#
# Clients that are slow or silent: which are told (408), which are dropped,
# and that a trickle of bytes does not buy more time.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;

my $s = Holdfast->start(files => { 'www/a' => "a\n" },
	prepare => sub ($dir) {
		# Sparse, and more than socket buffers take.
		my $path = $dir->write('www/big', '');

		truncate $path, 64 << 20;
	}, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
timeouts = { header = "400ms"; body = "500ms"; send = "600ms";
  keepalive = "700ms"; };
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/form"; handler = "respond"; body = "[${form.x}]"; }
); } );
E

# Not before its time, and not much after it.
sub took ($seconds, $timeout, $name) {
	cmp_ok $seconds, '>', $timeout * 0.9, "$name: not too early";
	cmp_ok $seconds, '<', $timeout + 2 * slow(), "$name: not too late";
}

subtest 'a head that stops' => sub {
	my $c = $s->client;
	my $start = now();

	$c->send("GET /a HTTP/1.1\r\nHo");
	my $r = $c->response;

	took(now() - $start, 0.4, 'half a head');
	is $r->status, 408, 'is told';
	ok $r->closes && $c->at_end, 'and closed';
};

# They have their answers, in the kernel's buffers, which are full: nothing is
# ever heard of them.
subtest 'clients that take nothing, in another worker' => sub {
	my @c = map { $s->client(undef, rcvbuf => 4096) } 1 .. 80;
	my $size = 40_000;

	for my $c (@c) {
		$c->send($c->request_text('GET', '/big',
			[Range => 'bytes=0-' . int $size]));
		$size *= 1.06;
	}
	wait_until { $s->status->{connections} == @c } 'all to be there';
	$s->reload;
	wait_until { $s->status->{connections} == 0 } 'all to be dropped';
	pass 'they are dropped';
	$s->wait_workers(2);
};

subtest 'a head that trickles' => sub {
	my $c = $s->client;
	my $start = now();

	$c->send("GET /a HTTP/1.1\r\nX: ");
	until ($c->ended || $c->buffered ne '') {
		last if $c->send('x') == 0 || now() - $start > 10 * slow();
		sleep 0.05;
		$c->pull;
	}
	took(now() - $start, 0.4, 'a byte now and then');
	is $c->response->status, 408, 'is told';
	ok $c->at_end, 'and closed';
};

subtest 'a connection that never says anything' => sub {
	my $c = $s->client;
	my $start = now();

	is $c->read_to_end, '', 'is closed without a word';
	took(now() - $start, 0.4, 'silence');
	ok !$c->was_reset, 'and without a reset';
};

subtest 'an idle connection' => sub {
	my $c = $s->client;

	is $c->get('/a')->status, 200, 'after a request';
	my $start = now();

	is $c->read_to_end, '', 'is closed without a word';
	took(now() - $start, 0.7, 'idle');
	ok !$c->was_reset, 'and without a reset';
};

# RFC 9112 section 2.2: some clients send one after a body.
subtest 'an empty line is no request' => sub {
	my $c = $s->client;

	is $c->get('/a')->status, 200, 'after a request';
	my $start = now();

	$c->send("\r\n");
	is $c->read_to_end, '', 'it is idle all the same';
	took(now() - $start, 0.7, 'idle');

	$c = $s->client;
	$c->send("\r\n");
	wait_until { $s->status->{connections} > 0 } 'it to be there';
	$c->send("\r\n");
	is $c->response->status, 400, 'a second one is no sign of life';
	ok $c->at_end, 'and closed';
};

subtest 'requests keep it open' => sub {
	my $c = $s->client;
	my $start = now();
	my $n = 0;

	while (now() - $start < 1.5) {
		last unless eval { $c->get('/a')->status == 200 };
		$n++;
		sleep 0.2;
	}
	cmp_ok now() - $start, '>=', 1.5, 'longer than any timeout';
};

subtest 'the second head that stops' => sub {
	my $c = $s->client;

	is $c->get('/a')->status, 200, 'the first is answered';
	$c->send('GET');
	is $c->response->status, 408, 'the second is told';
	ok $c->at_end, 'and closed';
};

subtest 'a body that stops' => sub {
	for my $framing ("Content-Length: 10\r\n\r\nx=1",
			 "Transfer-Encoding: chunked\r\n\r\n3\r\nx=1\r\n",
			 "Content-Length: 10\r\n\r\n") {
		my $c = $s->client;
		my $start = now();

		$c->send("POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: "
			. "application/x-www-form-urlencoded\r\n$framing");
		my $r = $c->response;

		took(now() - $start, 0.5, 'half a body');
		is $r->status, 408, 'is told';
		ok $r->closes && $c->at_end, 'and closed';
	}
};

subtest 'a client that does not read' => sub {
	my $c = $s->client(undef, rcvbuf => 4096);

	$c->send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	# Served while it waits: nothing of this is anybody else's business.
	is $s->get('/a')->status, 200, 'others are served';
	# It does not read: it asks the server who is connected.
	wait_until { $s->status->{connections} == 0 }
		'the server to give it up', 20 * slow();
	my $got = length $c->read_to_end;

	cmp_ok $got, '<', 64 << 20, 'got only part of it';
};

# What it takes in the time is much less than what socket buffers hold: the
# server does not see it until a third of its buffer is free (tcp(7)).
subtest 'a client that reads slowly but steadily is served' => sub {
	my $c = $s->client(undef, rcvbuf => 16384);
	my $got = 0;

	$c->send("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	$c->read_until("\r\n\r\n");
	for (1 .. 60) {
		$got += length $c->read_bytes(10_000);
		sleep 0.05;
	}
	is $got, 600_000, 'longer than timeouts.send, and not cut';
	$got += length $c->read_to_end;
	is $got, 64 << 20, 'and gets it all';
};

$s->finish;
done_testing;
