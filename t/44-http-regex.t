# SPDX-License-Identifier: BSD-2-Clause
#
# Routes whose path is a pattern: their order, their captures, and patterns
# that would be too much work.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E', files => { 'www/img/a.txt' => "a\n" });
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = (
  { hosts = [ "order.test" ];
    routes = (
      { path = "/"; handler = "respond"; body = "root"; },
      { path = "/images/deep/"; handler = "respond"; body = "prefix"; },
      { path = "/images/exact.png"; match = "exact"; handler = "respond";
        body = "exact"; },
      { path = "\\.png$"; match = "regex"; handler = "respond";
        body = "first"; },
      { path = "^/images/"; match = "regex"; handler = "respond";
        body = "second"; },
      { path = "^/m$"; match = "regex"; methods = [ "GET" ];
        handler = "respond"; body = "get"; },
      { path = "^/m$"; match = "regex"; methods = [ "PUT" ];
        handler = "respond"; body = "put"; }
    ); },
  { hosts = [ "group.test" ];
    routes = (
      { path = "^/user/(?<name>[^/]+)(/x)?"; match = "regex";
        handler = "respond"; type = "text/html";
        body = "[${match.0}] [${match.1}] [${match.name}] [${match.2:-none}] [${rest}]"; },
      { path = "^/go/(.*)"; match = "regex"; handler = "redirect";
        to = "/to/${match.1}"; },
      { path = "^/host(.*)"; match = "regex"; handler = "redirect";
        to = "${match.1}"; },
      { path = "^/img"; match = "regex"; handler = "static";
        root = "%%DIR%%/www"; }
    ); },
  { hosts = [ "hard.test" ];
    routes = (
      { path = "^/(a+)+$"; match = "regex"; handler = "respond";
        body = "matched"; },
      { path = "/"; handler = "respond"; body = "root"; }
    ); }
);
limits = { header = "64k"; line = "32k"; };
E
my $c = $s->client;

# [host, target, body]
for my $case (
	['order.test', '/images/exact.png', 'exact'],
	['order.test', '/images/deep/b.png', 'first'],
	['order.test', '/images/deep/b.jpg', 'second'],
	['order.test', '/x', 'root'],
	['order.test', '/x?a.png', 'root'],
	['order.test', '/x%2epng', 'first'],
	['order.test', '/images', 'root'],
	['order.test', '/images/../x', 'root'],
	['order.test', '/m', 'get'],
	['group.test', '/user/me', '[/user/me] [me] [me] [none] [/user/me]'],
	['group.test', '/user/me/x/y',
		'[/user/me/x] [me] [me] [/x] [/user/me/x/y]'],
	['group.test', '/user/%3Cb%3E',
		'[/user/&lt;b&gt;] [&lt;b&gt;] [&lt;b&gt;] [none] '
			. '[/user/&lt;b&gt;]'],
	['group.test', '/img/a.txt', "a\n"],
	['hard.test', '/aaaa', 'matched'],
	['hard.test', '/aaab', 'root'],
) {
	my ($host, $target, $body) = @$case;

	is $c->get($target, Host => $host)->body, $body, "$host$target";
}

is $c->request('PUT', '/m', [Host => 'order.test'], '')->body, 'put',
	'one pattern for several methods';
{
	my $r = $c->request('DELETE', '/m', [Host => 'order.test']);

	is $r->status, 405, 'and none for others';
	is $r->field('allow'), 'GET, HEAD, PUT, OPTIONS', 'with all that there are';
}

# [target, Location]
for my $case (
	['/go/a/b', '/to/a/b'],
	['/go/', '/to/'],
	['/go/a%3Fb%23c', '/to/a%3Fb%23c'],
	['/go/%25%32%35', '/to/%2525'],
	['/host/%2e./evil.test', undef],
	['/hosthttp:/evil.test', 'http%3A/evil.test'],
) {
	my ($target, $to) = @$case;
	my $r = $c->get($target, Host => 'group.test');

	is $r->field('location'), $to, "$target leads there";
}
for my $target ('/go/a%0d%0aX-Evil:%201', '/go/a%00', '/go/a%0a') {
	my $other = $s->client;

	is $other->get($target, Host => 'group.test')->status, 400,
		"$target is refused";
	$other->close;
}

subtest 'too much work' => sub {
	$s->expect_log(qr/answered with 500: sites\[2\]\.routes\[0\]: .*pattern/);
	for (1 .. 5) {
		my $r = $c->get('/' . 'a' x 20000 . '!', Host => 'hard.test');

		is $r->status, 500, 'is an error';
		ok !$r->closes, 'of that request only';
	}
	is $c->get('/ab', Host => 'hard.test')->body, 'root', 'and no more';
	is scalar(() = $s->log_text =~ /answered with 500/g), 5,
		'the log has a line for each';
};

$c->close;
$s->finish;
done_testing;
