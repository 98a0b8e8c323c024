# SPDX-License-Identifier: BSD-2-Clause
#
# Every error that the server decides on has one line in its log, which alone
# tells whose request it was, for what, and why it failed: the client, the
# request's id, host and target, the route, and what was tried. As text and as
# JSON, with the same fields.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Holdfast;
use Holdfast::Backend;

my $server = Holdfast::Backend->new(sub ($request, $socket) {
	print {$socket} "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
		if $request->{target} eq '/own';
	print {$socket} "SSH-2.0\r\n" if $request->{target} eq '/garbage';
	return 0 if $request->{target} eq '/garbage';
	1 while sysread $socket, my $end, 1;
	return 0;
});
# Nobody listens there any more.
my $gone = Holdfast::Backend->new(sub { 0 });
$gone->stop;

my $conf = <<"E";
workers = 1;
log = { error = "%%DIR%%/error.log"; error_format = "FORMAT"; };
temp = "%%DIR%%/temp";
limits = { line = "1k"; header = "2k"; headers = 8; body = "4k";
  body_memory = "1k"; form_fields = 2; };
timeouts = { header = "400ms"; body = "400ms"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "gone"; servers = ( { address = "$gone->{address}"; } ); },
  { name = "silent"; retries = 0;
    servers = ( { address = "$server->{address}"; } );
    timeouts = { first_byte = "200ms"; }; },
  { name = "own"; retries = 0;
    servers = ( { address = "$server->{address}"; } ); }
);
sites = (
  { hosts = [ "a.test" ]; routes = (
    { path = "/files/"; handler = "static"; root = "www"; },
    { path = "/list/"; handler = "static"; root = "www"; listing = true; },
    { path = "/try/"; handler = "static"; root = "www";
      try = [ "a/\${path}", "b", "=410" ]; },
    { path = "/form"; handler = "respond"; body = "\${form.a}"; },
    { path = "/get"; handler = "respond"; body = "x"; methods = [ "GET" ]; },
    { path = "/down"; handler = "respond"; status = 503; body = "x"; },
    { path = "/deny"; handler = "respond"; body = "x";
      deny = [ "127.0.0.0/8" ]; },
    { path = "/loop"; handler = "rewrite"; to = "/loop"; },
    { path = "/up/"; handler = "rewrite"; to = "/x\${path}/../../../.."; },
    { path = "^/hard/(a|aa)+\$"; match = "regex"; handler = "respond";
      body = "x"; },
    { path = "/gone"; handler = "proxy"; upstream = "gone"; },
    { path = "/silent"; handler = "proxy"; upstream = "silent"; },
    { path = "/garbage"; handler = "proxy"; upstream = "silent"; },
    { path = "/own"; handler = "proxy"; upstream = "own"; errors = "own"; },
    { path = "/rate"; handler = "respond"; body = "x"; rate = "1/h"; }
  ); },
  { hosts = [ "in.test" ]; allow = [ "192.0.2.0/24" ]; routes = (
    { path = "/"; handler = "respond"; body = "x"; } ); },
  { hosts = [ "out.test" ]; deny = [ "all" ]; routes = (
    { path = "/"; handler = "respond"; body = "x"; } ); },
  { hosts = [ "auth.test" ]; auth_file = "users"; routes = (
    { path = "/"; handler = "respond"; body = "x"; },
    { path = "/nobody"; handler = "respond"; body = "x";
      auth_file = "nobody"; } ); }
);
E
my $a = "Host: a.test\r\n";

sub get ($path, @fields) {
	return "GET $path HTTP/1.1\r\n$a" . join('', map { "$_\r\n" } @fields) . "\r\n";
}

sub post ($path, $body, @fields) {
	return "POST $path HTTP/1.1\r\n$a"
		. join('', map { "$_\r\n" } @fields,
			'Content-Length: ' . length $body)
		. "\r\n$body";
}

sub chunks ($path, $chunks) {
	return "POST $path HTTP/1.1\r\n${a}Transfer-Encoding: chunked\r\n\r\n$chunks";
}

sub auth ($path, $text = undef) {
	return "GET $path HTTP/1.1\r\nHost: auth.test\r\n"
		. (defined $text ? 'Authorization: Basic '
			. encode_base64($text, '') . "\r\n" : '') . "\r\n";
}

my $form = 'Content-Type: application/x-www-form-urlencoded';

# [what it is, what is sent, status, level, kind, reason, route, what else the
# line has: the host and the target, or what was sent]
my @cases = (
	['no request', "HELLO\r\n\r\n", 400, 'info', 'malformed',
		qr/\w/, undef, 'HELLO'],
	['another protocol', "\x16\x03\x01\x02\x00\r\n\r\n", 400, 'info',
		'malformed', qr/the method is not a token/, undef,
		"\x16\x03\x01\x02\x00"],
	['no Host', "GET /h HTTP/1.1\r\n\r\n", 400, 'info', 'malformed',
		qr/Host/, undef, 'GET /h HTTP/1.1'],
	['a Host that is none', "GET /h HTTP/1.1\r\nHost: \@\r\n\r\n", 400, 'info',
		'malformed', qr/the Host is not valid/, undef, 'GET /h HTTP/1.1'],
	['a control character', "GET /\x1b[2J HTTP/1.1\r\n$a\r\n", 400, 'info',
		'malformed', qr/a character that no target has/, undef,
		"GET /\x1b[2J HTTP/1.1"],
	['a path that leads up', get('/files/../../x'), 400, 'info', 'malformed',
		qr/a path that must not be resolved/, undef,
		'a.test', '/files/../../x'],
	['half an escape', get('/%c3%zz'), 400, 'info', 'malformed',
		qr/a path that must not be resolved/, undef, 'a.test', '/%c3%zz'],
	['two lengths', get('/', 'Content-Length: 1', 'Content-Length: 2'), 400,
		'info', 'malformed', qr/Content-Length/, undef,
		'GET / HTTP/1.1'],
	['an unknown method', "BREW /pot HTTP/1.1\r\n$a\r\n", 501, 'info',
		'malformed', qr/a method that is not known/, undef,
		'a.test', '/pot'],
	['https on a plain connection', "GET https://a.test/s HTTP/1.1\r\n$a\r\n",
		421, 'info', 'malformed', qr/without TLS/, undef,
		'a.test', 'https://a.test/s'],
	['another version', "GET / HTTP/7.0\r\n$a\r\n", 505, 'info', 'malformed',
		qr/\w/, undef, 'GET / HTTP/7.0'],
	['a long line', get('/' . 'x' x 2000), 414, 'info', 'too_large',
		qr/line/, undef, 'GET /' . 'x' x 251 . '...'],
	['a long head', get('/', 'X: ' . 'x' x 3000), 431, 'info', 'too_large',
		qr/head/, undef, 'GET / HTTP/1.1'],
	['many fields', get('/', map { "X-$_: x" } 1 .. 20), 431, 'info',
		'too_large', qr/fields/, undef, 'GET / HTTP/1.1'],
	['a slow head', "GET /slow HTTP/1.1\r\n$a", 408, 'info', 'slow',
		qr/the head took over timeouts\.header/, undef,
		'GET /slow HTTP/1.1'],
	['a slow body', "POST /form HTTP/1.1\r\n${a}Content-Length: 9\r\n\r\nx", 408,
		'info', 'slow', qr/timeouts\.body|limits\.rate/, 'sites[0].routes[3]',
		'a.test', '/form'],
	['a long body', post('/form', 'x' x 5000), 413, 'info', 'too_large',
		qr/Content-Length is over the limit/, 'sites[0].routes[3]',
		'a.test', '/form'],
	['long chunks', chunks('/form', "1388\r\n" . 'x' x 5000), 413, 'info',
		'too_large', qr/the body is over the limit/, 'sites[0].routes[3]',
		'a.test', '/form'],
	['wrong chunks', chunks('/form', "x\r\n"), 400, 'info', 'malformed',
		qr/the body is not in chunked coding/, 'sites[0].routes[3]',
		'a.test', '/form'],
	['a form without a boundary',
		post('/form', 'x', 'Content-Type: multipart/form-data'), 400,
		'info', 'malformed', qr/no boundary is given/,
		'sites[0].routes[3]', 'a.test', '/form'],
	['a form in a coding', post('/form', 'x', $form, 'Content-Encoding: br'),
		415, 'info', 'malformed', qr/a form in a content coding/,
		'sites[0].routes[3]', 'a.test', '/form'],
	['a form of many fields', post('/form', 'a&b&c', $form), 413, 'info',
		'too_large', qr/more than limits\.form_fields/,
		'sites[0].routes[3]', 'a.test', '/form'],
	['a body that cannot be kept', post('/form', 'x' x 2000), 503, 'error',
		'system', qr/cannot keep the body in DIR\/temp: No such file/,
		'sites[0].routes[3]', 'a.test', '/form'],
	['no route', get('/nowhere?q=1'), 404, 'info', 'missing',
		qr/no route for "\/nowhere"/, undef, 'a.test', '/nowhere?q=1'],
	['a method that the route does not take', post('/get', ''), 405, 'info',
		'missing', qr/sites\[0\]\.routes\[4\] does not take the method/,
		undef, 'a.test', '/get'],
	['no file', get('/files/none'), 404, 'info', 'missing',
		qr/open DIR\/www\/none: No such file or directory/,
		'sites[0].routes[0]', 'a.test', '/files/none'],
	['a name that forges', get('/files/%22,%20client:%20x%ff'), 404, 'info',
		'missing', qr/open "DIR\/www\/\\x22, client: x\\xff": No such file/,
		'sites[0].routes[0]', 'a.test', '/files/%22,%20client:%20x%ff'],
	['below a file', get('/files/a.txt/b'), 404, 'info', 'missing',
		qr/open DIR\/www\/a\.txt\/b: Not a directory/,
		'sites[0].routes[0]', 'a.test', '/files/a.txt/b'],
	['a link that leads out', get('/files/link'), 404, 'info', 'missing',
		qr/open DIR\/www\/link: a symbolic link that "symlinks" does not/,
		'sites[0].routes[0]', 'a.test', '/files/link'],
	['a pipe', get('/files/pipe'), 404, 'info', 'missing',
		qr/open DIR\/www\/pipe: neither a regular file nor/,
		'sites[0].routes[0]', 'a.test', '/files/pipe'],
	['a file that may not be read', get('/files/closed'), 403, 'warn',
		'permission', qr/open DIR\/www\/closed: Permission denied/,
		'sites[0].routes[0]', 'a.test', '/files/closed'],
	['no index', get('/files/empty/'), 403, 'info', 'denied',
		qr/DIR\/www\/empty\/: a directory without an index file/,
		'sites[0].routes[0]', 'a.test', '/files/empty/'],
	['no listing', get('/list/shut/'), 403, 'warn', 'permission',
		qr/(?:list|open) DIR\/www\/shut\/\S*: Permission denied/,
		'sites[0].routes[1]', 'a.test', '/list/shut/'],
	['nothing to try', get('/try/x'), 410, 'info', 'missing',
		qr/nothing of "try" is there, the last: open DIR\/www\/b: No such/,
		'sites[0].routes[2]', 'a.test', '/try/x'],
	['a condition', get('/files/a.txt', 'If-Match: "x"'), 412, 'info',
		'condition', qr/If-Match or If-Unmodified-Since does not hold/,
		'sites[0].routes[0]', 'a.test', '/files/a.txt'],
	['a range', get('/files/a.txt', 'Range: bytes=9-'), 416, 'info',
		'condition', qr/no such range in 3 bytes/,
		'sites[0].routes[0]', 'a.test', '/files/a.txt'],
	['a denied route', get('/deny'), 403, 'info', 'denied',
		qr/denied by sites\[0\]\.routes\[6\]\.deny, 127\.0\.0\.0\/8/,
		'sites[0].routes[6]', 'a.test', '/deny'],
	['a denied site', "GET /d HTTP/1.1\r\nHost: out.test\r\n\r\n", 403, 'info',
		'denied', qr/denied by sites\[2\]\.deny, all/, 'sites[2].routes[0]',
		'out.test', '/d'],
	['a site for others', "GET /d HTTP/1.1\r\nHost: in.test\r\n\r\n", 403, 'info',
		'denied', qr/not in sites\[1\]\.allow/, 'sites[1].routes[0]',
		'in.test', '/d'],
	['no password', auth('/p'), 401, 'info', 'login',
		qr/no name and password were sent/, 'sites[3].routes[0]',
		'auth.test', '/p'],
	['a password that is none', auth('/p', 'alice'), 401, 'info', 'login',
		qr/Authorization has no name and password/, 'sites[3].routes[0]',
		'auth.test', '/p'],
	['a wrong password', auth('/p', 'alice:wrong'), 401, 'info', 'login',
		qr/user "alice": wrong password/, 'sites[3].routes[0]',
		'auth.test', '/p'],
	['a name that nobody has', auth('/p', 'b"o\\b:x'), 401, 'info', 'login',
		qr/user "b\\x22o\\x5cb": not in DIR\/users/, 'sites[3].routes[0]',
		'auth.test', '/p'],
	['no users', auth('/nobody', 'alice:right'), 401, 'info', 'login',
		qr/there are no users in DIR\/nobody/, 'sites[3].routes[1]',
		'auth.test', '/nobody'],
	['over a rate', get('/rate') x 2, 429, 'info', 'limited',
		qr/over sites\[0\]\.routes\[14\]\.rate, 1 in 3600 s/,
		'sites[0].routes[14]', 'a.test', '/rate'],
	['a configured error', get('/down'), 503, 'info', 'configured',
		qr/it is the status of the route/, 'sites[0].routes[5]',
		'a.test', '/down'],
	['a loop', get('/loop'), 500, 'warn', 'settings',
		qr/sites\[0\]\.routes\[7\]: the request was rewritten too often/,
		'sites[0].routes[7]', 'a.test', '/loop'],
	['a rewrite that leads up', get('/up/'), 400, 'info', 'malformed',
		qr/rewritten to a path that must not be resolved, "\/x\/up\//,
		'sites[0].routes[8]', 'a.test', '/up/'],
	['a pattern that is too hard', get('/hard/' . 'a' x 600 . '!'), 500, 'warn',
		'settings', qr/sites\[0\]\.routes\[9\]: .* too much work/, undef,
		'a.test', '/hard/' . 'a' x 250],
	['a server that is gone', get('/gone'), 502, 'warn', 'upstream',
		qr/upstream gone, server [\d.:]+: connect: Connection refused/,
		'sites[0].routes[10]', 'a.test', '/gone'],
	['a server that is silent', get('/silent'), 504, 'warn', 'upstream',
		qr/upstream silent, server [\d.:]+: response: timed out/,
		'sites[0].routes[11]', 'a.test', '/silent'],
	['a server that talks nonsense', get('/garbage'), 502, 'warn', 'upstream',
		qr/upstream silent, server [\d.:]+: response: it does not begin/,
		'sites[0].routes[12]', 'a.test', '/garbage'],
	['an error of a server', get('/own'), 500, 'info', 'configured',
		qr/upstream own, server [\d.:]+: it answered so, and errors = "own"/,
		'sites[0].routes[13]', 'a.test', '/own'],
);
cmp_ok scalar @cases, '>=', 40, 'forty ways to fail';

# As base/quote.h escapes.
sub quoted ($text) {
	return $text =~ s/([^ -~]|["\\])/sprintf '\\x%02x', ord $1/ger;
}

# The line as a hash, whichever format it is in; undef when it is not one of a
# failure.
sub fields ($raw) {
	if ($raw =~ /^\{/) {
		my $row = JSON::PP->new->utf8->decode($raw);

		return undef unless $row->{client};
		$row->{request} = quoted(defined $row->{target}
			? "$row->{method} $row->{target}" : $row->{sent} // '');
		return $row;
	}
	my ($level, $text, $kind, $client, $id, $rest) = $raw =~
		/^\S+ (\w+) worker \d+\[\d+\]: (.*), kind: (\w+), client: (\S+), request_id: (\w+)(.*)$/
		or return undef;
	my ($route) = $rest =~ s/^, route: (\S+?)(?=,|$)// ? $1 : undef;
	my ($request) = $rest =~ s/^, request: "([^"]*)"// ? $1 : undef;
	my ($host) = $rest =~ s/^, host: "([^"]*)"// ? $1 : undef;

	return { level => $level, text => $text, kind => $kind, client => $client,
		request_id => $id, route => $route, host => $host,
		request => $request, rest => $rest };
}

for my $format ('text', 'json') {
	my $s = Holdfast->start(conf => $conf =~ s/FORMAT/$format/r, unready => 1,
		files => {
			'www/a.txt' => "abc", 'www/empty/x' => '', nobody => '',
			'www/closed' => 'x',
			users => 'alice:' . crypt('right', '$1$saltsalt$') . "\n",
		},
		prepare => sub ($dir) {
			$dir->mkdir('temp');
			$dir->mkdir('www/shut');
			chmod 01777, $dir->path('temp');
			chmod 0, $dir->path('www/closed'), $dir->path('www/shut');
			symlink '/etc/passwd', $dir->path('www/link');
			POSIX::mkfifo($dir->path('www/pipe'), 0644);
		});

	$s->also_log('error.log');
	$s->wait_ready;
	$s->allow_log(qr/kind: |"kind":/, qr/not asked for/);
	rmdir $s->path('temp') or die $!;

	for my $case (@cases) {
		my ($what, $sent, $status, $level, $kind, $reason, $route, @rest) =
			@$case;
		my $c = $s->client;
		my $name = "$format, $what";
		my $dir = $s->dir->path;
		my $port = $c->local_port;
		my @found;

		$c->send($sent);
		$c->response if $sent =~ /^GET \/rate/;
		is $c->response->status, $status, "$name: its status";
		wait_until {
			@found = grep { $_ && $_->{client} =~ /:$port$/ }
				map { fields($_->{raw}) } $s->log_lines;
			scalar @found
		} "$name: its line";
		my $row = $found[0];
		my ($host, $target) = @rest > 1 ? @rest : (undef, undef);
		my $request = quoted($target ? ($sent =~ /^(\w+)/)[0] . ' ' . $target
			: $rest[0] =~ s/\.\.\.$//r);

		is scalar @found, 1, "$name: one line";
		is $row->{client}, "127.0.0.1:$port", "$name: client";
		is $row->{level}, $level, "$name: level";
		is $row->{kind}, $kind, "$name: kind";
		like $row->{text} =~ s/\Q$dir\E/DIR/gr,
			qr/^answered with $status: .*$reason/, "$name: reason";
		like $row->{request_id}, qr/^[0-9a-f]{32}$/, "$name: request id";
		is $row->{route}, $route, "$name: route";
		is $row->{host}, $host, "$name: host";
		like $row->{request}, qr/^\Q$request\E/, "$name: what was sent";
		is $row->{status}, $status, "$name: the status as a number"
			if $format eq 'json';
		is $row->{rest}, '', "$name: nothing else" if $format eq 'text';
		$c->close;
	}
	chmod 0755, $s->path('www/shut');
	$s->finish;
}

# One kind cannot crowd out another, and what is left out is counted.
subtest 'many at once' => sub {
	my $s = Holdfast->start(conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/in"; handler = "respond"; body = "x"; deny = [ "all" ]; } ); } );
E
	my $c = $s->client;

	$c->get('/none') for 1 .. 200;
	is $c->get('/in')->status, 403, 'one of another kind';
	$s->wait_log(qr/answered with 403: denied by/);
	wait_until {
		my $more = 0;

		$more += $_->{text} =~ /^(\d+) more lines about what is not there/
			? $1 : 0 for $s->log_lines;
		$more + $s->logged(qr/answered with 404/) == 200
	} 'the number of those that were left out';
	cmp_ok scalar($s->logged(qr/answered with 404/)), '<', 150, 'some were';
	$s->finish;
};

done_testing;
