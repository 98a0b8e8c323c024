# SPDX-License-Identifier: BSD-2-Clause
#
# Another resource of the site decides who gets in: what it is asked, what its
# answers mean, and what happens when it is slow or dead, when the client goes,
# and when the worker has to go in the middle.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;
use Holdfast::Proc qw(alive);

my $dir = Holdfast::Dir->new;

sub field { return Holdfast::Backend::field(@_) }

# "X-Want: 401" is answered with 401, and so on; "slow" waits for the test.
my $auth = Holdfast::Backend->new(sub ($request, $socket) {
	my $want = field($request, 'x-want') // 200;
	my $name = $want =~ /\Aslow-(.*)/ ? $1 : undef;

	wait_until { -e $dir->path($name) } "the gate $name" if $name;
	$want = 200 if $name;
	return 0 if $want eq 'close';
	print {$socket} "HTTP/1.1 $want X\r\nWWW-Authenticate: Login a\r\n"
		. "WWW-Authenticate: Login b\r\nLocation: /login\r\n"
		. "Set-Cookie: c=1\r\nX-User: ada\r\nX-Role: a\r\nX-Role: b\r\n"
		. ($want =~ /204|304/ ? "\r\n" : "Content-Length: 6\r\n\r\nsecret");
	return 1;
});
my $app = Holdfast::Backend->new(sub ($request, $socket) {
	my $text = join ' ', $request->{method}, $request->{body};

	wait_until { -e $dir->path('held') } 'the gate held'
		if $request->{target} eq '/held';
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: "
		. length($text) . "\r\n\r\n$text";
	return 1;
});
my $gone = Holdfast::Backend->new(sub { 0 });
$gone->stop;

my $conf = <<"E";
workers = 1;
timeouts = { drain = "1s"; };
log = { access = "%%DIR%%/access";
  format = "\${target} \${status} \${authorize.status} \${authorize.header.x-role}"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "auth"; servers = ( { address = "$auth->{address}"; } );
    timeouts = { first_byte = "20s"; }; },
  { name = "hasty"; servers = ( { address = "$auth->{address}"; } );
    timeouts = { first_byte = "200ms"; }; },
  { name = "gone"; servers = ( { address = "$gone->{address}"; } ); },
  { name = "app"; servers = ( { address = "$app->{address}"; } ); } );
sites = ( { authorize = "/auth"; routes = (
  { path = "/auth"; handler = "proxy"; upstream = "auth"; authorize = "";
    deny = [ "0.0.0.0/0" ];
    request_fields = [ "X-Forwarded-Uri: \${header.x-original-uri}" ]; },
  { path = "/auth/gone"; handler = "proxy"; upstream = "gone"; authorize = ""; },
  { path = "/auth/hasty"; handler = "proxy"; upstream = "hasty"; authorize = ""; },
  { path = "/auth/ok"; handler = "respond"; body = ""; authorize = ""; },
  { path = "/auth/no"; handler = "respond"; status = 403; body = "";
    authorize = ""; },
  { path = "/open"; handler = "respond"; body = "open"; authorize = ""; },
  { path = "/gone"; handler = "respond"; body = "in"; authorize = "/auth/gone"; },
  { path = "/hasty"; handler = "respond"; body = "in"; authorize = "/auth/hasty"; },
  { path = "/ok"; handler = "respond"; body = "in"; authorize = "/auth/ok"; },
  { path = "/no"; handler = "respond"; body = "in"; authorize = "/auth/no"; },
  { path = "/whole"; handler = "proxy"; upstream = "app"; request_buffer = true; },
  { path = "/"; handler = "proxy"; upstream = "app";
    request_fields = [ "X-User: \${authorize.header.x-user}" ]; } ); } );
E
my $s = Holdfast->start(conf => $conf);
my $c = $s->client;

sub ask ($want, $method = 'GET', $path = '/x', $body = undef, @more) {
	$c->send(Holdfast::Client->request_text($method, $path,
		['X-Want' => $want, @more], $body));
	return $c->response;
}

subtest 'what it is asked' => sub {
	my $r = ask(200, 'POST', '/x?y=z', 'hello', 'If-None-Match' => '"a"',
		Range => 'bytes=0-1', 'X-Original-URI' => '/forged',
		Cookie => 'k=v', 'Accept-Encoding' => 'gzip');
	my ($seen) = $auth->requests;

	is $r->body, 'POST hello', 'the request is let in, with its body';
	is "$seen->{method} $seen->{target}", 'GET /auth';
	is $seen->{body}, '', 'no body';
	is_deeply [field($seen, 'x-original-uri')], ['/x?y=z'];
	is field($seen, 'x-original-method'), 'POST';
	is field($seen, 'x-forwarded-uri'), '/x?y=z', 'its own request_fields';
	is field($seen, 'cookie'), 'k=v';
	for my $name (qw(if-none-match range accept-encoding content-length
		content-type)) {
		is field($seen, $name), undef, "no $name";
	}
	my ($passed) = $app->requests;

	is field($passed, 'x-user'), 'ada', 'a field of the answer goes along';
	is field($passed, 'if-none-match'), '"a"', 'the request is as it was';
	is field($passed, 'x-original-uri'), '/forged';
};

subtest 'what its answers mean' => sub {
	my $n = $app->requests;

	for my $status (401, 403, 302, 303, 307) {
		my $r = ask($status, 'POST', '/x', 'body');

		is $r->status, $status, "status $status";
		is_deeply [$r->all('www-authenticate')],
			$status == 401 ? ['Login a', 'Login b'] : [],
			"$status: WWW-Authenticate";
		is $r->field('location'), $status < 400 ? '/login' : undef,
			"$status: Location";
		is $r->field('set-cookie'), $status == 403 ? undef : 'c=1',
			"$status: Set-Cookie";
		unlike $r->body, qr/secret/, "$status: not its content";
	}
	for my $status (301, 304, 308, 400, 404, 500, 503, 'close') {
		is ask($status)->status, 500, "$status: 500";
		my $told = $status eq 'close' ? 502 : $status;

		$s->wait_log(qr/answered with 500: authorize \/auth: its response was $told\b.*"GET \/x /);
	}
	is $app->requests, $n, 'none of them was let in';
	is ask(204)->body, 'GET ', '204 lets in';
	is ask(401, 'GET', '/ok')->body, 'in', 'any handler may answer';
	is ask(200, 'GET', '/no')->status, 403;
	is ask(401, 'GET', '/open')->body, 'open', 'a route may do without';
	is ask(200, 'GET', '/auth')->status, 403,
		'what the route refuses to clients it answers all the same';
};
$s->expect_log(qr/answered with 500: authorize/,
	qr/authorize \/auth: its response was 50[24]: upstream/);
$s->allow_log(qr/not asked for/);

subtest 'connections are kept' => sub {
	my %connections;

	ask(200) for 1 .. 3;
	ask(401) for 1 .. 3;
	$connections{$_->{connection}}++ for ($auth->requests)[-6 .. -1];
	is keys %connections, 1, 'to who authorizes';
};

subtest 'dead, or too slow' => sub {
	is ask(200, 'GET', '/gone')->status, 500;
	$s->wait_log(qr/authorize \/auth\/gone: its response was 502/);
	is ask('slow-never', 'GET', '/hasty')->status, 500;
	$s->wait_log(qr/authorize \/auth\/hasty: its response was 504/);
};

subtest 'the client goes' => sub {
	my $left = $s->client;

	$left->send("GET /left HTTP/1.1\r\nHost: h\r\nX-Want: slow-left\r\n\r\n");
	wait_until { grep { (field($_, 'x-original-uri') // '') eq '/left' }
		$auth->requests } 'it to be asked';
	$left->close;
	wait_until { !grep { $_->{active} } map { $_->{servers}->@* }
		$s->status->{upstreams}->@* } 'the sub-request to be given up';
	$dir->write('left', '');
	is ask(200)->status, 200, 'which troubles nobody';
	is scalar(grep { $_->{target} eq '/left' } $app->requests), 0,
		'it was not let in';
};

subtest 'the worker has to go' => sub {
	my %c = map { $_ => $s->client } qw(get post whole expect);

	$c{get}->send("GET /moved HTTP/1.1\r\nHost: h\r\nX-Want: slow-moved\r\n\r\n");
	$c{post}->send("POST /moved HTTP/1.1\r\nHost: h\r\nX-Want: slow-moved\r\n"
		. "Content-Length: 5\r\n\r\nhel");
	$c{whole}->send("POST /whole HTTP/1.1\r\nHost: h\r\nX-Want: slow-moved\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n");
	$c{expect}->send("POST /whole HTTP/1.1\r\nHost: h\r\nX-Want: slow-moved\r\n"
		. "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
	my $asked = sub { scalar grep { (field($_, 'x-want') // '') eq 'slow-moved' }
		$auth->requests };

	wait_until { $asked->() == 4 } 'all of them to be asked for';
	my @old = $s->workers;

	$s->reload($conf);
	wait_until { !grep { alive($_) } @old } 'the old worker to go';
	wait_until { $asked->() == 8 } 'the new one to ask again';
	is scalar(grep { $_->{target} =~ /moved|whole/ } $app->requests), 0,
		'nobody was let in yet';
	$dir->write('moved', '');
	is $c{expect}->read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n",
		'one that is to be told to go on is told';
	$c{expect}->send('hello');
	is $c{expect}->response->body, 'POST hello';
	$c{post}->send('lo');
	$c{whole}->send("2\r\nlo\r\n0\r\n\r\n");
	is $c{get}->response->body, 'GET ', 'a request';
	is $c{post}->response->body, 'POST hello', 'one with a body on its way';
	is $c{whole}->response->body, 'POST hello', 'and one to be collected';
	is scalar($s->logged(qr/: cut: /)), 0, 'nobody was cut';
};

subtest 'it was let in, and moves' => sub {
	my $held = $s->client;

	$held->send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_until { grep { $_->{target} eq '/held' } $app->requests } 'it';
	my @old = $s->workers;

	$s->reload($conf);
	wait_until { !grep { alive($_) } @old } 'the old worker to go';
	$dir->write('held', '');
	is $held->response->status, 200;
};

subtest 'the log' => sub {
	my $log = sub { $s->dir->read('access') };

	wait_until { $log->() =~ m{^/held}m } 'the line of the last request';
	like $log->(), qr{^/held 200 200 a, b$}m, 'let in before it moved';
	like $log->(), qr{^/moved 200 200 a, b$}m, 'and after that';
	like $log->(), qr{^/x\?y=z 200 200 a, b$}m, 'let in';
	like $log->(), qr{^/x 401 - -$}m, 'refused';
	unlike $log->(), qr{^/auth 200}m, 'a sub-request is not logged';
};

$s->finish;

sub errors ($routes) {
	my $at = Holdfast::Dir->new;

	$at->write('f.conf', qq{listeners = ( { address = "127.0.0.1:0"; } );\n}
		. "sites = ( { routes = ( $routes ); } );\n");
	my ($status, $out, $err) = holdfast('-c', $at->path('f.conf'), 'check');

	return $status ? $err . $out : '';
}

subtest 'loops are refused' => sub {
	my $a = 'handler = "respond"; body = "";';

	like errors(qq({ path = "/"; $a authorize = "/"; })),
		qr/routes\[0\], which answers \/, asks/, 'itself';
	like errors(qq({ path = "/a"; $a authorize = "/b"; },
		{ path = "/b"; $a authorize = "/a"; })),
		qr/routes\[1\], which answers \/b, asks/, 'each other';
	like errors(qq({ path = "/a"; $a authorize = "/bee"; },
		{ path = "e+\$"; match = "regex"; $a authorize = "/a"; })),
		qr/routes\[1\], which answers \/bee, asks/, 'by a pattern';
	like errors(qq({ path = "/a"; $a authorize = "/b"; })),
		qr/no route of this site answers GET \/b/, 'nobody';
	like errors(qq({ path = "/a"; $a authorize = "b?c"; })),
		qr/a path begins with/, 'no path';
	is errors(qq({ path = "/a"; $a authorize = "/b/c"; },
		{ path = "/b"; $a })), '', 'a prefix will do';
	like errors(qq({ path = "/a"; $a authorize = "/b"; rate = "1/s";
		rate_key = "\${authorize.header.x}"; }, { path = "/b"; $a })),
		qr/the request is not authorized yet/, 'not known so early';
};
done_testing;
