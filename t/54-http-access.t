# SPDX-License-Identifier: BSD-2-Clause
#
# allow and deny: which clients are let in, by their address.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "unix:%%DIR%%/http.sock"; }
);
sites = (
  { hosts = [ "deny.test" ]; deny = [ "127.0.0.8/29", "127.0.0.1" ];
    routes = (
      { path = "/"; handler = "respond"; body = "in"; },
      { path = "/own"; handler = "respond"; body = "own"; deny = [ ]; },
      { path = "/only"; handler = "respond"; body = "only";
        allow = [ "127.0.0.9" ]; }
    ); },
  { hosts = [ "allow.test" ]; allow = [ "127.0.0.0/24", "unix:" ];
    deny = [ "127.0.0.0/28", "127.0.0.4/31" ];
    routes = (
      { path = "/a/"; handler = "respond"; body = "in";
        allow = [ "127.0.0.4", "all" ]; },
      { path = "/b/"; handler = "respond"; body = "in"; } ); },
  { hosts = [ "mapped.test" ]; allow = [ "::ffff:127.0.0.0/120" ];
    routes = ( { path = "/"; handler = "respond"; body = "in"; } ); },
  { hosts = [ "six.test" ]; allow = [ "::/0" ];
    routes = ( { path = "/"; handler = "respond"; body = "in"; } ); },
  { hosts = [ "*" ];
    routes = ( { path = "/"; handler = "respond"; body = "open"; } ); }
);
E

# [from where, host, path, status]
for my $case (
	['127.0.0.1', 'deny.test', '/', 403],
	['127.0.0.2', 'deny.test', '/', 200],
	['127.0.0.7', 'deny.test', '/', 200],
	['127.0.0.8', 'deny.test', '/', 403],
	['127.0.0.15', 'deny.test', '/', 403],
	['127.0.0.16', 'deny.test', '/', 200],
	['unix', 'deny.test', '/', 200],
	# What a route gives is in place of the site's.
	['127.0.0.1', 'deny.test', '/own', 200],
	# allow of the route meets deny of the site.
	['127.0.0.9', 'deny.test', '/only', 200],
	['127.0.0.10', 'deny.test', '/only', 403],
	['127.0.0.16', 'deny.test', '/only', 403],
	# The narrowest network decides.
	['127.0.0.1', 'allow.test', '/b/', 403],
	['127.0.0.16', 'allow.test', '/b/', 200],
	['127.0.1.1', 'allow.test', '/b/', 403],
	['127.0.0.4', 'allow.test', '/a/', 200],
	['127.0.0.5', 'allow.test', '/a/', 403],
	['127.0.0.1', 'allow.test', '/a/', 403],
	['127.0.1.1', 'allow.test', '/a/', 200],
	['unix', 'allow.test', '/a/', 200],
	['unix', 'allow.test', '/b/', 200],
	# Without a route, or with one for other methods.
	['127.0.0.1', 'allow.test', '/none', 403],
	['127.0.0.16', 'allow.test', '/none', 404],
	['127.0.0.1', 'mapped.test', '/', 200],
	['127.0.1.1', 'mapped.test', '/', 403],
	['127.0.0.1', 'six.test', '/', 403],
	['unix', 'six.test', '/', 403],
	['127.0.0.1', 'open.test', '/', 200],
) {
	my ($from, $host, $path, $status) = @$case;
	my $c = $from eq 'unix'
		? Holdfast::Client->new('unix:' . $s->path('http.sock'))
		: $s->client('http', from => $from);

	is $c->get($path, Host => $host)->status, $status,
		"$host$path from $from";
	is $c->get('/', Host => 'x')->body, 'open',
		'the connection goes on';
	$c->close;
}

{
	my $c = $s->client;

	is $c->request('DELETE', '/', [Host => 'deny.test'])->status, 403,
		'who is refused is not told the methods';
	is $c->get('/', Host => 'deny.test', 'X-Forwarded-For' => '127.0.0.2')
		->status, 403, 'a field that says otherwise is nothing';
	my $r = $c->request('POST', '/', [Host => 'deny.test'], 'x' x 1000);

	is $r->status, 403, 'with a body';
	is $c->get('/', Host => 'x')->body, 'open',
		'and the next request is understood';
	$c->close;
}

$s->finish;
done_testing;
