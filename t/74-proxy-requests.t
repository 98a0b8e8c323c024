# SPDX-License-Identifier: BSD-2-Clause
#
# What a server gets of a request that is passed on: made anew from what was
# understood, with what belongs to the client's connection left behind and
# what a proxy has to say added.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
		$request->{method} eq 'HEAD' ? '' : 'ok';
	return 1;
});

sub conf ($more = '') {
	return <<"E";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
$more
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/api/"; handler = "proxy"; upstream = "app"; strip = true; },
  { path = "/bare"; handler = "proxy"; upstream = "app"; strip = true; },
  { path = "/to/"; handler = "proxy"; upstream = "app"; to = "/new/\${rest}"; },
  { path = "/ask/"; handler = "proxy"; upstream = "app"; to = "/new?a=\${rest}"; },
  { path = "/empty/"; handler = "proxy"; upstream = "app"; to = "/new?"; },
  { path = "/own/"; handler = "proxy"; upstream = "app";
    to = "/new?\${query}&from=\${path}"; },
  { path = "/part/"; handler = "proxy"; upstream = "app"; to = "/new\${?query}"; },
  { path = "/bare-to/"; handler = "proxy"; upstream = "app"; to = "new"; },
  { path = "/server/"; handler = "proxy"; upstream = "app"; host = "server"; },
  { path = "/text/"; handler = "proxy"; upstream = "app"; host = "x.\${host}"; },
  { path = "/whole/"; handler = "proxy"; upstream = "app";
    request_buffer = true; },
  { path = "/set/"; handler = "proxy"; upstream = "app";
    request_fields = [ "X-Forwarded-Proto: https", "-User-Agent", "X-New: 1" ]; }
); } );
E
}

my $s = Holdfast->start(conf => conf());
my $c = $s->client;

sub seen () { return ($b->requests)[-1] }
sub value ($name) { return join ' | ', Holdfast::Backend::field(seen(), $name) }

subtest 'targets' => sub {
	# [target, what the server is asked for]
	for my $case (
		['/', '/'],
		['/a', '/a'],
		['/a?', '/a?'],
		['/to/x?b=c', '/new/x?b=c'],
		['/ask/x', '/new?a=x'],
		['/ask/x?', '/new?a=x'],
		['/ask/x?b=c', '/new?a=x&b=c'],
		['/empty/x?b=c', '/new?b=c'],
		['/own/x?b=c', '/new?b=c&from=/own/x'],
		['/part/x?b=c', '/new?b=c'],
		['/part/x', '/new'],
		['/bare-to/x', '/new'],
		['/a?b=c&d=%20%C3%A9', '/a?b=c&d=%20%C3%A9'],
		['/a;v=1:2@3,(x)!$&\'*+=', '/a;v=1:2@3,(x)!$&\'*+='],
		['/a%3Bb', '/a%3Bb'],
		['/%7Euser', '/%7Euser'],
		['//a/./b/../c', '/a/c'],
		['/a/%2e%2e/b', '/b'],
		['/a%20b', '/a%20b'],
		['/api/x?y', '/x?y'],
		['/api/', '/'],
		['/api/a%20b', '/a%20b'],
		['/bare/x', '/x'],
		['/bare', '/'],
		['/bare?q', '/?q'],
		['/to/a%20b?q', '/new/a%20b?q'],
	) {
		my ($target, $wanted) = @$case;

		is $c->get($target)->status, 200, $target;
		is seen()->{target}, $wanted, "$target: asked for";
	}
};

subtest 'fields of the connection stay behind' => sub {
	$c->send("GET / HTTP/1.1\r\nHost: h\r\nConnection: X-Mine, keep-alive\r\n"
		. "X-Mine: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\n"
		. "TE: gzip;q=1\r\nTrailer: X\r\nProxy-Authorization: Basic x\r\n"
		. "X-Other: 2\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n");
	is $c->response->status, 200;
	my @names = map { lc $_->[0] } grep { defined $_->[0] }
		seen()->{fields}->@*;

	is "@names", 'host x-other cookie cookie x-forwarded-for '
		. 'x-forwarded-proto x-forwarded-host forwarded via',
		'what the server gets';
	is value('x-other'), '2';
	is value('cookie'), 'a=1 | b=2';
};

subtest 'a client that is not trusted' => sub {
	$c->get('/', 'X-Forwarded-For' => '1.2.3.4', 'X-Forwarded-Proto' => 'https',
		'X-Forwarded-Host' => 'evil', 'Forwarded' => 'for=1.2.3.4',
		'Via' => '1.1 before');
	is value('x-forwarded-for'), '127.0.0.1', 'X-Forwarded-For starts over';
	is value('x-forwarded-proto'), 'http';
	unlike value('x-forwarded-host'), qr/evil/;
	like value('forwarded'),
		qr/\Afor=127\.0\.0\.1;proto=http;host="[^"]+"\z/;
	is value('via'), '1.1 before, 1.1 holdfast', 'Via is added to';
};

subtest 'Host' => sub {
	$c->send("GET /a HTTP/1.1\r\nHost: site.example:81\r\n\r\n");
	$c->response;
	is value('host'), 'site.example:81', 'the client\'s';
	$c->send("GET /server/ HTTP/1.1\r\nHost: site.example\r\n\r\n");
	$c->response;
	is value('host'), $b->{address}, 'the server\'s';
	is value('x-forwarded-host'), 'site.example';
	$c->send("GET /text/ HTTP/1.1\r\nHost: site.example\r\n\r\n");
	$c->response;
	is value('host'), 'x.site.example', 'a template';
	my $old = $s->client;

	$old->send("GET /a HTTP/1.0\r\n\r\n");
	is $old->response->status, 200, 'HTTP/1.0 without a Host';
	is value('host'), $b->{address};
	is value('via'), '1.0 holdfast';
	like seen()->{raw}, qr{\AGET /a HTTP/1\.1\r\n}, 'we speak 1.1';
};

subtest 'what the route sets, the route sets' => sub {
	$c->get('/set/', 'User-Agent' => 'x');
	is value('x-forwarded-proto'), 'https';
	is value('user-agent'), '';
	is value('x-new'), '1';
};

subtest 'bodies' => sub {
	for my $prefix ('/', '/whole/') {
		is $c->request('POST', "${prefix}p", [], 'abc')->status, 200;
		is seen()->{body}, 'abc', "$prefix with a length";
		is value('content-length'), '3';
		is value('transfer-encoding'), '';
		$c->send("PUT ${prefix}p HTTP/1.1\r\nHost: h\r\n"
			. "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n"
			. "2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n");
		is $c->response->status, 200;
		is seen()->{body}, 'abcde', "$prefix in chunks";
		is value('content-length') || value('transfer-encoding'),
			$prefix eq '/' ? 'chunked' : 5;
		is $c->request('POST', "${prefix}p", [], '')->status, 200;
		is value('content-length'), '0', "$prefix: an empty one";
		my $large = join '', map { sprintf "%07d\n", $_ } 1 .. 100_000;

		is $c->request('POST', "${prefix}p", [], $large)->status, 200;
		ok seen()->{body} eq $large, "$prefix: 800 kB";
	}
	$c->send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
		. "Expect: 100-continue\r\n\r\n");
	is $c->read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n",
		'100 is ours to say';
	$c->send('abc');
	is $c->response->status, 200;
	is value('expect'), '';
	is $c->request('HEAD', '/h')->status, 200, 'HEAD';
	is seen()->{method}, 'HEAD';
	is $c->request('DELETE', '/h')->status, 200, 'DELETE without a body';
	is value('content-length') . value('transfer-encoding'), '';
};

cmp_ok $b->connections, '<', 10, 'connections to the server are used again';

subtest 'a client that is trusted' => sub {
	$s->reload(conf('real_ip = { from = [ "127.0.0.1" ]; };'));
	my $c = $s->client;

	$c->get('/', 'X-Forwarded-For' => '1.2.3.4', 'X-Forwarded-For' => '5.6.7.8',
		'X-Forwarded-Proto' => 'https', 'X-Forwarded-Host' => 'outer',
		'Forwarded' => 'for=1.2.3.4;proto=https');
	is value('x-forwarded-for'), '1.2.3.4, 5.6.7.8, 127.0.0.1';
	is value('x-forwarded-proto'), 'https';
	is value('x-forwarded-host'), 'outer';
	like value('forwarded'),
		qr/\Afor=1\.2\.3\.4;proto=https, for=127\.0\.0\.1;/;
};

$s->finish;
done_testing;
