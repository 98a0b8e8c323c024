# SPDX-License-Identifier: BSD-2-Clause
#
# Requests byte for byte, right and wrong, and what each is answered: sent
# whole, byte by byte, and pipelined behind a good one. After an answer the
# connection is closed (and says so), or it is in step: what follows is
# answered as what it is. Where a request is wrong in its framing, closing is
# the only safe thing (RFC 9112 sections 6.3 and 11.2).
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => { 'www/file' => "file\n" },
	conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { body = "1k"; };
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/ok"; match = "exact"; handler = "respond"; body = "ok"; },
  { path = "/form"; match = "exact"; handler = "respond";
    methods = [ "POST" ]; body = "${form.x}"; },
  { path = "/before"; match = "exact"; handler = "respond";
    body = "before"; },
  { path = "/after"; match = "exact"; handler = "respond"; body = "after"; }
); } );
E

my $get = "GET /ok HTTP/1.1\r\n";
my $head = "${get}Host: a\r\n";
my $post = "POST /form HTTP/1.1\r\nHost: a\r\n"
	. "Content-Type: application/x-www-form-urlencoded\r\n";
my $te = "${post}Transfer-Encoding: chunked\r\n";
my $chunks = "\r\n5\r\nx=abc\r\n0\r\n\r\n";

# [what it is, request, status (or several), 'keep' or 'close' or 'either',
#  body]
my @requests = (
	# --- right ---
	['the least', "$head\r\n", 200, 'keep', 'ok'],
	['an empty line before it', "\r\n$head\r\n", 200, 'keep', 'ok'],
	['no space after the colon', "${get}Host:a\r\n\r\n", 200, 'keep'],
	['spaces and tabs around a value', "${get}Host: \t a \t \r\n\r\n",
		200, 'keep'],
	['an empty value', "${head}X:\r\nY: \r\n\r\n", 200, 'keep'],
	['field names in any case', "${get}hOsT: a\r\n\r\n", 200, 'keep'],
	['every character of a token',
		"${head}!#\$%&'*+-.^_`|~09azAZ: 1\r\n\r\n", 200, 'keep'],
	['bytes above 127 in a value', "${head}X: \x80\xff\xc3\xa9\r\n\r\n",
		200, 'keep'],
	['a tab in a value', "${head}X: a\tb\r\n\r\n", 200, 'keep'],
	['an empty Host', "${get}Host:\r\n\r\n", 200, 'keep'],
	['Host with a port', "${get}Host: a:80\r\n\r\n", 200, 'keep'],
	['Host as IPv6', "${get}Host: [::1]:80\r\n\r\n", 200, 'keep'],
	['an absolute target', "GET http://a/ok HTTP/1.1\r\nHost: a\r\n\r\n",
		200, 'keep', 'ok'],
	['version 1.9 is 1.1', "GET /ok HTTP/1.9\r\nHost: a\r\n\r\n", 200,
		'keep', 'ok'],
	['a query of all sorts', "GET /ok?a=%00&b='()*[]\@:/? HTTP/1.1\r\n"
		. "Host: a\r\n\r\n", 200, 'keep', 'ok'],
	['a form', "${post}Content-Length: 5\r\n\r\nx=abc", 200, 'keep',
		'abc'],
	['an empty form', "${post}Content-Length: 0\r\n\r\n", 200, 'keep',
		''],
	['POST without a body', "$post\r\n", 200, 'keep', ''],
	['Content-Length with leading zeros',
		"${post}Content-Length: 005\r\n\r\nx=abc", 200, 'keep',
		'abc'],
	['a body that looks like a request', "${post}Content-Length: 32\r\n"
		. "\r\nGET /after HTTP/1.1\r\nHost: a\r\n\r\n", 200, 'keep',
		''],
	['chunks', "$te$chunks", 200, 'keep', 'abc'],
	['chunks, in capitals', "${post}TRANSFER-ENCODING: CHUNKED\r\n"
		. $chunks, 200, 'keep', 'abc'],
	['many chunks', "$te\r\n" . join('', map { "1\r\n$_\r\n" }
		split //, 'x=abc') . "0\r\n\r\n", 200, 'keep', 'abc'],
	['chunk sizes with leading zeros and capitals',
		"$te\r\n0000A\r\nx=abcdefgh\r\n000\r\n\r\n", 200, 'keep',
		'abcdefgh'],
	['a chunk with extensions',
		"$te\r\n5;a=b;c=\"d e\"\r\nx=abc\r\n0;last\r\n\r\n", 200,
		'keep', 'abc'],
	['trailer fields', "$te\r\n5\r\nx=abc\r\n0\r\nA: b\r\nC:\r\n\r\n",
		200, 'keep', 'abc'],
	['trailer fields that would be framing',
		"$te\r\n5\r\nx=abc\r\n0\r\nContent-Length: 99\r\n\r\n",
		[200, 400], 'status', undef],
	['an empty chunked body', "$te\r\n0\r\n\r\n", 200, 'keep', ''],
	['a body for a file',
		"GET /file HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
		. 'x=abc', 200, 'keep', "file\n"],
	['a chunked body for a file', "GET /file HTTP/1.1\r\nHost: a\r\n"
		. "Transfer-Encoding: chunked\r\n$chunks", 200, 'keep',
		"file\n"],
	['a body for what is not there', "POST /ok/none HTTP/1.1\r\n"
		. "Host: a\r\nContent-Length: 5\r\n\r\nx=abc", [404, 405],
		'keep'],
	['a chunked body for a wrong method', "DELETE /form HTTP/1.1\r\n"
		. "Host: a\r\nTransfer-Encoding: chunked\r\n$chunks", 405,
		'keep'],
	['an upgrade that we do not do', "${head}Connection: upgrade\r\n"
		. "Upgrade: h2c\r\n\r\n", 200, 'keep', 'ok'],

	# --- methods and versions ---
	['a method in small letters', "get /ok HTTP/1.1\r\nHost: a\r\n\r\n",
		501, 'keep'],
	['an unknown method', "FROB /ok HTTP/1.1\r\nHost: a\r\n\r\n", 501,
		'keep'],
	['a known method that the route has not',
		"DELETE /ok HTTP/1.1\r\nHost: a\r\n\r\n", 405, 'keep'],
	['OPTIONS *', "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		[200, 204, 404, 405], 'keep'],
	['CONNECT', "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
		[400, 404, 405, 501], 'either'],
	['version 2.0', "GET /ok HTTP/2.0\r\nHost: a\r\n\r\n", 505, 'close'],
	['version 0.9', "GET /ok HTTP/0.9\r\nHost: a\r\n\r\n", 505, 'close'],
	['the preface of HTTP/2', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		[400, 505], 'close'],
	['a method that never ends', ('M' x 9000) . " / HTTP/1.1\r\n"
		. "Host: a\r\n\r\n", [400, 414, 501], 'either'],

	# --- the request line ---
	['no version', "GET /ok\r\nHost: a\r\n\r\n", 400, 'close'],
	['half a version', "GET /ok HTTP\r\nHost: a\r\n\r\n", 400, 'close'],
	['a version without minor', "GET /ok HTTP/1\r\nHost: a\r\n\r\n",
		400, 'close'],
	['a version with a dot only', "GET /ok HTTP/1.\r\nHost: a\r\n\r\n",
		400, 'close'],
	['a version of two digits', "GET /ok HTTP/1.10\r\nHost: a\r\n\r\n",
		400, 'close'],
	['a major version of two digits',
		"GET /ok HTTP/11.1\r\nHost: a\r\n\r\n", [400, 505], 'close'],
	['the version in small letters',
		"GET /ok http/1.1\r\nHost: a\r\n\r\n", 400, 'close'],
	['another protocol', "GET /ok RTSP/1.1\r\nHost: a\r\n\r\n", 400,
		'close'],
	['two spaces after the method',
		"GET  /ok HTTP/1.1\r\nHost: a\r\n\r\n", 400, 'close'],
	['two spaces after the target',
		"GET /ok  HTTP/1.1\r\nHost: a\r\n\r\n", 400, 'close'],
	['a space at the end', "GET /ok HTTP/1.1 \r\nHost: a\r\n\r\n", 400,
		'close'],
	['a space at the start', " GET /ok HTTP/1.1\r\nHost: a\r\n\r\n", 400,
		'close'],
	['tabs for spaces', "GET\t/ok\tHTTP/1.1\r\nHost: a\r\n\r\n", 400,
		'close'],
	['a space in the target', "GET /o k HTTP/1.1\r\nHost: a\r\n\r\n",
		400, 'close'],
	['no target', "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400, 'close'],
	['a method that is no token', "G\@T /ok HTTP/1.1\r\nHost: a\r\n\r\n",
		400, 'close'],
	['a target without a slash', "GET ok HTTP/1.1\r\nHost: a\r\n\r\n",
		400, 'either'],
	['* with GET', "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, 'either'],
	['a fragment', "GET /ok#x HTTP/1.1\r\nHost: a\r\n\r\n", 400,
		'either'],
	['a control character in the target',
		"GET /o\x01k HTTP/1.1\r\nHost: a\r\n\r\n", 400, 'close'],
	['a NUL in the target', "GET /o\0k HTTP/1.1\r\nHost: a\r\n\r\n", 400,
		'close'],
	['bytes above 127 in the target',
		"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", [400, 404],
		'either'],
	['a broken escape', "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400,
		'either'],
	['a target of another scheme',
		"GET ftp://a/ok HTTP/1.1\r\nHost: a\r\n\r\n",
		[200, 400, 404, 421], 'either'],
	['TLS', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400,
		'close'],
	['noise', "\x00\xff\xfe\x01\x02\r\n\r\n", 400, 'close'],

	# --- line ends ---
	['bare LF everywhere', "GET /ok HTTP/1.1\nHost: a\n\n", 400, 'close'],
	['bare LF after the request line',
		"GET /ok HTTP/1.1\nHost: a\r\n\r\n", 400, 'close'],
	['bare LF after a field', "${head}X: y\nZ: z\r\n\r\n", 400, 'close'],
	['bare LF for the empty line', "${head}X: y\r\n\n", 400, 'close'],
	['bare CR in a value', "${head}X: a\rb\r\n\r\n", 400, 'close'],
	['bare CR in the request line',
		"GET /ok\rHTTP/1.1\r\nHost: a\r\n\r\n", 400, 'close'],
	['CR CR LF', "${head}X: y\r\r\n\r\n", 400, 'close'],

	# --- fields ---
	['a space before the colon', "${head}X : y\r\n\r\n", 400, 'close'],
	['a tab before the colon', "${head}X\t: y\r\n\r\n", 400, 'close'],
	['a space before the first field',
		"$get Host: a\r\n\r\n", 400, 'close'],
	['a folded value', "${head}X: y\r\n z\r\n\r\n", 400, 'close'],
	['a line without a colon', "${head}nonsense\r\n\r\n", 400, 'close'],
	['an empty name', "${head}: y\r\n\r\n", 400, 'close'],
	['a space in a name', "${head}X Y: z\r\n\r\n", 400, 'close'],
	['a parenthesis in a name', "${head}X(1): z\r\n\r\n", 400, 'close'],
	['bytes above 127 in a name', "${head}X\xe9: z\r\n\r\n", 400,
		'close'],
	['a NUL in a value', "${head}X: a\0b\r\n\r\n", 400, 'close'],
	['a control character in a value', "${head}X: a\x01b\r\n\r\n", 400,
		'close'],
	['DEL in a value', "${head}X: a\x7fb\r\n\r\n", 400, 'close'],

	# --- Host ---
	['no Host', "$get\r\n", 400, 'close'],
	['no Host but an absolute target', "GET http://a/ok HTTP/1.1\r\n\r\n",
		400, 'close'],
	['two Hosts', "${head}Host: b\r\n\r\n", 400, 'close'],
	['one Host twice', "${head}Host: a\r\n\r\n", 400, 'close'],
	['a space in Host', "${get}Host: a b\r\n\r\n", 400, 'close'],
	['a slash in Host', "${get}Host: a/b\r\n\r\n", 400, 'close'],
	['a user in Host', "${get}Host: u\@a\r\n\r\n", 400, 'close'],
	['half an IPv6 address in Host', "${get}Host: [::1\r\n\r\n", 400,
		'close'],
	['a port that is a word in Host', "${get}Host: a:b\r\n\r\n", 400,
		'close'],

	# --- Content-Length ---
	(map { ["Content-Length: '$_'",
		"${post}Content-Length: $_\r\n\r\nx=abc", 400, 'close'] }
		'+5', '-5', '5 5', '0x5', '5a', 'a', '5.0', '5;', '',
		'5, 6', '5,', ',5', "\x0b5", "5\x0c", '"5"',
		'99999999999999999999'),
	['Content-Length of 2^64 + 5',
		"${post}Content-Length: 18446744073709551621\r\n\r\nx=abc",
		[400, 413], 'close'],
	['Content-Length of 2^63',
		"${post}Content-Length: 9223372036854775808\r\n\r\nx=abc",
		[400, 413], 'close'],
	['two lengths that differ', "${post}Content-Length: 5\r\n"
		. "Content-Length: 6\r\n\r\nx=abc", 400, 'close'],
	['one length twice', "${post}Content-Length: 5\r\n"
		. "Content-Length: 5\r\n\r\nx=abc", [200, 400], 'status'],
	['one length twice in a list', "${post}Content-Length: 5, 5\r\n\r\n"
		. 'x=abc', [200, 400], 'status'],
	['a length beyond the limit',
		"${post}Content-Length: 1025\r\n\r\nx=abc", 413, 'close'],

	# --- Transfer-Encoding ---
	['chunked after a length', "${post}Content-Length: 5\r\n"
		. "Transfer-Encoding: chunked\r\n$chunks", 400, 'close'],
	['a length after chunked', "${te}Content-Length: 15\r\n$chunks", 400,
		'close'],
	['chunked in 1.0', "POST /form HTTP/1.0\r\nHost: a\r\n"
		. "Transfer-Encoding: chunked\r\n$chunks", 400, 'close'],
	['chunked with a space before the colon',
		"${post}Transfer-Encoding : chunked\r\n$chunks", 400,
		'close'],
	['chunked behind a vertical tab',
		"${post}Transfer-Encoding: \x0bchunked\r\n$chunks", 400,
		'close'],
	['chunked folded', "${post}Transfer-Encoding:\r\n chunked\r\n$chunks",
		400, 'close'],
	['chunked behind a bare CR',
		"${post}X: a\rTransfer-Encoding: chunked\r\n$chunks", 400,
		'close'],
	(map { ["Transfer-Encoding: $_",
		"${post}Transfer-Encoding: $_\r\n$chunks", [400, 501],
		'close'] } 'gzip', 'gzip, chunked', 'chunked, gzip',
		'chunked, chunked', 'identity', 'identity, chunked',
		'chunked, identity', 'xchunked', 'chunkedx', 'chunk', '',
		'"chunked"', 'chunked;a=b', "chunked\0", "chunk\xe9d",
		'cow'),
	['chunked twice', "${te}Transfer-Encoding: chunked\r\n$chunks",
		[400, 501], 'close'],
	['chunked, then another', "${te}Transfer-Encoding: cow\r\n$chunks",
		[400, 501], 'close'],

	# --- chunks ---
	(map { ['chunk size ' . ($_->[0] =~ s/([^ -~])/sprintf '\\x%02x',
			ord $1/ger),
		"$te\r\n$_->[0]\r\nx=abc\r\n0\r\n\r\n", 400, 'close'] }
		['0x5'], ['+5'], ['-5'], [' 5'], ['5 '], ["5\t"], ['g'],
		[''], ['5,'], ["5\0"], ['00000000000000005'],
		['fffffffffffffffff5'], ["5\r"], ["5;a\nb"], ["5;a\rb"],
		["5;\x01"]),
	['a chunk size that ends in a bare LF',
		"$te\r\n5\nx=abc\r\n0\r\n\r\n", 400, 'close'],
	['a chunk that ends in a bare LF',
		"$te\r\n5\r\nx=abc\n0\r\n\r\n", 400, 'close'],
	['a chunk longer than its size',
		"$te\r\n4\r\nx=abc\r\n0\r\n\r\n", 400, 'close'],
	['a chunk shorter than its size',
		"$te\r\n6\r\nx=abc\r\n0\r\n\r\n", 400, 'close'],
	['a last chunk that ends in a bare LF',
		"$te\r\n5\r\nx=abc\r\n0\n\r\n", 400, 'close'],
	['a body that ends in a bare LF',
		"$te\r\n5\r\nx=abc\r\n0\r\n\n", 400, 'close'],
	['a trailer that is no field',
		"$te\r\n5\r\nx=abc\r\n0\r\nnonsense\r\n\r\n", 400, 'close'],
	['a trailer with a bare LF',
		"$te\r\n5\r\nx=abc\r\n0\r\nA: b\nC: d\r\n\r\n", 400,
		'close'],
	['a folded trailer',
		"$te\r\n5\r\nx=abc\r\n0\r\nA: b\r\n c\r\n\r\n", 400,
		'close'],
	['a chunk beyond the limit', "$te\r\n401\r\nx=" . 'v' x 1023
		. "\r\n0\r\n\r\n", 413, 'close'],
	['chunks that together are beyond the limit', "$te\r\n"
		. ("200\r\n" . 'v' x 512 . "\r\n") x 3 . "0\r\n\r\n", 413,
		'close'],
	['a chunk far beyond the limit',
		"$te\r\nffffffffffffffff\r\nx=abc", [400, 413], 'close'],

	# --- Expect ---
	['an expectation that we do not know',
		"${head}Expect: wonders\r\n\r\n", 417, 'either'],
);

my $after = "GET /after HTTP/1.1\r\nHost: a\r\n\r\n";
my $before = "GET /before HTTP/1.1\r\nHost: a\r\n\r\n";

# What is wrong with the answer to a request; '' when nothing is.
sub judge ($c, $case) {
	my ($name, $request, $statuses, $fate, $body) = @$case;
	my @statuses = ref $statuses ? @$statuses : $statuses;
	my $r = eval { $c->response($request =~ /^HEAD/ ? 'HEAD' : 'GET') }
		or return "$@";
	my $status = $r->status;

	return "answered $status, not @statuses"
		unless grep { $_ == $status } @statuses;
	return 'the wrong body: ' . $r->body
		if defined $body && $status == 200 && $r->body ne $body;
	$fate = $status == 200 ? 'keep' : 'close' if $fate eq 'status';
	$fate = $r->has_option('close') ? 'close' : 'keep'
		if $fate eq 'either';
	if ($fate eq 'close') {
		return 'does not say close' unless $r->has_option('close');
		return 'sends more, or resets, instead of closing'
			unless eval { $c->at_end };
		return '';
	}
	return 'says close' if $r->has_option('close');
	$c->send($after);
	my $next = eval { $c->response } or return "out of step: $@";

	return 'out of step: ' . $next->head . $next->body
		if $next->status != 200 || $next->body ne 'after';
	return 'sends more than answers' if $c->buffered ne '';
	return '';
}

for my $case (@requests) {
	my ($name, $request) = @$case;
	my @faults;

	my $c = $s->client;

	$c->send($request);
	push @faults, 'whole: ' . judge($c, $case);

	$c = $s->client;
	for my $byte (split //, $request) {
		# An answer may come before the end; a client that does not
		# look sends on, and must find the answer all the same.
		last if $c->send($byte) == 0;
	}
	push @faults, 'byte by byte: ' . judge($c, $case);

	$c = $s->client;
	$c->send("$before$request");
	my $first = eval { $c->response };

	push @faults, 'pipelined: ' .
		($first && $first->body eq 'before' ? judge($c, $case)
			: "the good one before it: $@");
	@faults = grep { !/: $/ } @faults;
	ok !@faults, $name;
	diag $_ for @faults;
}

is $s->get('/ok')->body, 'ok', 'the server goes on';
$s->finish;
done_testing;
