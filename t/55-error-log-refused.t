# SPDX-License-Identifier: BSD-2-Clause
#
# What is refused leaves a line with the reason and what was sent,
# escaped: nothing in it can end the line or the quotes.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "${path}"; },
  { path = "/form"; handler = "respond"; body = "${form.a}"; }
); } );
E
my $rest = "Host: a\r\n\r\n";

# [what it is, what is sent, of the line the reason, and what was sent]
for my $case (
	['half an escape', "GET /%c3%zz HTTP/1.1\r\n$rest",
		'a path that must not be resolved', 'GET /%c3%zz HTTP/1.1'],
	['octets above 127 that are refused for something else',
		"GET /caf\xc3\xa9/../.. HTTP/1.1\r\n$rest",
		'a path that must not be resolved',
		'GET /caf\\xc3\\xa9/../.. HTTP/1.1'],
	['a control character', "GET /\x1b[2J HTTP/1.1\r\n$rest",
		'a character that no target has', 'GET /\\x1b[2J HTTP/1.1'],
	['a quote and a backslash', "G\"\\ET / HTTP/1.1\r\n$rest",
		'the method is not a token', 'G\\x22\\x5cET / HTTP/1.1'],
	['no request at all', "\x16\x03\x01\x02\x00\r\n\r\n",
		'the method is not a token', '\\x16\\x03\\x01\\x02\\x00'],
	['an empty line before it', "\r\nGET /a HTTP/1.1\r\nHost:\r\n\r\n",
		'the Host is not valid', 'GET /a HTTP/1.1'],
	['a long line', 'GET /' . 'x' x 400 . " HTTP/1.1\r\nHost: @\r\n\r\n",
		'the Host is not valid', 'GET /' . 'x' x 251 . '...'],
	['a body', "POST /form HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${rest}x",
		'the body is not in chunked coding', 'POST /form HTTP/1.1'],
	['a form', "POST /form HTTP/1.1\r\nContent-Length: 1\r\n"
		. "Content-Type: multipart/form-data\r\n${rest}x",
		'no boundary is given', 'POST /form HTTP/1.1'],
) {
	my ($what, $sent, @line) = @$case;
	my $line = \@line;
	my $c = $s->client;

	$c->send($sent);
	is $c->response->status, 400, "$what is refused";
	wait_until { $s->log_text =~ /: answered with 400: \Q$line->[0]\E, .*, request: "\Q$line->[1]\E"/m }
		"$what is logged";
	$c->close;
}
$s->finish;
done_testing;
