# SPDX-License-Identifier: BSD-2-Clause
#
# Trailers go both ways: those that may stand behind a content, to a server with
# any request in chunks, and to a client that says that it takes them. A client
# cannot say by them what a field or a route says.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;
use Holdfast::Proc qw(alive);

my $dir = Holdfast::Dir->new;
my $forbidden = join '', map { "$_: x\r\n" } qw(Content-Length Transfer-Encoding
	Host Content-Type Content-Encoding Content-Range Trailer TE Connection
	Authorization Cookie Set-Cookie If-Match If-None-Match Range Expect
	Cache-Control Location Via X-Forwarded-For Forwarded Proxy-Authorization
	Date Vary);

# It reads what comes in chunks as it comes, and keeps it.
my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $in = ${$request->{in}};

	if (($request->{raw}) =~ /^Transfer-Encoding: chunked\r$/m) {
		while ($in !~ /^0\r\n(?:.+\r\n)*\r\n\z/m) {
			sysread $socket, $in, 65536, length $in or return 0;
		}
		${$request->{in}} = '';
		$dir->write('seen', $in);
	}
	my $target = $request->{target};

	if ($target =~ /plain/) {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
		return 1;
	}
	print {$socket} "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n"
		. "Content-Type: text/plain\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Su";
	wait_until { -e $dir->path('gate') } 'the gate' if $target =~ /slow/;
	print {$socket} "m:  abc \r\n${forbidden}X-Empty:\r\nX-Sum: d\r\n\r\n";
	return 1;
}, unread => 1);

my $conf = <<"E";
workers = 1;
timeouts = { drain = "1s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/set/"; handler = "proxy"; upstream = "app";
    request_fields = [ "X-User: ada", "-X-Role" ]; },
  { path = "/coded/"; handler = "proxy"; upstream = "app"; compress = [ "gzip" ];
    compress_min = "0"; },
  { path = "/whole/"; handler = "proxy"; upstream = "app";
    request_buffer = true; } ); } );
E
my $s = Holdfast->start(conf => $conf);
my $c = $s->client;

# What the client has after the head of a response in chunks.
sub chunks_for ($c, $target, @fields) {
	$c->send("GET $target HTTP/1.1\r\nHost: h\r\n" . join('',
		map { "$_\r\n" } @fields) . "\r\n");
	return chunks($c);
}
sub chunks ($c) {
	my $head = $c->read_until("\r\n\r\n");
	my $content = $c->read_until("\r\n0\r\n");
	my $trailers = '';

	until ($trailers =~ /(?:\A|\r\n)\r\n\z/) {
		$trailers .= $c->read_until("\r\n");
	}
	return ($head, $content, $trailers);
}

subtest 'of a response' => sub {
	my ($head, $content, $trailers) = chunks_for($c, '/', 'TE: trailers');

	is $trailers, "X-Sum: abc\r\nX-Empty: \r\nX-Sum: d\r\n\r\n",
		'those that may be there';
	like $head, qr/^Trailer: X-Sum\r$/m, 'Trailer announces them';
	my ($seen) = ($b->requests)[-1];

	like $seen->{raw}, qr/^TE: trailers\r$/m, 'the server knows';
	like $seen->{raw}, qr/^Connection: TE\r$/m;

	for my $te ([], ['TE: gzip'], ['TE: x-trailers']) {
		($head, $content, $trailers) = chunks_for($c, '/', @$te);
		is $trailers, "\r\n", "@$te: none for a client that takes none";
		unlike $head, qr/trailer/i;
		unlike +($b->requests)[-1]{raw}, qr/^TE/m;
	}
	($head, $content, $trailers) = chunks_for($c, '/', 'TE: gzip;q=1, Trailers',
		'Connection: te');
	like $trailers, qr/^X-Sum: abc\r$/m, 'in any case, in a list';
	is $c->get('/plain')->body, 'ok', 'the connection is in step';

	my $old = $s->client;

	$old->send("GET / HTTP/1.0\r\nTE: trailers\r\n\r\n");
	like $old->read_to_end, qr/\r\n\r\nhello\z/, 'HTTP/1.0 knows none';
	($head, $content, $trailers) = chunks_for($c, '/coded/', 'TE: trailers',
		'Accept-Encoding: gzip');
	like $head, qr/^Content-Encoding: gzip\r$/m;
	like $trailers, qr/^X-Sum: abc\r$/m, 'behind what is compressed here';
};

# What the server has of a request in chunks with these lines behind it.
sub server_has ($target, $lines, @fields) {
	$c->send("POST $target HTTP/1.1\r\nHost: h\r\n" . join('',
		map { "$_\r\n" } @fields) . "Transfer-Encoding: chunked\r\n\r\n"
		. "3\r\nabc\r\n0\r\n$lines\r\n");
	is $c->response->status, 200, $target;
	return $dir->read('seen');
}

subtest 'of a request' => sub {
	is server_has('/plain', "X-Sum: 1\r\nX-B:\t2 \r\n$forbidden", 'Trailer: X-Sum'),
		"3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n",
		'those that may be there';
	like +($b->requests)[-1]{raw}, qr/^Trailer: X-Sum\r$/m;
	is server_has('/plain', ''), "3\r\nabc\r\n0\r\n\r\n", 'none of the last one';
	is server_has('/set/plain', "x-user: root\r\nX-Other: 1\r\nX-ROLE: admin\r\n"),
		"3\r\nabc\r\n0\r\nX-Other: 1\r\n\r\n",
		'not those that the route sets';
	$c->send("POST /whole/plain HTTP/1.1\r\nHost: h\r\nTrailer: X-Sum\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n");
	is $c->response->status, 200, 'a body that is collected has none';
	unlike +($b->requests)[-1]{raw}, qr/trailer/i;
	# Octet by octet.
	for my $octet (split //, "POST /plain HTTP/1.1\r\nHost: h\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n") {
		$c->send($octet);
	}
	is $c->response->status, 200;
	is $dir->read('seen') =~ s/\A.*?0\r\n//sr, "X-A: 1\r\nX-B: 2\r\n\r\n",
		'however they come';
	my $bad = $s->client;

	$bad->send("POST /plain HTTP/1.1\r\nHost: h\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX A: 1\r\n\r\n");
	like $bad->read_to_end, qr/\AHTTP\/1\.1 400 /, 'one that is malformed';
	$bad = $s->client;
	$bad->send("POST /plain HTTP/1.1\r\nHost: h\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
		. "X-A: 1234567\r\n" x 1500 . "\r\n");
	like $bad->read_to_end, qr/\AHTTP\/1\.1 400 /, 'too many';
};

subtest 'they move in the middle' => sub {
	my ($up, $down) = map { $s->client } 1 .. 2;

	$down->send("GET /slow HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n");
	$up->send("POST /set/plain-up HTTP/1.1\r\nHost: h\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Us");
	wait_until { 2 == grep { $_->{target} =~ /slow|-up/ } $b->requests } 'both';
	$down->read_until("hello");
	my @old = $s->workers;

	$s->reload($conf =~ s/request_fields = .*?\];//sr);
	wait_until { !grep { alive($_) } @old } 'the old worker to go';
	$dir->write('gate', '');
	like $down->read_until("X-Empty: \r\nX-Sum: d\r\n\r\n"),
		qr/0\r\nX-Sum: abc\r\n/, 'of a response';
	$up->send("er: root\r\nX-Other: 2\r\n\r\n");
	is $up->response->status, 200;
	is $dir->read('seen'), "3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n",
		'and of a request';
};
$s->finish;
done_testing;
