# SPDX-License-Identifier: BSD-2-Clause
#
# `holdfast check`: every error of a file at once, with file and line.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $dir = Holdfast::Dir->new;

$dir->mkdir('www');
my $root = $dir->path('www');
my $file = $dir->write('file', '');
my $listener = 'listeners = ( { address = "127.0.0.1:8080"; } );';
my $site = 'sites = ( { routes = ( { path = "/"; handler = "static"; '
	. qq[root = "$root"; } ); } );];
my $echo = 'listeners = ( { address = "127.0.0.1:7007"; '
	. 'protocol = "echo"; } );';

sub check ($text, $name = 'a.conf') {
	my $path = $dir->write($name, $text);

	return ($path, holdfast('-c', $path, 'check'));
}

# A route in line 2 of a file that is right otherwise.
sub route ($route) {
	return "$listener\nsites = ( { routes = ( { $route } ); } );\n";
}

sub static ($settings) {
	return route(qq[path = "/"; handler = "static"; root = "$root"; $settings]);
}

# A setting in line 2.
sub setting ($setting) { return "$echo\n$setting\n" }

subtest 'a good file' => sub {
	my ($path, $exit, $out, $err) = check("$listener\n$site\n");

	is $exit, 0, 'exit status';
	is $out, "$path: ok\n", 'output';
	is $err, '', 'no error output';
	is_deeply [holdfast('-c', $path, '-t')], [0, $out, ''],
		'-t is the same';
};

subtest 'all errors of a file at once, in its order' => sub {
	my ($path, $exit, $out, $err) = check(<<"E");
workers = 1000;
wrokers = 2;
log = { level = "loud"; };
limits = { header = "16q"; headers = 0; };
timeouts = { body = "30 parsecs"; };
listeners = (
  { address = "127.0.0.1:8080"; },
  { address = "127.0.0.1:808080"; },
  { address = "127.0.0.1:8080"; protocol = "echo"; }
);
sites = (
  { routes = (
    { path = "/"; handler = "statik"; root = "$root"; },
    { path = "/x"; handler = "static"; root = "$root/missing"; }
  ); }
);
E
	is $exit, 1, 'exit status';
	is $out, '', 'no output';
	my @lines = split /\n/, $err;
	my $summary = pop @lines;
	my @at = map { /^\Q$path\E:(\d+): \S/ ? $1 : "not a message: $_" }
		@lines;

	is_deeply \@at, [1, 2, 3, 4, 4, 5, 8, 9, 13, 14],
		'a line for each, with its place' or diag $err;
	is $summary, "$path: 10 errors", 'how many';
	like $err, qr/wrokers.*did you mean "?workers"?/, 'an unknown name';
	like $err, qr/statik.*did you mean "?static"?/, 'an unknown handler';
	like $err, qr{\Q$root/missing\E}, 'the missing directory';
};

# [what it is, the file, line of the only error, what the message says]
my @wrong = (
	['no listeners at all', "$site\n", undef, qr/listeners/],
	['an empty list of listeners', "listeners = ();\n$site\n", 1,
		qr/listeners/],
	['http without sites', "\n$listener\n", undef,
		qr/http listeners need sites/],
	['a listener without an address',
		"$site\nlisteners = ( { protocol = \"http\"; } );\n", 2,
		qr/address/],
	['an unknown protocol',
		"$site\n" . $listener =~ s/; \}/; protocol = "htpt"; }/r, 2,
		qr/htpt.*did you mean "?http"?/],
	['an address that is none', "$site\n" .
		'listeners = ( { address = "localhost:x"; } );', 2,
		qr/address/],
	['a Unix path that is too long', "$site\n" .
		'listeners = ( { address = "unix:/' . 'x' x 120 . '"; } );', 2,
		qr/unix|Unix|path/],
	['a mode that is not octal', "$site\n" .
		'listeners = ( { address = "unix:/x"; mode = "0999"; } );', 2,
		qr/mode/],
	['a mode of a TCP listener', "$site\n" .
		'listeners = ( { address = "127.0.0.1:1"; mode = "0600"; } );',
		2, qr/mode/],
	['a backlog of nothing', "$site\n" .
		'listeners = ( { address = "127.0.0.1:1"; backlog = 0; } );',
		2, qr/backlog/],
	['listeners that are one number', "$site\nlisteners = 8080;\n", 2,
		qr/listeners/],
	['workers as a word', setting('workers = "two";'), 2,
		qr/workers/],
	['no workers', setting('workers = 0;'), 2, qr/workers/],
	['too many workers', setting('workers = 257;'), 2,
		qr/workers.*256/],
	['a group that is a string', setting('log = "stderr";'), 2, qr/log/],
	['an unknown name in a group',
		setting('log = { leval = "info"; };'), 2,
		qr/leval.*did you mean "?level"?/],
	['an unknown name like no other',
		setting('zzzzzzzzzzz = 1;'), 2, qr/zzzzzzzzzzz/],
	['an unknown log format', setting('log = { format = "xml"; };'), 2,
		qr/xml/],
	['a size below the minimum', setting('limits = { header = "1"; };'), 2,
		qr/limits\.header/],
	['a size above the maximum', setting('limits = { header = "2m"; };'), 2,
		qr/limits\.header/],
	['too many fields', setting('limits = { headers = 257; };'), 2,
		qr/limits\.headers/],
	['a size with a word', setting('limits = { body = "lots"; };'), 2,
		qr/limits\.body/],
	['a body that is too large', setting('limits = { body = "2t"; };'), 2,
		qr/limits\.body.*1t/],
	['the same on a route', route('path = "/"; handler = "respond"; '
		. 'body_limit = "1025g";'), 2, qr/body_limit.*1t/],
	['a temp that is not there', setting('temp = "/nowhere/temp";'), 2,
		qr/temp: .*No such file/],
	['a temp that is a file', setting('temp = "/dev/null";'), 2,
		qr/temp: .*ot a directory/],
	['a negative size', setting('limits = { body = -1; };'), 2,
		qr/limits\.body/],
	['a size beyond all numbers',
		setting('limits = { body = "99999999999999999999g"; };'), 2,
		qr/limits\.body/],
	['a duration that is a word',
		setting('timeouts = { drain = "soon"; };'), 2,
		qr/timeouts\.drain/],
	['a duration without a unit that is negative',
		setting('timeouts = { drain = "-1s"; };'), 2,
		qr/timeouts\.drain/],
	['a network that is none', route('path = "/"; handler = "respond"; '
		. 'allow = [ "127.0.0.1/8" ];'), 2,
		qr/routes\[0\]\.allow\[0\]: .*bits/],
	['a network allowed and denied', route('path = "/"; '
		. 'handler = "respond"; allow = [ "::1" ]; deny = [ "::1" ];'),
		2, qr/routes\[0\]\.deny: "::1" is both allowed and denied/],
	['a common setting where it is none',
		setting('limits = { allow = [ "all" ]; };'), 2,
		qr/"allow" belongs to sites\[\] and sites\[\]\.routes\[\]/],
	['a common setting that is misspelt', route('path = "/"; '
		. 'handler = "respond"; alow = [ "all" ];'), 2,
		qr/alow: .*did you mean "allow"/],
	['a pattern that is wrong',
		route('path = "^/(a"; match = "regex"; handler = "respond";'), 2,
		qr/path: at character 5 of the pattern: missing closing/],
	['a group that no pattern has', route('path = "/"; '
		. 'handler = "respond"; body = "${match.1}";'), 2,
		qr/body: "\$\{match\.1\}": only a route with match = "regex"/],
	['a group that its pattern has not', route('path = "^/(?<a>.)"; '
		. 'match = "regex"; handler = "redirect"; '
		. 'to = "/${match.a}${match.1}${match.2}";'), 2,
		qr/to: "\$\{match\.2\}": the pattern has no such group/],
	['a name that its pattern has not', route('path = "^/(?<a>.)"; '
		. 'match = "regex"; handler = "respond"; '
		. 'body = "${match.b:-x}";'), 2,
		qr/"\$\{match\.b\}": the pattern has no such group/],
	['the same pattern twice', route('path = "^/a"; match = "regex"; '
		. 'handler = "ready"; }, { path = "^/a"; match = "regex"; '
		. 'handler = "ready";'), 2, qr/same path and match/],
	['a rewrite to no path',
		route('path = "/"; handler = "rewrite"; to = "x/";'), 2,
		qr/to: a path begins with "\/"/],
	['a rewrite by the body', route('path = "/"; handler = "rewrite"; '
		. 'to = "/${form.a}";'), 2, qr/to: .*body is not read/],
	['a rewrite with common settings', route('path = "/"; '
		. 'handler = "rewrite"; to = "/x"; allow = [ "all" ];'), 2,
		qr/has no common settings/],
	['a field that is no list of addresses',
		setting('real_ip = { field = "forwarded"; };'), 2,
		qr/real_ip\.field: Forwarded is not/],
	['a field that is none',
		setting('real_ip = { field = "X Y"; };'), 2,
		qr/real_ip\.field: is not the name of a field/],
	(map { ["a field that is for the server: $_", route('path = "/"; '
		. qq(handler = "ready"; response_fields = [ "$_: 1" ];)), 2,
		qr/response_fields\[0\]: .*(server only|of requests)/] }
		qw(Connection content-length Transfer-Encoding Date Host
		Content-Range Trailer Upgrade Keep-Alive)),
	(map { ["a field of requests that is for the server: $_",
		route('path = "/"; handler = "ready"; '
		. qq(request_fields = [ "X: 1", "$_: 1" ];)), 2,
		qr/request_fields\[1\]: .*server only/] }
		qw(Connection Content-Length Transfer-Encoding Expect TE)),
	['a second Host', route('path = "/"; handler = "ready"; '
		. 'request_fields = [ "+Host: x" ];'), 2, qr/always has one Host/],
	['no Host', route('path = "/"; handler = "ready"; '
		. 'request_fields = [ "-Host" ];'), 2, qr/always has one Host/],
	['a field without a value', route('path = "/"; handler = "ready"; '
		. 'response_fields = [ "X-A:" ];'), 2, qr/has no value/],
	['a field without a colon', route('path = "/"; handler = "ready"; '
		. 'response_fields = [ "X-A" ];'), 2, qr/has no value/],
	['a field that is removed with a value', route('path = "/"; '
		. 'handler = "ready"; response_fields = [ "-X: 1" ];'), 2,
		qr/"-Name" takes no value/],
	['a field that is no token', route('path = "/"; handler = "ready"; '
		. 'response_fields = [ "X A: 1" ];'), 2,
		qr/"X A" is not the name of a field/],
	['a field with a line break', route('path = "/"; handler = "ready"; '
		. 'response_fields = [ "X: 1\\r\\nY: 2" ];'), 2,
		qr/control characters/],
	['a field twice', route('path = "/"; handler = "ready"; '
		. 'response_fields = [ "X: 1", "x: 2" ];'), 2,
		qr/response_fields\[1\]: x is there already/],
	['a field from the body', route('path = "/"; handler = "ready"; '
		. 'response_fields = [ "X: ${form.x}" ];'), 2,
		qr/may not have been read/],
	['a field with a group of no pattern', route('path = "/"; '
		. 'handler = "ready"; response_fields = [ "X: ${match.1}" ];'),
		2, qr/only a route with match/],
	['a field of a site with a group', "$listener\n" . 'sites = ( { '
		. 'response_fields = [ "X: ${match.1}" ]; routes = ( ); } );',
		2, qr/sites\[0\]\.response_fields: .*only a route with match/],
	['an error page that is missing', route('path = "/"; '
		. 'handler = "ready";' . "\n" . 'error_pages = [ "404 none.html" ];'),
		3, qr{error_pages\[0\]: /.*/none\.html: No such file}],
	['an error page that is a directory', route('path = "/"; '
		. 'handler = "ready"; error_pages = [ "404 www" ];'), 2,
		qr{www: Is a directory}],
	['an error page for what is no error', route('path = "/"; '
		. 'handler = "ready"; error_pages = [ "301 file" ];'), 2,
		qr{from 400 to 599}],
	['an error page for statuses back to front', route('path = "/"; '
		. 'handler = "ready"; error_pages = [ "504-500 file" ];'), 2,
		qr{from 400 to 599}],
	['an error page without a file', route('path = "/"; '
		. 'handler = "ready"; error_pages = [ "404" ];'), 2,
		qr{the path of a file is missing}],
	['two error pages for a status', route('path = "/"; '
		. 'handler = "ready"; error_pages = [ "500-504 file", '
		. '"404,502 file" ];'), 2, qr{duplicate page for 502}],
	(map { ["a rate that is none: $_",
		route(qq(path = "/"; handler = "ready"; rate = "$_";)), 2,
		qr/routes\[0\]\.rate: (a rate is|the number of a rate)/] }
		'10', '10/', '/s', '10/x', '0/s', '-1/s', '1.5/s', '1000001/s',
		'10/ss', 'of'),
	['a rate by the body', route('path = "/"; handler = "ready"; '
		. 'rate_key = "${form.x}";'), 2, qr/rate_key: .*not read yet/],
	['a rate by the user', route('path = "/"; handler = "ready"; '
		. 'concurrent_key = "${user}";'), 2,
		qr/concurrent_key: .*password is not checked yet/],
	['too large a burst', route('path = "/"; handler = "ready"; '
		. 'rate_burst = 10001;'), 2, qr/rate_burst: .*10000/],
	['a route without a handler', route('path = "/";'), 2, qr/handler/],
	['a route without a path', route('handler = "respond";'), 2,
		qr/path/],
	['a path without a slash',
		route('path = "x"; handler = "respond";'), 2, qr/path/],
	['static without a root', route('path = "/"; handler = "static";'), 2,
		qr/root/],
	['a root that is a file',
		route(qq(path = "/"; handler = "static"; root = "$file";)), 2,
		qr/root/],
	['a setting of another handler',
		route('path = "/"; handler = "respond"; root = "/";'), 2,
		qr/root/],
	['symlinks of an unknown kind',
		route(qq(path = "/"; handler = "static"; root = "$root"; )
			. 'symlinks = "maybe";'), 2, qr/symlinks|maybe/],
	['an unknown match',
		route('path = "/"; handler = "respond"; match = "exakt";'), 2,
		qr/exakt.*did you mean "?exact"?/],
	['an unknown method',
		route('path = "/"; handler = "respond"; methods = ["GTE"];'),
		2, qr/GTE/],
	['a status out of range',
		route('path = "/"; handler = "respond"; status = 600;'), 2,
		qr/status/],
	['a 204 with a body',
		route('path = "/"; handler = "respond"; status = 204; '
			. 'body = "x";'), 2, qr/204|body/],
	['a redirect that is none',
		route('path = "/"; handler = "redirect"; to = "/y"; '
			. 'status = 200;'), 2, qr/status/],
	['a redirect to nowhere',
		route('path = "/"; handler = "redirect";'), 2, qr/\bto\b/],
	['a redirect to an empty place',
		route('path = "/"; handler = "redirect"; to = "";'), 2,
		qr/\bto\b/],
	['an unknown variable',
		route('path = "/"; handler = "respond"; body = "${pth}";'), 2,
		qr/pth.*did you mean "?(?:\$\{)?path/],
	['a variable that does not end',
		route('path = "/"; handler = "respond"; body = "${path";'), 2,
		qr/\}/],
	['a variable without a name',
		route('path = "/"; handler = "respond"; body = "${form.}";'),
		2, qr/body/],
	['a missing file of types', setting('mime_types = "none.types";'), 2,
		qr/none\.types/],
	['two routes for one path', <<"E", 4, qr{/a}],
$listener
sites = ( { routes = (
  { path = "/a"; handler = "respond"; },
  { path = "/a"; handler = "respond"; } ); } );
E
	['two routes for one path and one method', <<"E", 4, qr{/a}],
$listener
sites = ( { routes = (
  { path = "/a"; handler = "respond"; methods = [ "GET" ]; },
  { path = "/a"; handler = "respond"; methods = [ "POST", "GET" ]; } ); } );
E
	['one host in two sites', <<"E", 4, qr/\ba\b/i],
$listener
sites = (
  { hosts = [ "a" ]; routes = ( { path = "/"; handler = "respond"; } ); },
  { hosts = [ "b", "A" ]; routes = ( { path = "/"; handler = "respond"; } ); }
);
E
	['broken syntax', "$listener\n$site\nworkers = = 2;\n", 3,
		qr/syntax/],
	['a string that does not end', "$listener\n\nuser = \"x\n", undef,
		qr/./],
	['one listener twice', <<"E", 4, qr/127\.0\.0\.1:80/],
$site
listeners = (
  { address = "127.0.0.1:80"; },
  { address = "127.0.0.1:0080"; } );
E
	['listing is no boolean', static('listing = "yes";'), 2,
		'listing: expected true or false, found a string'],
	['a status in the middle of try',
		static('try = [ "=404", "${rest}" ];'), 2,
		'try\[1\]: nothing comes after a status'],
	['a status of try that is none', static('try = [ "=200" ];'), 2,
		'try\[0\]: after "=" there is a status from 400 to 599'],
	['try by a variable that is not there',
		static('try = [ "${rset}" ];'), 2, 'try\[0\]: .*\$\{rest\}'],
	['try by a form', static('try = [ "${form.x}" ];'), 2,
		'try\[0\]: .*cannot be used here: files are found'],
	['an unknown coding', static('precompressed = [ "deflate" ];'), 2,
		'precompressed\[0\]: must be "zstd", "br" or "gzip"'],
	['a coding twice', static('precompressed = [ "br", "br" ];'), 2,
		'precompressed\[1\]: duplicate "br"'],
	['a charset that is none', static('charset = "utf 8";'), 2,
		'charset: must be letters'],
	['a line feed in cache_control',
		static('cache_control = "a\\nb";'), 2,
		'cache_control: must not hold control characters'],
	['an expires that never ends', static('expires = "9999h";'), 2,
		'expires: .*8784h'],
	['a compressed type that is none',
		static('compress_types = [ "text" ];'), 2,
		'compress_types\\[0\\]: is written as'],
	['every type compressed', static('compress_types = [ "*/*" ];'), 2,
		'compress_types\\[0\\]: is written as'],
	['an unknown coding of compress', static('compress = [ "lzw" ];'), 2,
		'compress\\[0\\]: must be "zstd", "br" or "gzip"'],
	['a setting of static elsewhere',
		route('path = "/"; handler = "respond"; listing = true;'), 2,
		'"listing" belongs to handler static'],
);

for my $case (@wrong) {
	my ($name, $text, $line, $says) = @$case;

	subtest $name => sub {
		my ($path, $exit, $out, $err) = check($text);

		is $exit, 1, 'exit status';
		is $out, '', 'no output';
		my $place = defined $line ? ":$line" : '(?::\d+)?';

		like $err, qr/\A\Q$path\E$place: .*$says/, 'the message';
		like $err, qr/\A.*\n\Q$path\E: 1 errors?\n\z/,
			'and nothing else';
	};
}

subtest 'what is right' => sub {
	for my $text (
		route('path = "/"; handler = "respond"; methods = ["GET"];'),
		<<"E",
$listener
sites = ( { routes = (
  { path = "/a"; handler = "respond"; methods = [ "GET" ]; },
  { path = "/a"; handler = "respond"; methods = [ "POST" ]; },
  { path = "/a"; match = "exact"; handler = "respond"; } ); } );
E
		setting('limits = { header = "4k"; body = 0; };'),
		setting('timeouts = { header = "300ms"; body = "1m"; '
			. 'keepalive = "1h"; };'),
		setting('workers = "auto";'),
		'listeners = ( { address = "[::1]:7"; protocol = "echo"; },'
		. '{ address = "*:8"; protocol = "echo"; },'
		. '{ address = "9"; protocol = "echo"; },'
		. '{ address = "unix:/tmp/holdfast-none"; protocol = "echo"; '
		. 'mode = "0660"; } );',
		route('path = "/"; handler = "respond"; body = '
			. '"$$ $x ${query.a:-b} ${header.User-Agent}";'),
		route('path = "/"; handler = "redirect"; to = "/x"; '
			. 'status = 308;'),
		route('path = "/"; handler = "respond"; status = 204;'),
	) {
		my ($path, $exit, $out, $err) = check($text);

		is $exit, 0, $text =~ s/\n/ /gr or diag $err;
	}
};

subtest 'an error in an included file names that file' => sub {
	my $included = $dir->write('parts/sites.conf',
		"# sites\nsites = ( { routes = (\n"
		. " { path = \"/\"; handler = \"nobody\"; } ); } );\n");
	my ($path, $exit, $out, $err) = check("$listener\n"
		. "\@include \"$included\"\nworkerz = 1;\n");

	is $exit, 1, 'exit status';
	like $err, qr/^\Q$included\E:3: .*nobody/m, 'of the included file';
	like $err, qr/^\Q$path\E:3: .*workerz/m,
		'and the including one keeps its lines';

	$dir->write('parts/broken.conf', "a = ;\n");
	($path, $exit, $out, $err) = check("\n"
		. "\@include \"parts/broken.conf\"\n");
	is $exit, 1, 'exit status with broken syntax';
	like $err, qr{^\S*parts/broken\.conf:1: }m, 'names it too';

	($path, $exit, $out, $err) = check("\n\@include \"gone.conf\"\n");
	is $exit, 1, 'a file to include that is not there';
	like $err, qr/gone\.conf|include/, 'is named';
};

subtest 'relative paths are relative to the file' => sub {
	my ($path, $exit, $out, $err) = check(
		route('path = "/"; handler = "static"; root = "www";'));

	is $exit, 0, 'found' or diag $err;
	($path, $exit, $out, $err) = check(
		route('path = "/"; handler = "static"; root = "www";'),
		'parts/other.conf');
	is $exit, 1, 'not found from another directory';
};

subtest 'owners and groups' => sub {
	my $unix = "$site\nlisteners = ( { address = \"unix:/x\"; %s } );\n";
	my ($path, $exit, $out, $err) = check(sprintf $unix,
		'owner = "12345"; group = "root";');

	is $exit, 0, 'a number, and a name' or diag $err;
	for my $kind (['owner', 'user'], ['group', 'group']) {
		my ($setting, $name) = $kind->@*;

		($path, $exit, $out, $err) = check(sprintf $unix,
			"$setting = \"no-such-name-here\";");
		is $exit, 1, "$setting: there is none of that name";
		like $err, qr/^\Q$path\E:2: $setting: there is no $name "no-such-name-here"$/m,
			'which is said';
	}
	($path, $exit, $out, $err) = check(
		setting('control = { path = "/x"; group = "no-such-name-here"; };'));
	is $exit, 1, 'the same of the control socket';
	like $err, qr/group: there is no group "no-such-name-here"$/m, 'is said';
};

subtest 'a file that cannot be read' => sub {
	my ($exit, $out, $err) = holdfast('-c', $dir->path('none'), 'check');

	is $exit, 1, 'exit status';
	like $err, qr{^\Q@{[$dir->path('none')]}\E: .*No such file}m,
		'says why';
	($exit, $out, $err) = holdfast('-c', $dir->path, 'check');
	is $exit, 1, 'a directory';
	like $err, qr/directory/i, 'says so';
};

subtest 'run refuses what check refuses' => sub {
	my ($path, $exit, $out, $err) = check("listeners = 1;\nworkerz = 2;\n");
	my ($run_exit, $run_out, $run_err) = holdfast('-c', $path, 'run');

	is $run_exit, 1, 'exit status';
	like $run_err, qr/^\Q$path\E:1: .*\n\Q$path\E:2: .*workerz/m,
		'with the same errors';
};

done_testing;
