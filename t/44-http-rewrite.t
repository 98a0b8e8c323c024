# SPDX-License-Identifier: BSD-2-Clause
#
# `rewrite`: another path, and with it another route.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E', files => { 'www/a' => "a\n" });
workers = 1;
log = { access = "access.log"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/show"; handler = "respond"; methods = [ "GET", "POST" ];
    body = "${path} [${rest}] [${query}] [${query.q}] [${form.f}]"; },
  { path = "^/to/(.*)"; match = "regex"; handler = "rewrite";
    to = "/show/${match.1}"; },
  { path = "^/q/(.*)"; match = "regex"; handler = "rewrite";
    to = "/show?q=${match.1}&${query}"; },
  { path = "^/drop/"; match = "regex"; handler = "rewrite"; to = "/show?"; },
  { path = "/value"; handler = "rewrite"; to = "/show/${query.v}"; },
  { path = "/any"; handler = "rewrite"; to = "${query.v}"; },
  { path = "/dots"; handler = "rewrite"; to = "/show/a/../b//c/./${rest}"; },
  { path = "/none"; handler = "rewrite"; to = "/nowhere"; },
  { path = "/get"; methods = [ "GET" ]; handler = "rewrite"; to = "/show"; },
  { path = "/loop"; handler = "rewrite"; to = "/loop"; },
  { path = "/grow"; handler = "rewrite"; to = "/grow/${path}${path}"; },
  { path = "^/n/(\\d)(.*)"; match = "regex"; handler = "rewrite";
    to = "/n/${match.2}"; },
  { path = "^/n/$"; match = "regex"; handler = "respond"; body = "end"; },
  { path = "/file"; handler = "rewrite"; to = "/www/a"; },
  { path = "/www/"; handler = "static"; root = "%%DIR%%/www"; }
); } );
E
my $c = $s->client;

# [target, body]
for my $case (
	['/to/x/y', '/show/x/y [/x/y] [] [] []'],
	['/to/x?q=1&r=2', '/show/x [/x] [q=1&r=2] [1] []'],
	['/q/x', '/show [] [q=x&] [x] []'],
	['/q/x?r=a%26b', '/show [] [q=x&r=a%26b] [x] []'],
	['/q/%26q=%3Fy', '/show [] [q=%26q%3D%3Fy&] [&q=?y] []'],
	['/drop/?q=1', '/show [] [] [] []'],
	['/value?v=b', '/show/b [/b] [v=b] [] []'],
	# Decoded once: what it says is no escape any more.
	['/to/%2541', '/show/%41 [/%41] [] [] []'],
	['/value?v=%252e%252e/x', '/show/%2e%2e/x [/%2e%2e/x] '
		. '[v=%252e%252e/x] [] []'],
	['/to/a%3Fq=1', '/show/a?q=1 [/a?q=1] [] [] []'],
	['/dots/z', '/show/b/c/z [/b/c/z] [] [] []'],
	['/any?v=/show/1', '/show/1 [/1] [v=/show/1] [] []'],
	['/file', "a\n"],
	# Ten times, and not once more.
	['/n/1234567890', 'end'],
) {
	my ($target, $body) = @$case;

	is $c->get($target)->body, $body, $target;
}
is $c->request('POST', '/to/x',
	['Content-Type' => 'application/x-www-form-urlencoded'], 'f=body')->body,
	'/show/x [/x] [] [] [body]', 'a body goes along';

# [target, status]
for my $case (
	['/none', 404],
	# What the values make is looked at as what a client asks for is.
	['/value?v=../../www/a', 400],
	['/value?v=..%2fwww/a', 200],
	['/value?v=%00', 400],
	['/value?v=a%0d%0ab', 400],
	['/value?v=a%5cb', 400],
	['/any?v=show', 400],
	['/any', 400],
) {
	my ($target, $status) = @$case;
	my $client = $s->client;

	is $client->get($target)->status, $status, $target;
	$client->close;
}
is $c->request('POST', '/get', [], '')->status, 405,
	'a method that the route does not take';
is $c->get('/grow/' . 'a' x 200)->status, 414, 'a path that grows and grows';

subtest 'a loop' => sub {
	$s->expect_log(qr/answered with 500: \S*routes\[9\]: .*too often/,
		qr/answered with 500: .*too often/);
	is $c->get('/loop')->status, 500, 'is an error';
	is $c->get('/n/12345678901')->status, 500, 'as is the eleventh';
	is $c->get('/n/1')->body, 'end', 'of that request only';
	is scalar(() = $s->log_text =~ /answered with 500/g), 2,
		'the log has a line for each';
};

$c->close;
$s->finish;
like $s->dir->read('access.log'), qr{"GET /to/x/y HTTP/1\.1" 200},
	'the access log has what was asked for';
done_testing;
