# SPDX-License-Identifier: BSD-2-Clause
#
# Responses of every kind that can move in the middle, large enough that a
# client with a small window is in the middle of them for as long as it likes,
# and a log whose lines say all that a log can say of them.
package Holdfast::Moves;

use v5.36;
use Compress::Zlib ();
use Exporter qw(import);

our @EXPORT_OK = qw(moves_conf moves_files moves_names moves_rows moves_lines
	moves_numbers moves_text inflated);

# Lines that gzip makes half as long.
sub _text ($n) {
	my ($text, $x) = ('', 1);

	while (length $text < $n) {
		$x = ($x * 1103515245 + 12345) & 0x7fffffff;
		$text .= sprintf "%08x %08x\n", $x, $x ^ length $text;
	}
	return $text;
}

my $numbers = join '', map { sprintf "%07d\n", $_ } 0 .. 199_999;
my $text = _text(2_000_000);
my $page = '<!doctype html>' . substr $text, 0, 500_000;
my @names = map { sprintf 'name-%05d-%s', $_, 'n' x 180 } 1 .. 1500;

sub moves_numbers () { return $numbers }
sub moves_text () { return $text }
sub moves_names () { return @names }

sub moves_files () {
	return {
		'www/numbers' => $numbers,
		'www/text.txt' => $text,
		'error.html' => $page,
		(map { ("list/$_" => '') } @names),
	};
}

# A line of it: the name of the case, what is the same however the response
# came to its end, and what is not.
my @same = qw(method target protocol host path query route rest status
	user request_id header.referer header.user-agent cookie.c scheme
	remote_addr connection_requests sent.content-type sent.content-length
	sent.content-encoding sent.cache-control);
my @differs = qw(bytes remote_port connection time.head time.answer time.send
	time.total);

sub _log_format () {
	return join '|', map { "\${$_}" } 'header.x-case', @same, @differs;
}

# With routes => 0 none of the routes that the responses are of is there.
sub moves_conf (%opt) {
	my $routes = $opt{routes} // 1 ? <<'EOF_CONF' : '';
  { path = "/files/"; handler = "static"; root = "%%DIR%%/www";
    compress = [ "gzip" ]; cache_control = "max-age=7"; },
  { path = "^/names/(.*)"; match = "regex"; handler = "rewrite";
    to = "/list/${match.1}"; },
  { path = "/list/"; handler = "static"; root = "%%DIR%%/list";
    listing = true; },
  { path = "/memory"; handler = "respond"; methods = [ "POST" ];
    body = "${form.x}"; },
  { path = "/packed"; handler = "respond"; methods = [ "POST" ];
    body = "${form.x}"; compress = [ "gzip" ]; },
  { path = "/error"; handler = "redirect"; to = "/x"; methods = [ "GET" ]; },
EOF_CONF
	my $format = _log_format();

	return <<"EOF_CONF";
log = { access = "%%DIR%%/access.log"; format = "$format"; };
limits = { body = "20m"; @{[ $opt{limits} // "" ]} };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { error_pages = [ "405 %%DIR%%/error.html" ]; routes = (
$routes
  { path = "/get"; handler = "respond"; body = "got \${query.x}"; } ); } );
@{[ $opt{more} // "" ]}
EOF_CONF
}

sub inflated ($bytes) { return Compress::Zlib::memGunzip(\$bytes) // '' }

# RFC 9110 section 14.6: what the parts are, in their order.
sub _parts ($response) {
	my ($boundary) = $response->field('content-type') =~
		m{^multipart/byteranges; boundary=(\w+)$} or return 'no boundary';
	my $rest = $response->body;
	my $all = '';

	return 'no end' unless $rest =~ s/\r\n--$boundary--\r\n\z//;
	for my $part (split /(?:\A|\r\n)--$boundary\r\n/, $rest) {
		next if $part eq '';
		my ($range) = $part =~ s/\A.*?\r\n\r\n//s ? $& : '';

		$all .= ($range =~ m{^Content-Range: (bytes \S+)}m)[0] . ":$part;";
	}
	return $all;
}

sub _form ($path, @fields) {
	my $body = "x=$text";

	return ['POST', $path, ['Content-Type' =>
		'application/x-www-form-urlencoded', @fields], $body];
}

# [name, [method, target, fields, body], sub ($response) { what it is },
#  what that has to be; undef: whatever it is without a move]
sub moves_rows () {
	my $some = '8-500007,700000-1100000,1200000-1599999';
	my $wanted = join '', map {
		my ($from, $to) = split /-/;

		"bytes $from-$to/1600000:" .
			substr($numbers, $from, $to - $from + 1) . ';';
	} split /,/, $some;
	my $form = $text =~ tr/+/ /r;

	return (
		['a file', ['GET', '/files/numbers?a=b', []],
			sub ($r) { $r->body }, $numbers],
		['a range', ['GET', '/files/numbers',
				[Range => 'bytes=1000-1400000']],
			sub ($r) { $r->body },
			substr($numbers, 1000, 1399001)],
		['several ranges', ['GET', '/files/numbers',
				[Range => "bytes=$some"]],
			\&_parts, $wanted],
		['memory', _form('/memory'), sub ($r) { $r->body }, $form],
		['an error page', ['DELETE', '/error', []],
			sub ($r) { $r->body }, $page],
		['a listing', ['GET', '/names/?order=size', []],
			sub ($r) { $r->body }, undef],
		['a file that is compressed', ['GET', '/files/text.txt',
				['Accept-Encoding' => 'gzip']],
			sub ($r) { inflated($r->body) }, $text],
		['memory that is compressed', _form('/packed',
				'Accept-Encoding' => 'gzip'),
			sub ($r) { inflated($r->body) }, $form],
	);
}

# The lines of the access log for a case: each as [what is the same, and a
# hash of the rest].
sub moves_lines ($text, $case) {
	my @lines;

	for my $line (split /\n/, $text) {
		my ($name, @values) = split /\|/, $line, -1;

		next if $name ne $case;
		my @these = splice @values, 0, scalar @same;
		my %rest;

		@rest{@differs} = @values;
		push @lines, [join('|', map { "$same[$_]=$these[$_]" } 0 .. $#same),
			\%rest];
	}
	return @lines;
}

1;
