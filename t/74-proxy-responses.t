# SPDX-License-Identifier: BSD-2-Clause
#
# What a client gets of a server's response: framed for the client, whatever
# framed it there; and what does not belong to the client stays behind.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Backend;

my $large = join '', map { sprintf "%07d\n", $_ } 1 .. 500_000;
my %answers = (
	'/length' => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello",
	'/empty' => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	'/chunks' => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		. "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n",
	'/old' => "HTTP/1.0 200 OK\r\n\r\nhello",
	'/close' => "HTTP/1.1 200 OK\r\n\r\nhello",
	'/none' => "HTTP/1.1 204 No Content\r\n\r\n",
	'/same' => "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n"
		. "Content-Length: 99\r\n\r\n",
	'/fields' => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
		. "Connection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n"
		. "Server: other\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
		. "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nVia: 1.1 x\r\n\r\n",
	'/spelled' => "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B:2\r\nX-C:  3\r\n"
		. "X-D: 4 \t\r\nX-E:\r\nKeep-Alive: 5\r\nX-F: \r\nx-G: a: b\r\n"
		. "Content-Length: 0\r\nX-H: 6\r\n\r\n",
	'/missing' => "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
	'/own/x' => "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy",
	'/large' => "HTTP/1.1 200 OK\r\nContent-Length: " . length($large)
		. "\r\n\r\n$large",
	'/large-chunks' => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		. sprintf("%x\r\n%s\r\n0\r\n\r\n", length $large, $large),
	'/coded/text' => "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
		. "ETag: \"t\"\r\nContent-Length: 5000\r\n\r\n" . 'text ' x 1000,
	'/coded/empty' => "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
		. "Content-Length: 0\r\n\r\n",
	'/hints' => "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
		. "HTTP/1.1 100 Continue\r\n\r\n"
		. "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
);

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $answer = $answers{$request->{target}};

	$answer =~ s/\r\n\r\n\K.*//s if $request->{method} eq 'HEAD';
	print {$socket} $answer;
	return $request->{target} !~ m{^/(old|close)};
});
my $slow = Holdfast::Backend->new(sub ($request, $socket) {
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n";
	for my $n (1 .. 3) {
		print {$socket} "3\r\n$n\n\n\r\n";
		sleep 0.2;
	}
	print {$socket} "0\r\n\r\n";
	return 1;
});

my $s = Holdfast->start(conf => <<"E");
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "app"; servers = ( { address = "$b->{address}"; } ); },
  { name = "slow"; servers = ( { address = "$slow->{address}"; } ); } );
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/own/"; handler = "proxy"; upstream = "app"; errors = "own"; },
  { path = "/coded/"; handler = "proxy"; upstream = "app"; compress = [ "gzip" ]; },
  { path = "/events"; handler = "proxy"; upstream = "slow"; } ); } );
E
my $c = $s->client;

subtest 'content, however it was framed' => sub {
	for my $path ('/length', '/chunks', '/old', '/close', '/length') {
		my $r = $c->get($path);

		is $r->status, 200, $path;
		is $r->body, 'hello', "$path: the content";
		is $r->field('x-trailer'), undef, 'trailers are left out';
	}
	is $c->get('/length')->field('content-length'), 5, 'a length stays';
	is $c->get('/chunks')->field('transfer-encoding'), 'chunked';
	is $c->get('/empty')->field('content-length'), 0;
	for my $path ('/large', '/large-chunks') {
		ok $c->get($path)->body eq $large, "$path: 4 MB";
	}
};

subtest 'responses without content' => sub {
	for my $path ('/none', '/same') {
		my $r = $c->get($path);

		is $r->body, '', $path;
		is $r->field('content-length'), undef;
		is $r->field('transfer-encoding'), undef;
	}
	is $c->get('/same')->field('etag'), '"x"';
	my $r = $c->request('HEAD', '/length');

	is $r->status, 200, 'HEAD';
	is $r->field('content-length'), 5;
	is $c->get('/length')->body, 'hello', 'the next one is in step';
};

subtest 'fields' => sub {
	my $r = $c->get('/fields');

	is $r->field('x-mine'), undef, 'what Connection names stays behind';
	is $r->field('keep-alive'), undef;
	is $r->field('connection'), undef;
	is $r->field('server'), 'other', 'Server is the origin\'s';
	is $r->field('date'), 'Thu, 01 Jan 1970 00:00:00 GMT', 'and Date';
	is join('|', $r->all('set-cookie')), 'a=1|b=2';
	is join('|', $r->all('via')), '1.1 x|1.1 holdfast';
};

subtest 'field lines are written anew' => sub {
	$c->send("GET /spelled HTTP/1.1\r\nHost: h\r\n\r\n");
	my $head = $c->read_until("\r\n\r\n");

	is join('|', $head =~ /^(X-.*)\r$/mig),
		'X-A: 1|X-B: 2|X-C: 3|X-D: 4|X-E: |X-F: |x-G: a: b|X-H: 6',
		'in one form, and in their order';
	is $c->get('/length')->body, 'hello', 'the next one is in step';
};

subtest 'errors of the server' => sub {
	my $r = $c->get('/missing');

	is $r->status, 404;
	is $r->body, 'gone', 'passed on';
	$r = $c->get('/own/x');
	is $r->status, 503, 'errors = "own"';
	like $r->body, qr/<h1>503/, 'our page';
};

subtest 'a client of HTTP/1.0' => sub {
	for my $path ('/length', '/chunks', '/close') {
		my $old = $s->client;

		$old->send("GET $path HTTP/1.0\r\nHost: h\r\n\r\n");
		my $r = $old->response;

		is $r->body, 'hello', $path;
		is $r->field('transfer-encoding'), undef;
		ok $old->at_end, 'then the end';
	}
};

subtest 'responses before the final one' => sub {
	my $c = $s->client;

	$c->send("GET /hints HTTP/1.1\r\nHost: h\r\n\r\n");
	is $c->read_until("\r\n\r\n"),
		"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", "early hints";
	is $c->response->body, 'hello', 'but not 100';
	my $old = $s->client;

	$old->send("GET /hints HTTP/1.0\r\nHost: h\r\n\r\n");
	is $old->response->status, 200, 'and nothing of it to HTTP/1.0';
};

subtest 'a stream is passed on as it comes' => sub {
	my $c = $s->client;

	$c->send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
	$c->read_until("\r\n\r\n");
	for my $n (1 .. 3) {
		is $c->read_until("$n\n\n\r\n"), "0003\r\n$n\n\n\r\n", "event $n";
		unlike $c->buffered, qr/\n\n/, 'and no more than that' if $n < 3;
	}
	is $c->read_until("\r\n\r\n"), "0\r\n\r\n", 'the end';
};

subtest 'requests in a row' => sub {
	my $c = $s->client;

	$c->send(join '', map { "GET $_ HTTP/1.1\r\nHost: h\r\n\r\n" }
		'/length', '/chunks', '/none', '/missing', '/length');
	is join(' ', map { $c->response->status } 1 .. 5), '200 200 204 404 200';
};

subtest 'HEAD says what GET does' => sub {
	for my $fields ([], ['Accept-Encoding' => 'gzip']) {
		my %got;

		for my $method (qw(GET HEAD)) {
			my $r = $c->request($method, '/coded/text', $fields);

			$got{$method} = join ', ', map { $_ . '=' . ($r->field($_) // '') }
				qw(vary content-encoding etag content-type);
			$got{length} = $r->field('content-length')
				if $method eq 'HEAD';
		}
		is $got{HEAD}, $got{GET}, "@$fields";
		like $got{HEAD}, qr/vary=Accept-Encoding/, 'Vary';
		is $got{length}, @$fields ? undef : 5000,
			'and a length only if it is that of the content';
	}
	is $c->request('HEAD', '/coded/empty')->field('vary'), undef,
		'nothing varies where there is no content';
};

$s->finish;
done_testing;
