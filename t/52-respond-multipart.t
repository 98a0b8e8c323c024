# SPDX-License-Identifier: BSD-2-Clause
#
# Fields of multipart/form-data in `respond`, as browsers and curl send them,
# and what is answered when a form cannot be read.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => { 'x.txt' => "12345\n" }, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { form_fields = 20; };
sites = ( { routes = (
  { path = "/form"; handler = "respond"; body = "[${form.a}][${form.b}]"; },
  { path = "/file"; handler = "respond";
    body = "${form_filename.f:-none} ${form_type.f} ${form_size.f} ${form.f}"; },
  { path = "/html"; handler = "respond"; type = "text/html";
    body = "<b>${form_filename.f}</b>"; },
  { path = "/go"; handler = "redirect"; to = "/to/${form.a}"; status = 303;
    methods = [ "POST" ]; },
  { path = "/odd"; handler = "respond";
    body = "[${form.test\\}][${form_filename.test\\}]"; },
  { path = "/plain"; handler = "respond"; body = "plain"; }
); } );
E
my $c = $s->client;
my $type = 'multipart/form-data; boundary=b';

sub part ($name, $content, $more = '') {
	return "--b\r\nContent-Disposition: form-data; name=\"$name\"$more\r\n"
		. "\r\n$content\r\n";
}

sub post ($path, $body, $t = $type, @fields) {
	return $c->request('POST', $path, ['Content-Type' => $t, @fields],
		$body);
}

is post('/form', part('a', 1) . part('b', "2\r\n--c") . '--b--')->body,
	"[1][2\r\n--c]", 'two fields';
is post('/form', part('b', 2) . part('a', 1) . part('a', 3) . "--b--\r\n")
	->body, '[1][2]', 'in any order; the first of a name';
is post('/form', "--b--\r\n")->body, '[][]', 'no fields';
is post('/form', part('a', "\0\xff%41+") . '--b--')->body, "[\0\xff%41+][]",
	'what is in a field is not decoded';
is post('/form', part('a', 'v' x 300_000) . part('b', 'end') . '--b--')->body,
	'[' . 'v' x 300_000 . '][end]', 'a large one, kept in a file';
is post('/file', part('f', 'hello', "; filename=\"../a %22b\"\r\n"
	. 'Content-Type: text/x') . '--b--')->body, 'a "b text/x 5 hello',
	'a file';
is post('/file', part('f', '', '; filename=""') . '--b--')->body, 'none  0 ',
	'no file was chosen';
is post('/html', part('f', '', '; filename="<i>&quot;"') . '--b--')->body,
	'<b>&lt;i&gt;&amp;quot;</b>', 'its name is escaped';
is post('/go', part('a', 'x y/?') . '--b--')->field('location'),
	'/to/x%20y/%3F', 'a redirect knows fields, too';
is post('/go', 'a=z', 'application/x-www-form-urlencoded')->field('location'),
	'/to/z', 'of any form';

# One odd part is no reason to refuse the others.
for my $case (
	['a name that ends in a backslash', part('x\\', 'y'), '[1][2]'],
	['the name of a file that does',
		part('x', 'y', '; filename="C:\\"'), '[1][2]'],
	['no name', "--b\r\n\r\nx\r\n", '[1][2]'],
	['a header that is no field', "--b\r\nX\r\n\r\nx\r\n", '[1][2]'],
	['a header without an end', "--b\r\nX: y\r\n", '[1][2]'],
	['a header that is too long', part('x', 'y', '; x=' . 'x' x 10_000),
		'[1][2]'],
	['a control character in a name', part("\x01", 'y'), '[1][2]'],
	['a line that begins with the boundary', part('x', "\r\n--bc\r\n"),
		'[1][2]'],
	['a name twice', part('x', 'y', '; name="z"'), '[1][2]'],
	['another disposition', "--b\r\nContent-Disposition: attachment\r\n"
		. "\r\nx\r\n", '[1][2]'],
	['a coding', part('x', 'y', "\r\nContent-Transfer-Encoding: base64"),
		'[1][2]'],
) {
	my ($what, $part, $body) = @$case;

	is post('/form', part('a', 1) . $part . part('b', 2) . '--b--')->body,
		$body, $what;
}
like $s->log_text, qr/parts of a form that have no name, and are passed over: 1$/m,
	'what is passed over is logged';
is post('/form', part('a\\', 1) . part('a', 2) . '--b--')->body, '[2][]',
	'such a name is not the one without the backslash';
is post('/odd', part('test\\', 1) . '--b--')->body, '[1][]',
	'it has a value like any other';
is post('/odd', part('test\\', 1, '; filename="x\\y\\z"') . '--b--')->body,
	'[1][z]', 'and so has a file of such a name';
for my $boundary (qw(***** a*b <%&> =_x), '"a;b"', "'a b'") {
	my $plain = $boundary =~ s/^"|"$//gr;
	my $quoted = $boundary =~ / / ? "\"$boundary\"" : $boundary;

	is post('/form', (part('a', 1) . '--b--') =~ s/--b/--$plain/gr,
		"multipart/form-data; boundary=$quoted")->body, '[1][]',
		"a boundary such as $boundary";
}

subtest 'what cannot be read is refused' => sub {
	for my $case (
		[$type, part('a', 1), 400, 'no last boundary'],
		[$type, '', 200, 'no body'],
		[$type, 'a=1', 400, 'no boundary at all'],
		[$type, part('a', 1) . '--bc', 400, 'a boundary that goes on'],
		['multipart/form-data', '--b--', 400, 'no boundary is given'],
		["$type; boundary=c", '--b--', 400, 'two are given'],
		[$type, join('', map { part($_, 1) } 1 .. 20) . '--b--', 200,
			'as many fields as there may be'],
		[$type, join('', map { part($_, 1) } 1 .. 21) . '--b--', 413,
			'one more'],
		['application/x-www-form-urlencoded', 'x&' x 20, 200,
			'as many of the other form'],
		['application/x-www-form-urlencoded', 'x&' x 21, 413,
			'one more'],
		['application/x-www-form-urlencoded', '%%%=&&=&%zz', 200,
			'urlencoded is never malformed'],
		['text/plain', 'a=1', 200, 'another type has no fields'],
	) {
		my ($t, $body, $status, $name) = @$case;

		is post('/form', $body, $t)->status, $status, $name;
		is post('/plain', $body, $t)->body, 'plain',
			'nobody looks where no field is used';
	}
	is post('/form', 'a=1', 'application/x-www-form-urlencoded',
		'Content-Encoding' => 'gzip')->status, 415,
		'a content coding';
	is post('/form', part('a', 'still') . '--b--')->body, '[still][]',
		'the connection is in step';
	like $s->log_text, qr/ info .*answered with 400: the last boundary is missing/,
		'the log says why';
};

SKIP: {
	skip 'no curl', 3 unless has_program('curl');
	my $url = 'http://' . $s->address('http');
	my $dir = $s->dir->path;
	my $curl = sub (@args) {
		my ($status, $out, $err) = Holdfast::Command->new(
			['curl', '-sS', '--max-time', patience(), @args])->wait;

		return $status ? "curl: $status $err" : $out;
	};

	is $curl->('-F', 'a=x y', '-F', "b=\xc3\xa9", "$url/form"),
		"[x y][\xc3\xa9]", 'curl: fields';
	is $curl->('-F', "f=\@$dir/x.txt", "$url/file"),
		"x.txt text/plain 6 12345\n", 'curl: a file';
	is $curl->('-F', "f=\@$dir/x.txt;filename=\"a\\\"b\xe2\x82\xac\"",
		"$url/file"), "a\"b\xe2\x82\xac text/plain 6 12345\n",
		'curl: a name that has to be escaped';
}

$c->close;
$s->finish;
done_testing;
