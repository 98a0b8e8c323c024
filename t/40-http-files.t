# SPDX-License-Identifier: BSD-2-Clause
#
# Files over HTTP: what is sent for a file, a directory, and what is neither.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use Holdfast;

my $all_bytes = join '', map { chr } 0 .. 255;
my $s = Holdfast->start(files => {
	'www/index.html' => "<h1>home</h1>\n",
	'www/a.txt' => "the file a\n",
	'www/bytes.bin' => $all_bytes x 100,
	'www/empty.css' => '',
	'www/UPPER.HTML' => "<p>upper\n",
	'www/noext' => "x\n",
	'www/.hidden' => "hidden\n",
	'www/a.b.tar' => 'tar',
	'www/weird.zzz' => 'zzz',
	'www/with space.txt' => "space\n",
	'www/per%cent.txt' => "percent\n",
	'www/ques?tion.txt' => "question\n",
	"www/\xc3\xa9t\xc3\xa9.txt" => "summer\n",
	'www/dir/index.html' => "<h1>dir</h1>\n",
	'www/bare/file' => "in bare\n",
	'www/alt/home.htm' => "<h1>alt</h1>\n",
	'www/sub dir/index.html' => "<h1>sub</h1>\n",
	'doc/x.txt' => "of doc\n",
	'doc/deep/er/y.txt' => "deeper\n",
}, prepare => sub ($dir) {
	POSIX::mkfifo($dir->path('www/fifo'), 0666);
	$dir->write('www/secret', 'no', 0000);
	utime 784111777, 784111777, $dir->path('www/a.txt');
}, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/doc/"; handler = "static"; root = "%%DIR%%/doc"; },
  { path = "/alt/"; handler = "static"; root = "%%DIR%%/www/alt";
    index = [ "none.html", "home.htm" ]; },
  { path = "/a.txt/only"; match = "exact"; handler = "respond"; body = "r"; }
); } );
E
my $c = $s->client;

subtest 'a file' => sub {
	my $r = $c->get('/a.txt');

	is $r->status, 200, 'status';
	is $r->reason, 'OK', 'reason';
	is $r->version, '1.1', 'version';
	is $r->body, "the file a\n", 'content';
	is $r->field('content-length'), 11, 'Content-Length';
	is $r->field('content-type'), 'text/plain', 'Content-Type';
	is $r->field('last-modified'), 'Sun, 06 Nov 1994 08:49:37 GMT',
		'Last-Modified is the time of the file';
	like $r->field('etag'), qr/\A"[^"]+"\z/, 'a strong ETag';
	is $r->field('server'), 'holdfast', 'Server, without a version';
	like $r->field('date'), qr/\A(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),\ \d\d
		\ (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\ \d{4}
		\ \d\d:\d\d:\d\d\ GMT\z/x, 'Date';
	for my $name (qw(Content-Length Content-Type Last-Modified ETag Date
			 Server)) {
		is scalar($r->all($name)), 1, "$name once";
	}
	ok !defined $r->field('connection') || !$r->closes,
		'the connection stays';
};

subtest 'Date is now' => sub {
	my @months = qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec);
	my %month = map { $months[$_] => $_ } 0 .. 11;
	my $before = time;
	my ($day, $month, $year, $h, $m, $sec) = $c->get('/a.txt')
		->field('date') =~ /(\d\d) (\w+) (\d{4}) (\d\d):(\d\d):(\d\d)/;
	my $after = time;

	local $ENV{TZ} = 'UTC';
	POSIX::tzset();
	my $date = POSIX::mktime($sec, $m, $h, $day, $month{$month},
		$year - 1900);

	cmp_ok $date, '>=', $before - 2, 'not old';
	cmp_ok $date, '<=', $after + 1, 'not ahead';
};

subtest 'HEAD is GET without the content' => sub {
	for my $target ('/a.txt', '/', '/bytes.bin', '/empty.css', '/dir',
			'/none') {
		my $get = $c->get($target);
		my $head = $c->request('HEAD', $target);

		is $head->status, $get->status, "$target: status";
		is $head->field($_), $get->field($_), "$target: $_"
			for qw(Content-Length Content-Type Last-Modified ETag
			       Location);
	}
	is $c->get('/a.txt')->body, "the file a\n", 'still in step';
};

# [target, status, Content-Type, content]
for my $case (
	['/bytes.bin', 200, qr{^application/octet-stream$},
		$all_bytes x 100],
	['/empty.css', 200, qr{^text/css}, ''],
	['/UPPER.HTML', 200, qr{^text/html}, "<p>upper\n"],
	['/noext', 200, qr{^application/octet-stream$}, "x\n"],
	['/.hidden', 200, qr{^application/octet-stream$}, "hidden\n"],
	['/a.b.tar', 200, qr{^application/x-tar$}, 'tar'],
	['/weird.zzz', 200, qr{^application/octet-stream$}, 'zzz'],
	['/with%20space.txt', 200, qr{^text/plain}, "space\n"],
	['/per%25cent.txt', 200, qr{^text/plain}, "percent\n"],
	['/ques%3Ftion.txt', 200, qr{^text/plain}, "question\n"],
	['/%c3%A9t%C3%a9.txt', 200, qr{^text/plain}, "summer\n"],
	['/%61.t%78t', 200, qr{^text/plain}, "the file a\n"],
	['/a.txt?x=y', 200, qr{^text/plain}, "the file a\n"],
	['/a.txt?', 200, qr{^text/plain}, "the file a\n"],
	['/dir/../a.txt', 200, qr{^text/plain}, "the file a\n"],
	['/./dir/.//../a.txt', 200, qr{^text/plain}, "the file a\n"],
	['//a.txt', 200, qr{^text/plain}, "the file a\n"],
	['/', 200, qr{^text/html}, "<h1>home</h1>\n"],
	['/?q', 200, qr{^text/html}, "<h1>home</h1>\n"],
	['/dir/', 200, qr{^text/html}, "<h1>dir</h1>\n"],
	['/dir/index.html', 200, qr{^text/html}, "<h1>dir</h1>\n"],
	['/sub%20dir/', 200, qr{^text/html}, "<h1>sub</h1>\n"],
	['/alt/', 200, qr{^text/html}, "<h1>alt</h1>\n"],
	['/doc/x.txt', 200, qr{^text/plain}, "of doc\n"],
	['/doc/deep/er/y.txt', 200, qr{^text/plain}, "deeper\n"],
	['/bare/file', 200, qr{^application/octet-stream$}, "in bare\n"],
	['/a.txt/only', 200, qr{^text/plain}, 'r'],
	['/bare/', 403, qr{^text/html}, qr{<h1>403 Forbidden</h1>}],
	['/doc/', 403, qr{^text/html}, qr{403}],
	['/none', 404, qr{^text/html}, qr{<h1>404 Not Found</h1>}],
	['/none/', 404, qr{^text/html}, qr{404}],
	['/dir/none', 404, qr{^text/html}, qr{404}],
	['/a.txt/', 404, qr{^text/html}, qr{404}],
	['/a.txt/b', 404, qr{^text/html}, qr{404}],
	['/fifo', 404, qr{^text/html}, qr{404}],
	['/doc/none', 404, qr{^text/html}, qr{404}],
	['/' . 'n' x 300, 404, qr{^text/html}, qr{404}],
	['/' . 'n/' x 300, 404, qr{^text/html}, qr{404}],
) {
	my ($target, $status, $type, $content) = @$case;
	my $r = $c->get($target);
	my $name = length $target > 40 ? substr($target, 0, 40) . '...'
		: $target;

	is $r->status, $status, "$name: status";
	like $r->field('content-type'), $type, "$name: type";
	ref $content ? like $r->body, $content, "$name: content"
		: ok($r->body eq $content, "$name: content");
}

subtest 'a file that may not be read is 403' => sub {
	plan skip_all => 'this user may read everything' if $> == 0 &&
		Holdfast::Server::some_user() eq 'root';
	is $c->get('/secret')->status, 403, 'status';
};

subtest 'a directory without its slash' => sub {
	for my $case (
		['/dir', '/dir/'],
		['/dir?a=b', '/dir/?a=b'],
		['/sub%20dir', '/sub%20dir/'],
		['//dir', '/dir/'],
		['/doc/deep', '/doc/deep/'],
		['/bare', '/bare/'],
	) {
		my ($target, $to) = @$case;
		my $r = $c->get($target);

		is $r->status, 301, "$target: status";
		like $r->field('location'),
			qr{\A(?:http://localhost)?\Q$to\E\z},
			"$target: Location";
	}
};

subtest 'ETag says which content it is' => sub {
	my $first = $c->get('/a.txt')->field('etag');

	is $c->get('/a.txt')->field('etag'), $first, 'the same twice';
	isnt $c->get('/noext')->field('etag'), $first, 'not for another file';
	$s->dir->replace('www/a.txt', "the file A\n");
	wait_until { $c->get('/a.txt')->body eq "the file A\n" }
		'the new content';
	isnt $c->get('/a.txt')->field('etag'), $first,
		'another one for other content of the same size';
};

$c->close;
$s->allow_log(qr{open \S+/www/secret: Permission denied});
$s->finish;
done_testing;
