# SPDX-License-Identifier: BSD-2-Clause
#
# Bodies that are not read: dropped within bounds so that the connection can
# go on, or the connection is closed in a way that does not lose the response
# to a reset, though the client sends all it has before it looks (RFC 9112
# section 9.6).
use v5.36;
use FindBin;
use IO::Poll;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

use constant POLLRDHUP => 0x2000;	# which IO::Poll has no name for

my $s = Holdfast->start(files => { 'www/a' => "a\n" }, conf => <<'E2');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { body = "100k"; };
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/form"; handler = "respond"; body = "[${form.x}]"; } ); } );
E2

sub lengthy ($line, $n, $fields = '') {
	return "$line\r\nHost: a\r\n${fields}Content-Length: $n\r\n\r\n"
		. 'x' x $n;
}

sub chunked ($line, $n, $chunk = 65536) {
	my $body = '';

	for (my $left = $n; $left > 0; $left -= $chunk) {
		my $size = $left < $chunk ? $left : $chunk;

		$body .= sprintf "%x\r\n%s\r\n", $size, 'x' x $size;
	}
	return "$line\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		. "${body}0\r\n\r\n";
}

my $large = 8 << 20;	# more than socket buffers take
my $get = 'GET /a HTTP/1.1';
my $put = 'PUT /a HTTP/1.1';
my $post = 'POST /form HTTP/1.1';

# [name, request, status, whether the connection goes on]
for my $case (
	['a length within bounds', lengthy($get, 100_000), 200, 1],
	['chunks within bounds', chunked($get, 100_000), 200, 1],
	['many chunks within bounds', chunked($get, 50_000, 1), 200, 1],
	['a length that is refused with 405', lengthy($put, 100_000), 405, 1],
	['chunks that are refused with 405', chunked($put, 100_000), 405, 1],
	['chunks to nowhere', chunked('POST /x/y HTTP/1.1', 1000), 405, 1],
	['an unknown method', lengthy('FROB /a HTTP/1.1', 1000), 501, 1],

	['a length beyond bounds', lengthy($get, $large), 413, 0],
	['chunks beyond bounds that nobody wants', chunked($get, $large), 200,
		undef],
	['a length beyond bounds for a form', lengthy($post, $large), 413, 0],
	['chunks beyond bounds for a form', chunked($post, $large), 413, 0],
	['one chunk beyond bounds for a form', chunked($post, $large, $large),
		413, 0],
	['a wrong length', lengthy($post, $large, "Content-Length: 1\r\n"),
		400, 0],
	['an expectation', lengthy($post, $large, "Expect: wonders\r\n"), 417,
		0],
	['a wrong coding', lengthy($post, $large,
		"Transfer-Encoding: gzip\r\n"), 400, 0],
	['a wrong chunk', chunked($post, 10) =~ s/0\r\n\r\n\z/x/r
		. 'x' x $large, 400, 0],
	['a wrong version', lengthy('GET /a HTTP/3.0', $large), 505, 0],
	['a field that is too long', "$get\r\nHost: a\r\nX: " . 'x' x $large,
		431, 0],
	['HTTP/1.0', lengthy('GET /a HTTP/1.0', 100_000), 200, 0],
	['Connection: close', lengthy($get, 100_000,
		"Connection: close\r\n"), 200, 0],
) {
	my ($name, $request, $status, $goes_on) = @$case;
	my $c = $s->client;

	is $c->send($request), length $request, "$name: all of it is taken";
	is $c->response->status, $status, 'the response is not lost';
	if ($goes_on) {
		is $c->get('/a')->body, "a\n", 'and the connection goes on';
	} else {
		ok $c->at_end, 'and the connection closed without a reset';
	}
}

subtest 'a body that comes after its response' => sub {
	for my $case ([$get, 100_000, 200, "Connection: close\r\n"],
		      [$get, 100_000, 200, "Expect: 100-continue\r\n"],
		      [$post, $large, 413, '']) {
		my ($line, $n, $status, $fields) = @$case;
		my $c = $s->client;

		$c->send("$line\r\nHost: a\r\n${fields}Content-Length: $n"
			. "\r\n\r\n");
		# Its end has come, too, and neither is read. A reset, if
		# there is one, comes after the first byte.
		my $poll = IO::Poll->new;

		$poll->mask($c->socket => POLLRDHUP);
		wait_until { $poll->poll(0) > 0 } 'the response';
		$c->send('x');
		is $c->send('x' x ($n - 1)), $n - 1,
			"$status $fields: all is taken";
		is eval { $c->response->status }, $status,
			'and the response is there';
		ok $c->at_end, 'without a reset';
	}
};

$s->finish;
done_testing;
