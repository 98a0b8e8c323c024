# SPDX-License-Identifier: BSD-2-Clause
#
# `listing`: a page that lists a directory, however its files are called.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use POSIX ();
use Test::More;
use Holdfast;

my @odd = ("quote\"'.txt", '<script>.txt', 'a&b.txt', 'per%cent?#.txt',
	'javascript:alert(1)', "\xc3\xa9t\xc3\xa9.txt", "latin\xe9.txt",
	'with space.txt', '~tilde;semi=x', '-dash');
my $many = scaled(5000);
my $s = Holdfast->start(files => {
	'www/file.txt' => 'x' x 2048,
	'www/.hidden' => 'hidden',
	'www/sub/inner.txt' => 'inner',
	'www/indexed/index.html' => "the index\n",
	'www/empty/.keep' => '',
	'plain/a' => 'a',
	'links/0' => '0',
	(map { ("www/odd/$_" => "content of $_") } @odd),
	(map { (sprintf('www/many/f%05d', $_) => '') } 1 .. $many),
	"www/odd/new\nline" => 'x',
	'outside/secret' => 'secret',
}, prepare => sub ($dir) {
	my $www = $dir->path('www');

	symlink 'file.txt', "$www/link";
	symlink 'sub', "$www/linked";
	symlink '../outside/secret', "$www/leads-out";
	symlink 'nowhere', "$www/dangling";
	POSIX::mkfifo("$www/fifo", 0666);
	utime 784111777, 784111777, "$www/file.txt";
	symlink '0', $dir->path("links/$_") for 1 .. 5000;
	$dir->mkdir('www/closed');
	chmod 0, "$www/closed";
}, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/links/"; handler = "static"; root = "%%DIR%%/links";
    listing = true; },
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; listing = true; },
  { path = "/none/"; handler = "static"; root = "%%DIR%%/www";
    listing = true; symlinks = "none"; },
  { path = "/plain/"; handler = "static"; root = "%%DIR%%/plain"; } ); } );
E

my $c = $s->client;

# The (href, text) of the entries.
sub entries ($r) {
	return $r->body =~ m{<td><a href="(?!\.\./)([^"]*)">([^<]*)</a>}g;
}

subtest 'a directory' => sub {
	my $r = $c->get('/');
	my %at = entries($r);

	is $r->status, 200, 'status';
	is $r->field('content-type'), 'text/html; charset=utf-8', 'type';
	like $r->field('content-security-policy'), qr/default-src 'none'/,
		'nothing in it may run';
	is_deeply [sort keys %at],
		[sort qw(closed/ empty/ file.txt indexed/ link linked/ many/
			 odd/ sub/)], 'what can be served';
	is $at{'sub/'}, 'sub/', 'a directory has a slash';
	like $r->body, qr{file\.txt.*?<td>2\.0\ KiB</td>
		.*?1994-11-06T08:49:37Z}xs, 'size and time';
	unlike $r->body, qr{href="\.\./"}, 'nothing above the top';
	like $c->get('/sub/')->body, qr{href="\.\./"}, 'but above others';
	unlike $r->body, qr/<script/i, 'no script';
};

subtest 'every link leads to its file' => sub {
	my @entries = entries($c->get('/odd/'));

	is @entries / 2, scalar @odd, 'as many as there are';
	while (my ($href, $text) = splice @entries, 0, 2) {
		my $target = $href =~ s/&amp;/&/gr =~ s/&#39;/'/gr;
		my $name = $target =~ s/%([0-9A-F]{2})/chr hex $1/ger;

		is $c->get("/odd/$target")->body, "content of $name", $href;
		unlike $text, qr/[<>"']/, "$href: escaped";
	}
	my $body = $c->get('/odd/')->body;

	like $body, qr/<td>new\xe2\x90\x8aline</, 'a newline is a picture';
	like $body, qr/>latin\xef\xbf\xbd\.txt</, 'what is no UTF-8';
};

subtest 'as JSON' => sub {
	my @json = (Accept => 'application/json');
	my $r = $c->get('/', @json);

	is $r->status, 200, 'status';
	is $r->field('content-type'), 'application/json', 'type';
	is $r->field('vary'), 'Accept', 'by what is accepted';
	is $c->get('/')->field('vary'), 'Accept', 'as is the page';
	my $entries = decode_json($r->body);

	is join(' ', map { $_->{name} } @$entries), 'closed empty indexed linked '
		. 'many odd sub file.txt link', 'what can be served';
	is_deeply $entries->[7], { name => 'file.txt', type => 'file', size => 2048,
		mtime => 'Sun, 06 Nov 1994 08:49:37 GMT' }, 'a file';
	is $entries->[0]{type}, 'directory', 'a directory';
	ok !exists $entries->[0]{size}, 'which has no size';
	is scalar decode_json($c->get('/many/', @json)->body)->@*, $many,
		'many entries are all in one';
	is_deeply decode_json($c->get('/empty/', @json)->body), [], 'none';
	is scalar decode_json($c->get('/odd/', @json)->body)->@*, @odd + 1,
		'odd names';
	is decode_json($c->get('/?sort=name&order=desc', @json)->body)->[0]{name},
		'sub', 'in the order that is asked for';

	for my $case (
		['application/json, */*', 'json'],
		['text/plain;q=0.1, application/json;q=0.5', 'json'],
		['text/html;q=0.4, application/json;q=0.5', 'json'],
		['*/*', 'html'], ['text/html, application/json;q=0.9', 'html'],
		['text/html, application/json', 'html'],
		['application/json;q=0', 'html'], ['application/*', 'html'],
		['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
			'html'],
	) {
		like $c->get('/', Accept => $case->[0])->field('content-type'),
			qr/\Q$case->[1]/, "Accept: $case->[0]";
	}
};

subtest 'order' => sub {
	my sub names ($query) {
		my @e = entries($c->get("/$query"));

		return join ' ', @e[grep { $_ % 2 } keys @e];
	}
	my $files = 'file.txt link';

	like names(''), qr/^closed\/ empty\/ .* \Q$files\E$/,
		'by name, directories first';
	like names('?sort=name&order=desc'), qr/^sub\/ .* link file\.txt$/,
		'the other way';
	is names('?sort=bogus&page=-1'), names(''), 'nonsense is by name';
	like $c->get('/?sort=time&order=desc')->body,
		qr/aria-sort="descending"><a href="\?sort=time&amp;order=asc">/,
		'the title turns it around';
};

subtest 'HEAD' => sub {
	my $r = $c->request('HEAD', '/');

	is $r->status, 200, 'status';
	is $r->field('content-length'), length $c->get('/')->body, 'length';
};

subtest 'many entries, page by page' => sub {
	my ($target, %seen, $pages) = ('/many/');

	while (defined $target && $pages++ < 20) {
		my $r = $c->get($target);
		my %at = entries($r);

		cmp_ok scalar(keys %at), '<=', 1000, 'a page';
		$seen{$_}++ for keys %at;
		($target) = $r->body =~ m{<a href="([^"]*)">Next</a>};
		$target = '/many/' . $target =~ s/&amp;/&/gr if defined $target;
	}
	is scalar(keys %seen), $many, 'all of them';
	is scalar(grep { $_ != 1 } values %seen), 0, 'each once';
};

is $c->get('/indexed/')->body, "the index\n", 'an index comes first';
like $c->get('/empty/')->body, qr/<p>0 entries/, 'an empty one';
is $c->get('/sub')->status, 301, 'a directory without its slash';
is $c->get('/missing/')->status, 404, 'one that is not there';
is $c->get('/file.txt/')->status, 404, 'one that is a file';
is $c->get('/plain/')->status, 403, 'none without the setting';
unlike $c->get('/none/')->body, qr/>link</, 'no links where none is followed';
SKIP: {
	skip 'this user may read everything', 1 if $> == 0 &&
		Holdfast::Server::some_user() eq 'root';
	is $c->get('/closed/')->status, 403, 'one that may not be read';
}

subtest 'pipelined, and a client that leaves' => sub {
	my $text = Holdfast::Client->request_text('GET', '/many/');
	my $small = Holdfast::Client->request_text('GET', '/file.txt');

	$c->send("$text$small" x 5);
	for (1 .. 5) {
		like $c->response->body, qr/Page 1 of/, 'the page';
		is length $c->response->body, 2048, 'the file after it';
	}
	for (1 .. 20) {
		my $gone = $s->client;

		$gone->send($text);
		$gone->reset;
	}
	is $c->get('/file.txt')->status, 200, 'the others go on';
	like $c->get('/many/')->body, qr/Page 1 of/, 'and list';
};

# Nobody waits for the page any more, and the worker ends: the reading of it
# must not outlive what it needs.
subtest 'a reload while it is read' => sub {
	my @gone = map { $s->client } 1 .. 5;
	my $before = $s->status->{totals}{bytes_in};
	my $sent = 0;

	$c->close;
	$sent += $_->send($_->request_text('GET', '/links/')) for @gone;
	wait_until { $s->status->{totals}{bytes_in} >= $before + $sent }
		'them to be asked for';
	$_->reset for @gone;
	wait_until { $s->status->{connections} == 0 } 'them to be gone';
	$s->reload;
	$s->wait_workers(1);
	pass 'the worker has ended';
};

chmod 0755, $s->path('www/closed');
$s->allow_log(qr{open \S+/www/closed/\S*: Permission denied});
$s->finish;
done_testing;
