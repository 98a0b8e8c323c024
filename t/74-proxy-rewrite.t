# SPDX-License-Identifier: BSD-2-Clause
#
# What a server says of itself becomes what the client can use: redirects and
# cookies, also in a response that is waited for while its request moves.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;
use Holdfast::Proc qw(alive);

my $dir = Holdfast::Dir->new;
my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my ($name) = Holdfast::Backend::field($request, 'x-name');
	my ($value) = Holdfast::Backend::field($request, 'x-value');

	wait_until { -e $dir->path('gate') } 'the gate'
		if $request->{target} =~ /slow/;
	print {$socket} "HTTP/1.1 302 Found\r\n$name: $value\r\n"
		. "Content-Length: 0\r\n\r\n";
	return 1;
});

my $conf = <<"E";
workers = 1;
timeouts = { drain = "1s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = ( { routes = (
  { path = "/app/"; handler = "proxy"; upstream = "app"; strip = true;
    redirect = [ "http://in.test:9001 http://\${host}/app",
      "http://in.test:9001/x /never", "/ /app/" ];
    cookie_domain = [ "in.test \${host}", "host.test " ];
    cookie_path = [ "/sub /app/sub", "/ /app/" ]; },
  { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
E
my $s = Holdfast->start(conf => $conf);
my $c = $s->client;

sub field ($name, $value, $target = '/app/') {
	$c->send(Holdfast::Client->request_text('GET', $target,
		[Host => 'out.test', 'X-Name' => $name, 'X-Value' => $value]));
	return $c->response->field($name);
}

# [name, what the server says, what the client gets; the same without it]
for my $case (
	['Location', 'http://in.test:9001/a?b', 'http://out.test/app/a?b'],
	['Location', 'http://in.test:9001', 'http://out.test/app'],
	['Location', 'http://in.test:90011/a'],
	['Location', 'http://in.test/a'],
	['Location', 'https://in.test:9001/a'],
	['Location', '/a', '/app/a'],
	['Location', 'a'],
	['Location', ''],
	['location', '/a', '/app/a'],
	['Content-Location', '/a', '/app/a'],
	['Refresh', '5; url=/a', '5; url=/app/a'],
	['Refresh', '5;URL= http://in.test:9001/a', '5; url=http://out.test/app/a'],
	['Refresh', '5'],
	['Set-Cookie', 'a=b'],
	['Set-Cookie', 'a="; Path=x', 'a="; Path=x'],
	['Set-Cookie', 'a=b; Domain=in.test; Path=/; HttpOnly',
		'a=b; Domain=out.test; Path=/app/; HttpOnly'],
	['Set-Cookie', 'a=b;domain=.IN.test;path=/sub/x',
		'a=b; domain=out.test; path=/app/sub/x'],
	['Set-Cookie', 'a=b; Domain=x.in.test; Path=/subs',
		'a=b; Domain=x.in.test; Path=/app/subs'],
	['Set-Cookie', 'a=b; Domain=host.test; Secure', 'a=b; Secure'],
	['Set-Cookie', 'Domain=in.test; Max-Age=5', 'Domain=in.test; Max-Age=5'],
	['X-Other', '/a'],
) {
	my ($name, $value, $wanted) = @$case;

	is field($name, $value), $wanted // $value, "$name: $value";
	is field($name, $value, '/'), $value, 'and on a route that asks for nothing';
}

subtest 'the request moves' => sub {
	my $waits = $s->client;

	$waits->send(Holdfast::Client->request_text('GET', '/app/slow',
		[Host => 'out.test', 'X-Name' => 'Location', 'X-Value' => '/a']));
	wait_until { ($b->requests)[-1]{target} eq '/slow' } 'it to be asked';
	my @old = $s->workers;

	$s->reload($conf =~ s/redirect = .*?\];//sr);
	wait_until { !grep { alive($_) } @old } 'the old worker to go';
	$dir->write('gate', '');
	is $waits->response->field('location'), '/app/a', 'its rules move along';
};
$s->finish;

my $at = Holdfast::Dir->new;

$at->write('f.conf', <<'E');
listeners = ( { address = "127.0.0.1:0"; } );
upstreams = ( { name = "app"; servers = ( { address = "127.0.0.1:1"; } );
  retry_on = [ "timeouts" ]; } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app";
  redirect = [ "/x" ]; cookie_path = [ "/ ${match.1}" ]; } ); } );
E
my ($status, $out, $err) = holdfast('-c', $at->path('f.conf'), 'check');

like $err . $out, qr/unknown word "timeouts"; did you mean "timeout"\?/;
like $err . $out, qr/is written as "FROM TO"/;
like $err . $out, qr/only a route with match = "regex" has groups/;
done_testing;
