# SPDX-License-Identifier: BSD-2-Clause
#
# A server that answers while the body of the request is still coming: both go
# on, as fast as each side takes them, and through a reload.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Proc qw(alive);

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $in = ${$request->{in}};
	my $target = $request->{target};

	if ($target =~ /early/) { # and never reads the body
		print {$socket} "HTTP/1.1 413 Too Large\r\nConnection: close\r\n"
			. "Transfer-Encoding: chunked\r\n\r\n5\r\nlarge\r\n";
		sleep 1;
		print {$socket} "0\r\n\r\n";
		return 0;
	}
	if ($target =~ /echo-length/) {
		my ($n) = Holdfast::Backend::field($request, 'content-length');

		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: $n\r\n\r\n";
		while ($n > 0) {
			length $in or sysread $socket, $in, 65536 or return 0;
			$n -= length $in;
			print {$socket} $in or return 0;
			$in = '';
		}
		${$request->{in}} = '';
		return 1;
	}
	# Chunks come back as they are, the last one too.
	my $all = '';

	print {$socket} "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	while (1) {
		length $in or sysread $socket, $in, 65536 or return 0;
		$all = substr $all . $in, -7;
		print {$socket} $in or return 0;
		$in = '';
		last if $all =~ /\r\n0\r\n\r\n\z/ || $all eq "0\r\n\r\n";
	}
	${$request->{in}} = '';
	return 1;
}, unread => 1);

my $conf = <<"E";
workers = 1;
limits = { body = "100m"; };
timeouts = { drain = "1s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } );
  timeouts = { read = "2s"; }; } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app";
  compress = [ "gzip" ]; } ); } );
E
my $s = Holdfast->start(conf => $conf);
my $c = $s->client;

sub chunk ($text) { return sprintf "%x\r\n%s\r\n", length $text, $text }

# A chunk of the response, however it was cut.
sub get_text ($c, $n) {
	my $text = '';

	while (length $text < $n) {
		my $size = hex $c->read_until("\r\n") =~ s/\r\n//r;

		$text .= $c->read_bytes($size);
		$c->read_bytes(2);
	}
	return $text;
}

sub begin ($c) {
	$c->send("POST /echo HTTP/1.1\r\nHost: h\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n" . chunk('first'));
	like $c->read_until("\r\n\r\n"), qr/\AHTTP\/1\.1 200 /, 'the head is there';
	is get_text($c, 5), 'first', 'what was sent comes back';
}

subtest 'in turn' => sub {
	begin($c);
	for my $n (1 .. 20) {
		$c->send(chunk("message $n"));
		is get_text($c, length "message $n"), "message $n", "message $n";
	}
	$c->send("0\r\n\r\n");
	is $c->read_until("0\r\n\r\n"), "0\r\n\r\n", 'until the end';
	$c->send("POST /echo-length HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
	$c->read_until("\r\n\r\nabc");
	$c->send('def');
	is $c->read_bytes(3), 'def', 'with a length';
	begin($c);
	$c->send("0\r\n\r\n");
	$c->read_until("0\r\n\r\n");
	my @connections = map { $_->{connection} } $b->requests;

	is $connections[-1], $connections[0], 'all on one connection to the server';
};

subtest 'much of it' => sub {
	my $big = $s->client(undef, rcvbuf => 65536);
	my $all = join '', map { sprintf "%07d\n", $_ } 1 .. 3_000_000;
	my $got = '';

	$big->send("POST /echo-length HTTP/1.1\r\nHost: h\r\nContent-Length: "
		. length($all) . "\r\n\r\n");
	my $sent = 0;

	# The client reads nothing at first: it is held up, and so is the rest.
	while ($sent < length $all) {
		my $n = $big->send_some(substr $all, $sent, 65536);

		last unless $n;
		$sent += $n;
	}
	cmp_ok $sent, '<', length $all, "a client that does not read is held up";
	$got = $big->read_until("\r\n\r\n") =~ s/.*\r\n\r\n//sr;
	while (length $got < length $all) {
		if ($sent < length $all) {
			my $n = $big->send_some(substr $all, $sent, 65536);

			$sent += $n // 0;
		}
		$big->more(0.01);
		my $n = length $big->buffered;

		$got .= $big->read_bytes($n) if $n;
	}
	ok $got eq $all, 'every byte is right';
};

subtest 'a reload' => sub {
	my $moves = $s->client;

	begin($moves);
	for my $n (1 .. 3) {
		my @old = $s->workers;

		$s->reload($conf);
		wait_until { !grep { alive($_) } @old } 'the old worker to go';
		$moves->send(chunk("after reload $n"));
		is get_text($moves, 14), "after reload $n", "after reload $n";
	}
	$moves->send("0\r\n\r\n");
	is $moves->read_until("0\r\n\r\n"), "0\r\n\r\n", 'it ends well';
	is $moves->get('/echo-length', 'Content-Length' => 0)->status, 200,
		'and the connection goes on';
};

subtest 'a server that does not want it' => sub {
	my $early = $s->client;

	$early->send("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n");
	1 while $early->send_some('x' x 65536);
	is $early->response->body, 'large', 'its response arrives';
};

subtest 'what goes wrong in the middle' => sub {
	my $bad = $s->client;

	begin($bad);
	$bad->send("xyz\r\n");
	is $bad->read_to_end =~ /0\r\n\r\n\z/ ? 1 : 0, 0,
		'chunks that are none: the response breaks off';
	my $gone = $s->client;

	begin($gone);
	$gone->close;
	my $silent = $s->client;

	begin($silent);
	is $silent->read_to_end =~ /0\r\n\r\n\z/ ? 1 : 0, 0,
		'silence of both for timeouts.read';
	$s->wait_log(qr{cut short: .* timed out, .*"POST /echo });
	$s->wait_log(qr{rest of the body cannot be passed on: the body is not in chunked});
};
$s->expect_log(qr{cut short: .* "POST /echo });
$s->allow_log(qr/not asked for/);
$s->finish;
done_testing;
