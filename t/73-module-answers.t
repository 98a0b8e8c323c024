# SPDX-License-Identifier: BSD-2-Clause
#
# What a module is told of a request, and what its answers become: whole, as
# the server's pages, later, from a thread, and with mistakes in them, which
# are logged and harm nobody.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler build_module);

plan skip_all => 'no C compiler here' unless has_compiler();

my $s = Holdfast->start(prepare => sub ($dir) {
	build_module($dir->path('probe.so'), 'probe');
	build_module($dir->path('whole.so'), 'whole');
}, files => { 'www/404.html' => "a page of the site\n" }, conf => <<'E');
workers = 1;
log = { access = "%%DIR%%/access.log"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/m"; handler = "module"; module = "./probe.so";
    options = [ "tick=5", "list=one", "list=two" ]; },
  { path = "/w"; handler = "module"; module = "./whole.so"; },
  { path = "/pages"; handler = "module"; module = "./probe.so";
    error_pages = [ "404 www/404.html" ]; },
  { path = "/only"; handler = "module"; module = "./probe.so";
    methods = [ "GET", "OPTIONS" ]; },
  { path = "/r"; handler = "respond"; body = "canary"; }
); } );
E
my $c = $s->client;

# The connection is in step: a request behind it gets its own answer.
sub canary ($name) {
	is $c->get('/r')->body, 'canary', "$name: in step";
}

subtest 'the request' => sub {
	my $port = $c->local_port;

	is $c->get('/m/tell')->body, <<"E", 'a small one';
GET|/m/tell|/tell|(none)|localhost|HTTP/1.1|127.0.0.1|$port
Host=localhost
one: (none)
a: 0 (none)
E
	is $c->request('DELETE', '/m/./x/../tell?a=b%20c+d&a=2&q', [
		Host => 'A.example:80', 'X-One' => '1', 'x-one' => '2',
		'X-Empty' => ''])->body, <<"E", 'one with all';
DELETE|/m/tell|/tell|a=b%20c+d&a=2&q|a.example|HTTP/1.1|127.0.0.1|$port
Host=A.example:80
X-One=1
x-one=2
X-Empty=
one: 1
a: 5 b c d
E
	like $c->get('/m/tell?a=%00x')->body, qr/^a: 2 $/m,
		'a NUL in the query is counted';
	like $c->get('/m/tell?a=')->body, qr/^a: 0 $/m, 'an empty value';
	is $c->get('/m/id', 'X-Request-Id' => 'abc')->body, 'abc',
		'its id, if it has one';
	like $c->get('/m/id')->body, qr/^[0-9a-f]{32}$/, 'or gets one';
	my $old = $s->client;

	$old->send("GET /m/tell HTTP/1.0\r\n\r\n");
	like $old->response->body, qr/^GET.*\|\|HTTP\/1\.0\|127/, 'of HTTP/1.0';
};

subtest 'methods' => sub {
	my $r = $c->request('OPTIONS', '/m/tell');

	is $r->status, 204, 'OPTIONS is answered by the server';
	is $r->field('allow'),
		'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH', 'with all';
	is $c->request('OPTIONS', '/only/tell')->status, 200,
		'or by the module, if the route says so';
	is $c->request('POST', '/only/tell', [], '')->status, 405,
		'which names its methods';
	canary('methods');
};

subtest 'fields' => sub {
	my $r = $c->get('/m/fields');

	is $r->body, "16 of 16\n", 'bad and reserved ones are refused';
	is $r->field('x-good'), "one two\tthree", 'a good one is there';
	is $r->field('x-latin'), "caf\xe9", 'not only ASCII';
	is_deeply [$r->all('set-cookie')], ['a=1', 'b=2'], 'twice the same';
	is $r->field('x-a'), undef, 'and nothing of the bad ones';
	canary('fields');
};

subtest 'whole answers' => sub {
	for my $size (0, 1, 9, 64) {
		my $r = $c->get("/m/respond?size=$size");

		is $r->body, 'x' x $size, "$size bytes";
		is $r->field('content-type'), 'text/plain', 'its type';
	}
	for my $size (1000, 32768, 100000, 3 << 20) {
		my $body = $c->get("/m/large?size=$size")->body;

		is length $body, $size, "$size bytes";
		is substr($body, 640, 10), '0123456789', 'and the right ones';
	}
	for my $status (201, 202, 299, 400, 404, 418, 500, 599) {
		my $r = $c->get("/m/respond?status=$status");

		is $r->status, $status, "status $status";
		is $r->body, 'x' x 9, 'with its content';
	}
	for my $status (204, 205, 304) {
		my $r = $c->get("/m/respond?status=$status");

		is $r->status, $status, "status $status";
		is $r->body // '', '', 'without content';
		is $r->field('content-length'), $status == 205 ? 0 : undef,
			'and with the right length';
	}
	my $r = $c->request('HEAD', '/m/respond?size=7');

	is $r->field('content-length'), 7, 'HEAD: the length';
	canary('HEAD');
	$c->send(join '', map { $c->request_text('GET', "/m/respond?size=$_") }
		1 .. 20);
	is join(',', map { length $c->response->body } 1 .. 20),
		join(',', 1 .. 20), 'twenty in a pipeline';
};

subtest 'errors' => sub {
	my $r = $c->get('/m/error?status=404');

	is $r->status, 404, 'status';
	like $r->body, qr/404 Not Found/, 'the page of the server';
	is_deeply [$r->all('content-type')], ['text/html; charset=utf-8'],
		'with its type, not that of a content that is not sent';
	is $r->field('etag'), undef, 'nor its tag';
	is $r->field('x-kept'), 1, 'what else was added is there';
	$r = $c->get('/pages/error?status=404');
	is $r->body, "a page of the site\n", 'or of the site';
	$r = $c->get('/m/abort');
	is $r->status, 500, 'holdfast_abort() before the answer';
	is $r->field('x-gone'), undef, 'without the fields of another';
	like $s->wait_log(qr/ended \/abort/)->{text}, qr/whole/,
		'the page is whole';
	canary('errors');
};

subtest 'mistakes of the module' => sub {
	for my $case (
		['twice', qr/holdfast_respond\(\) after the answer/, "once\n"],
		['type', qr/holdfast_respond\(\) with a type that is none/,
			"no type\n"],
		['status', qr/holdfast_respond\(\) with status 600/,
			"no status\n"],
		['write', qr/holdfast_write\(\) before holdfast_begin\(\)/,
			"no write\n"],
		['after', qr/holdfast_write\(\) after the end/, 'all'],
		['long', qr/of more than the length that it announced/,
			'longand to'],
	) {
		my ($what, $said, $body) = @$case;

		$s->expect_log(qr/error worker .*: module probe: /);
		is $c->get("/m/err/$what")->body, $body, $what;
		ok $s->wait_log($said), "$what: it is told";
		canary($what);
	}
	my $short = $s->client;

	$short->send($short->request_text('GET', '/m/err/short'));
	my $got = $short->read_to_end;

	like $got, qr/\A(?:HTTP.*Content-Length: 10\r\n\r\n(?:short)?)?\z/s,
		'too short: no more than there was';
	$s->wait_log(qr/holdfast_end\(\) 5 bytes before the length/);
	like $s->wait_log(qr/ended \/err\/short/)->{text}, qr/cut/, 'and cut';
	my $flood = $s->client;

	$flood->send($flood->request_text('GET', '/m/err/flood'));
	$s->wait_log(qr/holdfast_write\(\) does not wait for its client: cut/);
	$flood->read_to_end;
	like $s->wait_log(qr/ended \/err\/flood/)->{text}, qr/cut/,
		'a flood is cut';
	canary('mistakes');
	# The rest of it is not logged again and again.
	$c->get('/m/err/twice') for 1 .. 40;
	my $lines = () = $s->logged(qr/module probe: /);

	$c->get('/m/err/twice') for 1 .. 5;
	canary('many');
	is scalar($s->logged(qr/module probe: holdfast/)), 20,
		'no more than twenty are logged';
};

subtest 'later' => sub {
	is $c->get('/m/later?ms=20')->body, "later\n", 'by a timer';
	is $c->request('HEAD', '/m/later?ms=5')->field('content-length'), 6,
		'HEAD';
	my @pipeline = ('/m/later?ms=50', '/r', '/m/later?ms=1', '/m/respond',
		'/r');

	$c->send(join '', map { $c->request_text('GET', $_) } @pipeline);
	is join(' ', map { $c->response->body =~ s/\n//r } @pipeline),
		'later canary later xxxxxxxxx canary',
		'those behind it wait, in order';
	is $c->get('/m/thread')->body, "from a thread\n", 'by a thread';
	for my $n (1 .. 20) {
		$c->get("/m/thread?us=$n")->body eq "from a thread\n"
			or fail 'a thread, again';
	}
	my $gone = $s->client;

	$gone->send($gone->request_text('GET', '/m/thread?us=300000'));
	wait_until { $c->get('/m/held')->body eq "2\n" } 'it to be held';
	$gone->reset;
	wait_until { $c->get('/m/held')->body eq "1\n" } 'it to be let go';
	# Its thread posts after that: only ended() knows.
	is $c->get('/m/thread')->body, "from a thread\n", 'and another';
	my $old = $s->client;

	$old->send("GET /m/later HTTP/1.0\r\n\r\n");
	my $r = $old->response;

	is $r->body, "later\n", 'HTTP/1.0';
	ok $old->at_end, 'which closes';
	$old = $s->client;
	$old->send("GET /m/later HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" x 2);
	is $old->response->body, "later\n", 'HTTP/1.0 that stays'
		for 1 .. 2;
};

subtest 'timers and state' => sub {
	my $ticks = $c->get('/m/ticks')->body;

	wait_until { $c->get('/m/ticks')->body > $ticks } 'the route to tick';
	pass 'the timer of a route';
	cmp_ok $c->get('/only/ticks')->body, '>', 0,
		'what the routes of a module share';
	ok $s->logged(qr/info worker 0\[\d+\]: module probe: list one two$/),
		'an option with two values, and a line of the module';
};

subtest 'bodies that are wanted whole' => sub {
	my $form = 'application/x-www-form-urlencoded';

	for my $size (0, 1, 1000, 65536, 200_000) {
		my $body = join '', map { chr(33 + $_ % 90) } 1 .. $size;

		is $c->request('POST', '/w', [], $body)->body, $body,
			"$size bytes";
	}
	is $c->get('/w')->body, '', 'none';
	is $c->request('POST', '/w/form', ['Content-Type' => $form],
		'y=1&x=a+b%26')->body, 'a b&', 'a value of a form';
	is $c->request('POST', '/w/form', ['Content-Type' => $form], 'y=1')
		->status, 400, 'or none';
	is $c->request('POST', '/w/form', ['Content-Type' => 'text/plain'],
		'x=1')->status, 400, 'or no form';
	is $c->request('POST', '/w/form',
		['Content-Type' => 'multipart/form-data; boundary=b'],
		"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n"
		. "a+b\r\n--b--\r\n")->body, 'a+b', 'or of one in parts';
	canary('bodies');
};

subtest 'a module that crashes costs a worker' => sub {
	my $crash = $s->client;

	$s->expect_log(qr/worker 0 \(pid \d+\) died: killed by signal 6/);
	$s->allow_log(qr/error worker 0\[\d+\]: /, qr/workers are dying at startup/);
	$crash->send($crash->request_text('GET', '/m/crash'));
	$crash->read_to_end;
	$s->wait_workers(1);
	is $s->get('/m/respond')->body, 'x' x 9, 'and another goes on';
	ok $s->logged(qr/error worker 0\[\d+\]: .*probe\.so/),
		'its stack tells of the module';
};

$s->expect_log(qr/answered with 500: module probe called holdfast_abort\(\)/);
$s->finish;
done_testing;
