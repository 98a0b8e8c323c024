# SPDX-License-Identifier: BSD-2-Clause
#
# Which connections stay open after a response (RFC 9112 section 9.3).
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => { 'www/a' => "a\n" }, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/r"; handler = "respond"; body = "r"; },
  { path = "/p"; handler = "respond"; body = "${form.x}"; }
); } );
E

# [name, request, stays]
for my $case (
	['1.1', "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 1],
	['1.1, keep-alive',
		"GET /a HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
		1],
	['1.1, close',
		"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 0],
	['1.1, Close',
		"GET /a HTTP/1.1\r\nHost: x\r\nconnection: Close\r\n\r\n", 0],
	['1.1, close in a list', "GET /a HTTP/1.1\r\nHost: x\r\n"
		. "Connection: foo ,\tclose, bar\r\n\r\n", 0],
	['1.1, close in a second field', "GET /a HTTP/1.1\r\nHost: x\r\n"
		. "Connection: foo\r\nConnection: close\r\n\r\n", 0],
	['1.1, close and keep-alive', "GET /a HTTP/1.1\r\nHost: x\r\n"
		. "Connection: close, keep-alive\r\n\r\n", 0],
	['1.1, a word that has close in it', "GET /a HTTP/1.1\r\nHost: x\r\n"
		. "Connection: closed\r\n\r\n", 1],
	['1.1, a 404', "GET /none HTTP/1.1\r\nHost: x\r\n\r\n", 1],
	['1.1, a 405', "DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n", 1],
	['1.1, a form', "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
		. "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
		. 'x=1', 1],
	['1.0', "GET /a HTTP/1.0\r\n\r\n", 0],
	['1.0, close', "GET /a HTTP/1.0\r\nConnection: close\r\n\r\n", 0],
	['1.0, keep-alive',
		"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 1],
	['1.0, Keep-Alive in a list',
		"GET /r HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n", 1],
	['1.0, keep-alive, a 404',
		"GET /none HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 1],
) {
	my ($name, $request, $stays) = @$case;

	subtest $name => sub {
		my $c = $s->client;

		$c->send($request);
		my $r = $c->response;

		is $r->version, '1.1', 'answered as 1.1';
		if ($stays) {
			ok !$r->has_option('close'), 'does not say close';
			ok $r->has_option('keep-alive'), 'says keep-alive'
				if $request =~ m{HTTP/1\.0};
			is $c->get('/r')->body, 'r', 'is open for the next';
			is $c->get('/a')->body, "a\n", 'and for one more';
		} else {
			ok $r->has_option('close'), 'says close';
			ok $c->at_end, 'and closes, with nothing more sent';
		}
	};
}

subtest 'a hundred requests on one connection' => sub {
	my $c = $s->client;
	my $good = grep { $c->get('/a')->body eq "a\n" } 1 .. 100;

	is $good, 100, 'all answered';
};

subtest 'after close, what was pipelined is not answered' => sub {
	my $c = $s->client;

	$c->send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
		. "GET /r HTTP/1.1\r\nHost: x\r\n\r\n");
	is $c->response->body, "a\n", 'the one with close is answered';
	ok $c->at_end, 'nothing after it';
};

subtest 'a client that shuts down its side still gets its answer' => sub {
	my $c = $s->client;

	$c->send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
		. "GET /r HTTP/1.1\r\nHost: x\r\n\r\n");
	$c->finish_sending;
	is $c->response->body, "a\n", 'the first';
	is $c->response->body, 'r', 'the second';
	ok $c->at_end, 'and the end';
};

$s->finish;
done_testing;
