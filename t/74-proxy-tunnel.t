# SPDX-License-Identifier: BSD-2-Clause
#
# Tunnels: a request to go on with another protocol, as WebSocket's.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	if ($request->{target} eq '/refused') {
		print {$socket} "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
		return 1;
	}
	print {$socket} "HTTP/1.1 101 Switching Protocols\r\n"
		. "Connection: Upgrade\r\nUpgrade: echo\r\nX-A: 1\r\n"
		. "Content-Type: text/html\r\n\r\nhello ";
	print {$socket} ${$request->{in}};
	return 0 if $request->{target} eq '/ends';
	while (sysread $socket, my $bytes, 65536) {
		print {$socket} $bytes;
	}
	print {$socket} 'bye'; # a half that is still open
	return 0;
});

my $s = Holdfast->start(conf => <<"E");
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
log = { access = "%%DIR%%/access"; };
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } );
  timeouts = { read = "2s"; }; } );
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/packed"; handler = "proxy"; upstream = "app";
    compress = [ "gzip" ]; compress_min = "0"; },
  { path = "/off/"; handler = "proxy"; upstream = "app"; upgrade = false; } ); } );
E

sub opened ($path, $early = '') {
	my $c = $s->client;

	$c->send("GET $path HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
		. "Accept-Encoding: gzip\r\n"
		. "Upgrade: echo\r\n\r\n$early");
	my $head = $c->read_until("\r\n\r\n");

	like $head, qr{\AHTTP/1\.1 101 Switching Protocols\r\n}, "$path: 101";
	like $head, qr/^Upgrade: echo\r$/mi, 'with Upgrade';
	like $head, qr/^Connection: upgrade\r$/mi, 'and Connection';
	unlike $head, qr/^(Content-Length|Transfer-Encoding)/mi, 'unframed';
	return $c;
}

subtest 'bytes go both ways' => sub {
	my $c = opened('/', 'early');

	is $c->read_bytes(11), 'hello early', 'what came along with the head';
	for my $n (1, 100, 100_000) {
		my $bytes = join '', map { chr rand 256 } 1 .. $n;

		$c->send($bytes);
		ok $c->read_bytes($n) eq $bytes, "$n bytes";
	}
	$c->finish_sending;
	is $c->read_to_end, 'bye', 'its half was closed, and the other went on';
};

subtest 'bytes of another protocol are not compressed' => sub {
	my $c = opened('/packed');

	is $c->read_bytes(6), 'hello ';
	$c->send('abc');
	is $c->read_bytes(3), 'abc';
};

subtest 'the server ends it' => sub {
	my $c = opened('/ends');

	is $c->read_to_end, 'hello ', 'so it ends';
};

subtest 'the client goes' => sub {
	my $c = opened('/');

	$c->read_bytes(6);
	$c->close;
	pass 'and nobody minds';
};

subtest 'silence' => sub {
	my $c = opened('/');

	is $c->read_to_end, 'hello ', 'is bounded by timeouts.read';
};

subtest 'no tunnel' => sub {
	my $c = $s->client;

	$c->send("GET /refused HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
		. "Upgrade: echo\r\n\r\n");
	is $c->response->status, 403, 'the server says no';
	$c->send("GET /off/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
		. "Upgrade: echo\r\n\r\n");
	is $c->response->status, 502, 'upgrade = false: it was not asked for';
	is Holdfast::Backend::field(($b->requests)[-1], 'upgrade'), undef;
	$s->expect_log(qr/101 was not asked for/);
};

$s->finish;
done_testing;
