# SPDX-License-Identifier: BSD-2-Clause
#
# limits.rate: a client that trickles, always in time for the next piece, is
# got rid of; one that is slow is served.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;

my $conf = <<'E2';
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { rate = "2k"; };
timeouts = { body = "1s"; send = "1s"; };
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/form"; handler = "respond"; body = "[${form.x}]"; }
); } );
E2
my $s = Holdfast->start(files => { 'www/a' => "a\n" },
	prepare => sub ($dir) {
		# Sparse, and more than socket buffers take.
		my $path = $dir->write('www/big', '');

		truncate $path, 64 << 20;
	}, conf => $conf);
my $form = 'Content-Type: application/x-www-form-urlencoded';

# Sends a request's head and then `piece` every twentieth of a second, until
# an answer comes: that, or nothing when the connection is closed without one.
# Calls $meanwhile now and then.
sub trickle ($head, $piece, $meanwhile = sub { }) {
	my $c = $s->client;
	my $start = now();
	my $n = 0;

	$c->send($head);
	until ($c->ended || $c->buffered ne '') {
		return (undef, now() - $start) if now() - $start > 10 * slow();
		last if $c->send($piece) == 0;
		sleep 0.05;
		$meanwhile->() if ++$n % 6 == 0;
	}
	return ($c, now() - $start);
}

for my $case (
	['a length', "Content-Length: 9999\r\n\r\n", 'x'],
	['chunks', "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"],
	['chunks that are extensions only', "Transfer-Encoding: chunked\r\n\r\n"
		. '5;', 'x'],
) {
	my ($name, $fields, $piece) = @$case;
	my ($c, $took) = trickle("POST /form HTTP/1.1\r\nHost: a\r\n$form\r\n"
		. $fields, $piece);

	ok $c, "a body that trickles with $name ends";
	cmp_ok $took, '>', 0.9, 'after a window';
	is $c->response->status, 408, 'it is told';
	ok $c->at_end, 'and closed, without a reset';
}

subtest 'a body that trickles and that nobody wants' => sub {
	my $c = $s->client;

	$c->send("GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n");
	is $c->response->status, 200, 'is answered at once';
	wait_until {
		$c->send('x');
		$s->status->{connections} == 0
	} 'the connection to be closed', 20 * slow();
	pass 'and the connection closed';
};

subtest 'a body that is slow, but not too slow' => sub {
	my $c = $s->client;

	$c->send("POST /form HTTP/1.1\r\nHost: a\r\n$form\r\n"
		. "Content-Length: 61442\r\n\r\nx=");
	for (1 .. 60) {		# 20 KiB/s for three windows
		$c->send('y' x 1024);
		sleep 0.05;
	}
	is length $c->response->body, 61442, 'is taken';
};

subtest 'a response that is read too slowly' => sub {
	my $c = $s->client(undef, rcvbuf => 4096);
	my $got = 0;

	$c->send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_until {
		$got += sysread($c->socket, my $bytes, 10) // 0;
		$s->status->{connections} == 0
	} 'the server to give it up', 20 * slow();
	$s->wait_log(qr/closed: it took too little of a response/);
	cmp_ok $got, '<', 1 << 20, 'is given up';
};

subtest 'a response that is read slowly, but not too slowly' => sub {
	my $c = $s->client(undef, rcvbuf => 8192);
	my $got = 0;

	$c->send("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	$c->read_until("\r\n\r\n");
	for (1 .. 60) {
		$got += length $c->read_bytes(1024);
		sleep 0.05;
	}
	$got += length $c->read_to_end;
	is $got, 64 << 20, 'is sent to its end';
};

# Each reload moves the connection to another worker: that is no new window.
subtest 'a body that trickles across reloads' => sub {
	my ($c, $took) = trickle("POST /form HTTP/1.1\r\nHost: a\r\n$form\r\n"
		. "Content-Length: 9999\r\n\r\n", 'x', sub { $s->reload });

	ok $c, 'ends';
	is $c->response->status, 408, 'and is told';
};

subtest 'any rate' => sub {
	$s->reload($conf =~ s/rate = "2k"/rate = "0"/r);
	my $c = $s->client;

	$c->send("POST /form HTTP/1.1\r\nHost: a\r\n$form\r\n"
		. "Content-Length: 62\r\n\r\nx=");
	for (1 .. 60) {
		$c->send('y');
		sleep 0.05;
	}
	is $c->response->status, 200, 'a body may trickle';
};

$s->finish;
done_testing;
