# SPDX-License-Identifier: BSD-2-Clause
#
# `holdfast show`: the effective configuration, as a file that means the same.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $dir = Holdfast::Dir->new;

$dir->mkdir('www');
$dir->mkdir('elsewhere');
$dir->write('page.html', 'sorry');

# What show says, after what it says was shown again from another place.
sub shown ($name, $text) {
	my $path = $dir->write('a.conf', $text);
	my ($exit, $out, $err) = holdfast('-c', $path, 'show');

	is $exit, 0, "$name: shown" or diag $err;
	is $err, '', "$name: without a word";
	my $again = $dir->write('elsewhere/b.conf', $out);
	my @check = holdfast('-c', $again, 'check');

	is_deeply \@check, [0, "$again: ok\n", ''],
		"$name: what it shows is accepted";
	my @show = holdfast('-c', $again, 'show');

	is $show[1], $out, "$name: and shown as it was";
	@show = holdfast('-c', $path, '-T');
	is $show[1], $out, "$name: -T is the same";
	return $out;
}

my $out = shown('the least', <<'E');
listeners = ( { address = "7007"; protocol = "echo"; } );
control = "c.sock";
E

like $out, qr/^workers = "auto";/m, 'workers as they would be by default';
like $out, qr/"\*:7007"/, 'the address in full';
like $out, qr/backlog = 4096/, 'defaults of a listener';
like $out, qr/keepalive = "75s"/, 'a default duration';
like $out, qr/header = "16k"/, 'a default size';
like $out, qr/level = "info"/, 'a default choice';
like $out, qr{control = "\Q@{[$dir->path('c.sock')]}\E"},
	'a relative path in full';

$out = shown('much', <<'E');
workers = 3;
user = "nobody";
pid_file = "run/pid";
control = "c.sock";
log = { error = "error.log"; level = "debug"; access = "access.log";
	format = "json"; };
limits = { connections = 77; header = "5000"; headers = 7; body = "3m"; };
timeouts = { header = "1500ms"; body = "2m"; send = "1h"; keepalive = "90s";
	drain = "1ms"; };
listeners = (
  { address = "[::1]:8080"; },
  { address = "127.0.0.1:8080"; backlog = 5; },
  { address = "unix:/tmp/x y.sock"; mode = "0600"; },
  { address = "*:7"; protocol = "echo"; }
);
sites = (
  { hosts = [ "Example.ORG", "*.example.org" ]; allow = [ "2001:DB8::/32" ];
    response_fields = [ "X-Site: ${host}", "-Server", "+X-Two: 1" ];
    error_pages = [ "404,410 page.html", "500-504 page.html" ];
    routes = (
      { path = "/"; handler = "static"; root = "www";
        index = [ "a.html", "b.html" ]; symlinks = "none";
        try = [ "${rest}", "${rest}/", "=410" ]; listing = true;
        precompressed = [ "br", "zstd" ]; charset = "utf-8";
        compress = [ "gzip", "br" ]; compress_types = [ "Text/*", "*+XML" ];
        compress_min = "2k"; cache_control = "a=\"b\""; expires = "90m"; },
      { path = "/t"; match = "exact"; handler = "respond";
        methods = [ "GET", "PUT" ]; status = 201; type = "text/html";
        deny = [ "192.0.2.0/24", "::FFFF:192.0.2.1", "all" ];
        response_fields = [ "+x-two: \"2\"" ]; request_fields = [ "A: b" ];
        error_pages = [ "502,410 page.html" ];
        rate = "600/m"; rate_burst = 7; rate_key = "${header.x}";
        body = "a \"quoted\" \\ back\tslash\nline $$ ${query.x:-d} \x01 é"; },
      { path = "/e"; handler = "respond"; },
      { path = "^/\\.(?<x>[a-z]\"?)"; match = "regex"; handler = "rewrite";
        to = "/${match.x}"; },
      { path = "/r/"; handler = "redirect"; to = "/$$/${rest}";
        status = 308; }
    ); },
  { routes = ( { path = "/"; handler = "respond"; body = "other"; } ); }
);
E

like $out, qr/connections = 77/, 'a number';
like $out, qr/header = "1500ms"/, 'a duration that is no whole second';
like $out, qr/body = "3m"/, 'a size';
like $out, qr/mode = "0600"/, 'a mode';
like $out, qr/example\.org/, 'a host, in lower case';
like $out, qr{deny = \[ "192\.0\.2\.0/24", "192\.0\.2\.1", "all" \]},
	'networks';
is scalar(() = $out =~ /allow = \[ "2001:db8::\/32" \]/g), 1,
	'a common setting of the site, there';
like $out, qr{response_fields = \[ "X-Site: \$\{host\}", "-Server", "\+X-Two: 1" \]},
	'fields of a site';
like $out, qr{response_fields = \[ "X-Site: \$\{host\}", "-Server", "\+x-two: \\"2\\"" \]},
	'and of a route, with those of its site';
like $out, qr{error_pages = \[ "404 /\S+/page\.html", "500-501,503-504 /\S+", "410,502 /\S+" \]},
	'pages of a route, with those of its site';
like $out, qr{rate = "600/m"}, 'a rate';
is scalar(() = $out =~ /rate = "off"/g), 2, 'and where there is none';
is scalar(() = $out =~ /deny =/g), 3, 'and that of a route, there';
like $out, qr{try = \[ "\$\{rest\}", "\$\{rest\}/", "=410" \];}, 'what is tried';
like $out, qr/listing = true;/, 'a boolean';
like $out, qr/compress = \[ "gzip", "br" \];/, 'codings, in their order';
like $out, qr/compress_types = \[ "text\/\*", "\*\+xml" \];/, 'types';
like $out, qr/precompressed = \[ "br", "zstd" \];/, 'codings';
like $out, qr{root = "\Q@{[$dir->path('www')]}\E"}, 'a root in full';

{
	my $path = $dir->write('bad.conf', "listeners = 5;\n");
	my ($exit, $text, $err) = holdfast('-c', $path, 'show');

	is $exit, 1, 'a wrong file is not shown';
	is $text, '', 'not even in part';
	like $err, qr/^\Q$path\E:1: /, 'but its errors are';
}

done_testing;
