# SPDX-License-Identifier: BSD-2-Clause
#
# Bodies of requests: with a length and in chunks, forms read out of them,
# limits.body, Expect: 100-continue.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => { 'www/a' => "a\n" }, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { body = "1m"; };
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/form"; handler = "respond"; body = "[${form.x}][${form.y}]"; },
  { path = "/none"; handler = "respond"; body = "no form"; }
); } );
E
my $form = 'application/x-www-form-urlencoded';
my $c = $s->client;

sub post ($body, $type = $form) {
	return $c->request('POST', '/form', ['Content-Type' => $type], $body);
}

sub chunked ($body, $size) {
	my $text = "POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: $form\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n";

	while (length $body) {
		my $piece = substr $body, 0, $size, '';

		$text .= sprintf "%x\r\n%s\r\n", length $piece, $piece;
	}
	return "${text}0\r\n\r\n";
}

# [body, what the answer is]
for my $case (
	['x=1&y=2', '[1][2]'],
	['y=2&x=1', '[1][2]'],
	['x=', '[][]'],
	['x', '[][]'],
	['', '[][]'],
	['&&x=1&&', '[1][]'],
	['x=a+b%20c%2Bd', '[a b c+d][]'],
	['x=%C3%A9', "[\xc3\xa9][]"],
	['%78=1', '[1][]'],
	['x=1&x=2', '[1][]'],
	['xx=1&x=2', '[2][]'],
	['x=a=b', '[a=b][]'],
	['x=%', '[%][]'],
	['x=%zz', '[%zz][]'],
	['X=1', '[][]'],
	['x=' . 'v' x 100_000, '[' . 'v' x 100_000 . '][]'],
	['a=' . 'b' x 200_000 . '&y=end', '[][end]'],
) {
	my ($body, $answer) = @$case;
	my $name = length $body > 40 ? length($body) . ' bytes' : "'$body'";

	is post($body)->body, $answer, "$name with a length";
	for my $size (1, 5, 16384) {
		next if $size == 1 && length $body > 1000;
		$c->send(chunked($body, $size));
		is $c->response->body, $answer, "$name in chunks of $size";
	}
}

is post('x=1', "$form; charset=utf-8")->body, '[1][]',
	'a type with a parameter';
is post('x=1', 'Application/X-WWW-Form-URLEncoded')->body, '[1][]',
	'a type in capitals';
is post('x=1', 'text/plain')->body, '[][]', 'another type is no form';
is $c->request('POST', '/none', ['Content-Type' => $form], 'x=1')->body,
	'no form', 'a body that nobody asks for is taken and dropped';

subtest 'at the limit and one over it' => sub {
	my $full = 'x=' . 'v' x (1048576 - 2);

	ok post($full)->body eq '[' . substr($full, 2) . '][]', 'at the limit';
	$c->send(chunked($full, 65536));
	ok $c->response->body eq '[' . substr($full, 2) . '][]',
		'at the limit in chunks';

	for my $way ('length', 'chunks', 'chunks for a file',
		     'length for a file') {
		my $over = $s->client;
		my $text = $way =~ /length/
			? $over->request_text('POST', '/form',
				['Content-Type' => $form], "${full}v")
			: chunked("${full}v", 65536);

		$text =~ s{\APOST /form}{GET /a} if $way =~ /file/;
		$over->send($text);
		my $r = $over->response;

		if ($way eq 'chunks for a file' && $r->status == 200) {
			pass "one over it, $way, is answered before its end";
		} else {
			is $r->status, 413, "one over it, $way";
			ok $r->closes, 'says close';
		}
		ok $over->at_end, 'and is closed';
	}
};

subtest 'Expect: 100-continue' => sub {
	my @fields = ('Content-Type' => $form, 'Content-Length' => 3,
		'Expect' => '100-continue');
	my $e = $s->client;

	$e->send($e->request_text('POST', '/form', \@fields));
	is $e->response->status, 100, 'goes on';
	$e->send('x=1');
	is $e->response->body, '[1][]', 'and answers';

	$e->send($e->request_text('POST', '/form',
		[@fields[0 .. 3], Expect => '100-Continue']));
	is $e->response->status, 100, 'in any case of letters';
	$e->send('x=2');
	is $e->response->body, '[2][]', 'and answers';

	# RFC 9110 section 10.1.1: may be left out when the body is there.
	$e->send($e->request_text('POST', '/form', \@fields) . 'x=3');
	my $r = $e->response;

	$r = $e->response if $r->status == 100;
	is $r->body, '[3][]', 'when the body came at once';

	$e->send("POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: $form\r\n"
		. "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
	is $e->response->status, 100, 'before chunks';
	$e->send("3\r\nx=4\r\n0\r\n\r\n");
	is $e->response->body, '[4][]', 'and answers';

	$e->send("GET /form HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		. "\r\n");
	is $e->response->status, 200, 'without a body there is no 100';
	$e->close;

	$e = $s->client;
	$e->send($e->request_text('POST', '/form', ['Content-Type' => $form,
		'Content-Length' => 1048577, Expect => '100-continue']));
	$r = $e->response;
	is $r->status, 413, 'what is too long is refused at once';
	ok $r->closes && $e->at_end, 'and the connection closed';

	$e = $s->client;
	$e->send("POST /form HTTP/1.0\r\nContent-Type: $form\r\n"
		. "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	$e->send('x=5');
	is $e->response->body, '[5][]', '1.0 gets no 100';

	for my $case (['POST', '/a', 405], ['FROB', '/form', 501],
		      ['POST', '/%zz', 400]) {
		my ($method, $target, $status) = @$case;

		$e = $s->client;
		$e->send($e->request_text($method, $target, \@fields));
		$r = $e->response;
		is $r->status, $status,
			"$method $target: refused without a 100";
		# The client may now send the body or not: only closing, or
		# reading the length that was announced, is right.
		if ($r->closes) {
			ok $e->at_end, 'closed';
		} else {
			$e->send('x=1');
			is $e->get('/a')->body, "a\n", 'in step';
		}
	}
};

subtest 'the answer to a slow body does not wait for more than it' => sub {
	my $slow = $s->client;

	$slow->send($slow->request_text('POST', '/form',
		['Content-Type' => $form, 'Content-Length' => 7]));
	for my $byte (split //, 'x=1&y=2') {
		$slow->send($byte);
	}
	is $slow->response->body, '[1][2]', 'byte by byte';
};

$c->close;
$s->finish;
done_testing;
