# SPDX-License-Identifier: BSD-2-Clause
#
# Which site and which route answer a request.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = (
  { hosts = [ "first.example" ];
    routes = ( { path = "/"; handler = "respond"; body = "first"; } ); },
  { hosts = [ "a.example", "B.Example" ];
    routes = ( { path = "/"; handler = "respond"; body = "exact"; } ); },
  { hosts = [ "*.example" ];
    routes = ( { path = "/"; handler = "respond"; body = "suffix"; } ); },
  { hosts = [ "*.deep.example" ];
    routes = ( { path = "/"; handler = "respond"; body = "longer"; } ); },
  { hosts = [ "[::1]", "127.0.0.1" ];
    routes = ( { path = "/"; handler = "respond"; body = "ip"; } ); },
  { hosts = [ "routes.test" ];
    routes = (
      { path = "/"; handler = "respond"; body = "root"; },
      { path = "/a"; handler = "respond"; body = "a"; },
      { path = "/a/b/"; handler = "respond"; body = "a/b/ [${rest}]"; },
      { path = "/a/b/c"; handler = "respond"; body = "a/b/c"; },
      { path = "/a/b/c"; match = "exact"; handler = "respond";
        body = "exactly a/b/c"; },
      { path = "/m"; methods = [ "GET" ]; handler = "respond";
        body = "m get"; },
      { path = "/m"; methods = [ "POST", "PUT" ]; handler = "respond";
        body = "m post"; }
    ); },
  { hosts = [ "only.test" ];
    routes = ( { path = "/only/"; handler = "respond"; body = "only"; } ); }
);
E
my $c = $s->client;

# [Host, which site]
for my $case (
	['a.example', 'exact'],
	['A.EXAMPLE', 'exact'],
	['b.example', 'exact'],
	['a.example:80', 'exact'],
	['a.example:', 'exact'],
	['c.example', 'suffix'],
	['x.y.example', 'suffix'],
	['x.A.Example:8080', 'suffix'],
	['x.deep.example', 'longer'],
	['deep.example', 'suffix'],
	['example', 'first'],
	['notexample', 'first'],
	['first.example', 'first'],
	['elsewhere.test', 'first'],
	['[::1]', 'ip'],
	['[::1]:80', 'ip'],
	['127.0.0.1:8080', 'ip'],
) {
	my ($host, $site) = @$case;

	is $c->get('/', Host => $host)->body, $site,
		"Host: $host";
}

subtest 'no site matches but one is for all' => sub {
	my $all = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = (
  { hosts = [ "a.example" ];
    routes = ( { path = "/"; handler = "respond"; body = "a"; } ); },
  { routes = ( { path = "/"; handler = "respond"; body = "all"; } ); }
);
E
	is $all->get('/', Host => 'x')->body, 'all', 'it answers';
	is $all->get('/', Host => 'a.example')->body, 'a', 'exact wins';
	$all->finish;
};

subtest 'the host of an absolute target wins' => sub {
	$c->send("GET http://a.example/ HTTP/1.1\r\nHost: c.example\r\n\r\n");
	is $c->response->body, 'exact', 'over Host';
	$c->send("GET http://a.example HTTP/1.1\r\nHost: c.example\r\n\r\n");
	is $c->response->body, 'exact', 'without a path too';
	$c->send("GET HTTP://c.example:80/x?y HTTP/1.1\r\nHost: a.example"
		. "\r\n\r\n");
	is $c->response->body, 'suffix', 'whatever the case';
};

subtest '1.0 needs no Host' => sub {
	my $old = $s->client;

	$old->send("GET / HTTP/1.0\r\n\r\n");
	is $old->response->body, 'first', 'the first site answers';
};

# [path, which route]
for my $case (
	['/', 'root'], ['/x', 'root'], ['/a', 'a'], ['/a/', 'a'], ['/a/c', 'a'],
	['/a/b', 'a'], ['/a/b/', 'a/b/ []'], ['/a/b/x/y', 'a/b/ [x/y]'],
	['/a/b/c', 'exactly a/b/c'], ['/a/b/c/d', 'a/b/c'],
	['/a/b/c/', 'a/b/c'], ['/a/b/c?q', 'exactly a/b/c'],
	['/x/../a/b/c', 'exactly a/b/c'], ['/%61/b/%63', 'exactly a/b/c'],
	# A prefix is one of whole segments.
	['/abc', 'root'], ['/a/b/cd', 'a/b/ [cd]'],
	['/A', 'root'], ['/m', 'm get'],
) {
	my ($path, $route) = @$case;

	is $c->get($path, Host => 'routes.test')->body, $route, "path $path";
}

subtest 'routes of one path for different methods' => sub {
	is $c->request('POST', '/m', [Host => 'routes.test'], '')->body,
		'm post', 'POST';
	is $c->request('PUT', '/m', [Host => 'routes.test'], '')->body,
		'm post', 'PUT';
	my $r = $c->request('DELETE', '/m', [Host => 'routes.test']);

	is $r->status, 405, 'a method of neither';
	is join(' ', sort split /, */, $r->field('allow')),
		'GET HEAD OPTIONS POST PUT', 'Allow has those of both';
};

is $c->get('/', Host => 'only.test')->status, 404, 'no route for the path';
is $c->request('DELETE', '/', [Host => 'only.test'])->status, 404,
	'whatever the method';
is $c->get('/only/', Host => 'only.test')->body, 'only', 'with a route';

$c->close;
$s->finish;
done_testing;
