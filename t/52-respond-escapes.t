# SPDX-License-Identifier: BSD-2-Clause
#
# What `respond` makes of bytes that mean something where they are put: JSON
# stays JSON and UTF-8, HTML and scripts have no markup or code from outside,
# and percent-encoding that is wrong stands for itself.
use v5.36;
use Encode ();
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/json"; handler = "respond"; type = "application/json";
    body = "{\"x\":\"${query.x}\"}"; },
  { path = "/problem"; handler = "respond"; type = "application/problem+json";
    body = "\"${query.x}\""; },
  { path = "/script"; handler = "respond"; type = "text/javascript";
    body = "f('${query.x}', `${query.x}`, \"${query.x}\");"; },
  { path = "/html"; handler = "respond"; type = "Text/HTML";
    body = "<a title='${query.x}' lang=\"${query.x}\">${query.x}</a>"; },
  { path = "/svg"; handler = "respond"; type = "image/svg+xml";
    body = "<svg id='${query.x}'/>"; },
  { path = "/text"; handler = "respond"; body = "[${query.x}]"; }
); } );
E
my $c = $s->client;

sub encode ($bytes) { return $bytes =~ s/(.)/sprintf '%%%02X', ord $1/gesr }

# [bytes, what they are as UTF-8]
my $bad = "\x{fffd}";
for my $case (
	["J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80", "J\xf6rg \x{20ac} \x{1f600}"],
	["a\xffb", "a${bad}b"],
	["\xc3", $bad],
	["\xe2\x82", $bad],
	["\xe2\x82\"}", "$bad\"}"],
	["\xc0\xa2", "$bad$bad"],
	["\xed\xa0\x80", "$bad$bad$bad"],
	["\xf4\x90\x80\x80", "$bad$bad$bad$bad"],
	["\0\x7f\x1b\t\n", "\0\x7f\x1b\t\n"],
	["\xe2\x80\xa8\xe2\x80\xa9", "\x{2028}\x{2029}"],
) {
	my ($bytes, $text) = @$case;

	for my $path ('/json', '/problem') {
		my $body = $c->get("$path?x=" . encode($bytes))->body;
		my $data = eval {
			JSON::PP->new->allow_nonref->decode(
				Encode::decode('UTF-8', $body,
					Encode::FB_CROAK | Encode::LEAVE_SRC));
		};

		$data = $data->{x} if ref $data;
		is $data, $text, "$path: " . unpack('H*', $bytes)
			or diag $body, $@;
	}
}
{
	my $x = encode("</script><!--\xe2\x80\xa8]]>");
	my $body = $c->get("/json?x=$x")->body;

	unlike $body, qr/[<>]|\xe2\x80\xa8/,
		'JSON can stand in a page and in a script';
}
{
	my $body = $c->get('/script?x=' . encode(q{'"`${f}\\</script>&}))->body;
	my $x = join '', map { sprintf '\\u%04x', ord } split //, q{'"`$};

	$x .= '{f}\\u005c\\u003c/script\\u003e\\u0026';
	is $body, qq{f('$x', `$x`, "$x");}, 'no string of a script ends early';
}
{
	my $body = $c->get('/html?x=' . encode(qq{'"><script>&amp;\e(B}))->body;
	my $x = '&#39;&quot;&gt;&lt;script&gt;&amp;amp;&#xfffd;(B';

	is $body, "<a title='$x' lang=\"$x\">$x</a>",
		'HTML: no attribute, element or charset begins or ends';
	like $c->get('/svg?x=' . encode(q{'/><script>}))->body,
		qr/\A<svg id='[^'<>]*'\/>\z/, 'SVG is no less';
}
# [query, value]: WHATWG URL section 1.3.
for my $case (['%', '%'], ['%4', '%4'], ['%zz', '%zz'], ['%%41', '%A'],
	['%4%41', '%4A'], ['%2541', '%41'], ['%00', "\0"], ['%0d%0a', "\r\n"],
	['a+b%2B', 'a b+'], ['%ff%fe', "\xff\xfe"], ['=&x=2', '=']) {
	my ($query, $value) = @$case;

	is $c->get("/text?x=$query")->body, "[$value]", "?x=$query";
}

$c->close;
$s->finish;
done_testing;
