# SPDX-License-Identifier: BSD-2-Clause
#
# A body that is malformed as far as it is there is answered with 400, also where
# the handler does not read it: nobody is told that it was understood.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => { 'www/f' => "file\n" }, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/r"; handler = "respond"; body = "answered"; },
  { path = "/go"; handler = "redirect"; to = "/there"; },
  { path = "/"; handler = "static"; root = "%%DIR%%/www";
    methods = [ "GET", "POST" ]; }
); } );
E

# [what it is, the body, whether it is refused]
for my $case (
	['a size that is none', "x\r\n", 1],
	['a chunk that is longer than it says', "3\r\nabcd\r\n0\r\n\r\n", 1],
	['a second chunk that is wrong', "3\r\nabc\r\n-1\r\n", 1],
	['a trailer that is none', "0\r\nx\r\n\r\n", 1],
	['white space behind a size', "3 \r\nabc\r\n0\r\n\r\n", 1],
	['a good one', "3\r\nabc\r\n0\r\nX: y\r\n\r\n", 0],
	['the beginning of a good one', "3\r\nab", 0],
	['nothing yet', '', 0],
) {
	my ($what, $body, $is_refused) = @$case;

	for my $target (qw(/r /go /f)) {
		my $c = $s->client;

		$c->send("POST $target HTTP/1.1\r\nHost: a\r\n"
			. "Transfer-Encoding: chunked\r\n\r\n$body");
		my $status = $c->response->status;

		if ($is_refused) {
			is $status, 400, "$what: $target";
			ok $c->at_end, 'the connection ends';
		} else {
			isnt $status, 400, "$what: $target";
		}
		$c->close;
	}
}
$s->finish;
done_testing;
