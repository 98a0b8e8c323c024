# SPDX-License-Identifier: BSD-2-Clause
#
# Where a redirect leads is encoded once: what is sent encoded stays as it is,
# reserved characters of a path stay what they are (RFC 3986 section 2.2), and the
# query is kept where the configuration says so.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(
	files => { 'www/a;b:c@d!e/x' => '', 'www/f g%h/x' => '' },
	conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = (
  { hosts = [ "plain.test", "[::1]" ]; routes = (
    { path = "/"; handler = "redirect"; to = "https://${host}${target}"; } ); },
  { hosts = [ "*" ]; routes = (
    { path = "/exact"; match = "exact"; handler = "redirect"; to = "/e${?query}"; },
    { path = "/none"; match = "exact"; handler = "redirect"; to = "/e"; },
    { path = "^/u/(.+)$"; match = "regex"; handler = "redirect";
      to = "/user/${match.1}${?query}"; },
    { path = "^/go/(.+)$"; match = "regex"; handler = "redirect";
      to = "${match.1}"; },
    { path = "/tree/"; handler = "redirect"; to = "/new/"; },
    { path = "/own/"; handler = "redirect"; to = "/new?a=1"; },
    { path = "/host/"; handler = "redirect"; to = "https://h.test${rest}"; },
    { path = "/login"; handler = "redirect"; to = "/in?to=${target}&p=${path}"; },
    { path = "/rw"; handler = "rewrite"; to = "/to${target}"; },
    { path = "/to/rw"; handler = "respond"; body = "${path}|${query}"; },
    { path = "/files/"; handler = "static"; root = "%%DIR%%/www"; } ); }
);
E

# [host, target, Location]
for my $case (
	['plain.test', '/', 'https://plain.test/'],
	['plain.test', '/x?y=1', 'https://plain.test/x?y=1'],
	['plain.test', '/a%20b;c:d@e,f?g=%20h&i=j/k?l', 
		'https://plain.test/a%20b;c:d@e,f?g=%20h&i=j/k?l'],
	['plain.test', '/a%3bb%3Fc', 'https://plain.test/a%3bb%3Fc'],
	['plain.test', "/caf\xc3\xa9?q=\xc3\xbc",
		'https://plain.test/caf%C3%A9?q=%C3%BC'],
	['plain.test', 'http://plain.test/x?y', 'https://plain.test/x?y'],
	['[::1]:80', '/x', 'https://[::1]/x'],
	['a', '/exact?x=%20y', '/e?x=%20y'],
	['a', '/exact', '/e'],
	['a', '/exact?', '/e?'],
	['a', '/none?x', '/e'],
	['a', '/u/a:b;c?d', '/user/a:b;c?d'],
	['a', '/u/a%3Fb%23c', '/user/a%3Fb%23c'],
	['a', '/go/javascript:alert(1)', 'javascript%3Aalert%281%29'],
	['a', '/tree/a;b:c@d=e%20f?g', '/new/a;b:c@d=e%20f?g'],
	['a', '/tree/100%25', '/new/100%25'],
	['a', '/own/x?y', '/new?a=1'],
	['a', '/host/@evil.test/', 'https://h.test%40evil.test/'],
	['a', '/host/:8080/', 'https://h.test%3A8080/'],
	['a', '/login/a&b?c=d%20e',
		'/in?to=/login/a%26b%3Fc%3Dd%2520e&p=/login/a%26b'],
	['a', '/files/a;b:c@d!e', '/files/a;b:c@d!e/'],
	['a', '/files/f%20g%25h?q=%20', '/files/f%20g%25h/?q=%20'],
) {
	my ($host, $target, $location) = @$case;
	my $c = $s->client;

	$c->send("GET $target HTTP/1.1\r\nHost: $host\r\n\r\n");
	is $c->response->field('location'), $location, "$host $target";
	$c->close;
}
my $c = $s->client;

is $c->get('/rw/a%20b?c=%20d')->body, '/to/rw/a b|c=%20d',
	'a rewrite takes a target as it was sent, too';
$c->close;
$s->finish;
done_testing;
