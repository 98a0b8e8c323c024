# SPDX-License-Identifier: BSD-2-Clause
#
# `try`: what is looked for in place of the path, one after the other.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => {
	'app/index.html' => "the app\n",
	'app/a.txt' => "a\n",
	'app/page.html' => "page\n",
	'app/dir/index.html' => "dir\n",
	'app/bare/x' => "x\n",
	'outside/secret.html' => "secret\n",
	'outside/secret' => "secret\n",
	'langs/de/a.txt' => "hallo\n",
	'langs/en/a.txt' => "hello\n",
}, prepare => sub ($dir) {
	$dir->write('app/closed', 'no', 0000);
}, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/app";
    try = [ "${rest}", "${rest}/", "${rest}.html", "/index.html" ]; },
  { path = "/strict/"; handler = "static"; root = "%%DIR%%/app";
    try = [ "${rest}", "${rest}.html" ]; },
  { path = "/gone/"; handler = "static"; root = "%%DIR%%/app";
    try = [ "/${rest}.html", "=410" ]; },
  { path = "/list/"; handler = "static"; root = "%%DIR%%/app"; listing = true;
    try = [ "${rest}", "${rest}/" ]; },
  { path = "/follow/"; handler = "static"; root = "%%DIR%%/app";
    symlinks = "follow"; try = [ "${query.f:-none}", "${header.X-F:-none}" ]; },
  { path = "/langs/"; handler = "static"; root = "%%DIR%%/langs";
    try = [ "${query.lang}/${rest}", "en/${rest}" ]; },
  { path = "/never/"; handler = "static"; root = "%%DIR%%/app";
    try = [ "=403" ]; } ); } );
E
my $c = $s->client;

for my $case (
	['/a.txt', 200, "a\n"],
	['/', 200, "the app\n"],
	['/page', 200, "page\n"],
	['/page.html', 200, "page\n"],
	['/dir/', 200, "dir\n"],
	['/some/route/of/the/app', 200, "the app\n"],
	['/bare/', 200, "the app\n"],	# no index: the next is tried
	['/bare', 200, "the app\n"],
	['/a.txt/', 200, "the app\n"],
	['/dir', 301],
	['/strict/a.txt', 200, "a\n"],
	['/strict/page', 200, "page\n"],
	['/strict/none', 404],
	['/strict/dir', 404],		# only files are tried
	['/strict/', 200, "the app\n"],	# "" is the root
	['/gone/page', 200, "page\n"],
	['/gone/none', 410],
	['/list/bare/', 200, qr/Index of/],
	['/list/bare', 301],
	['/list/', 200, "the app\n"],
	['/langs/a.txt?lang=de', 200, "hallo\n"],
	['/langs/a.txt?lang=fr', 200, "hello\n"],
	['/langs/a.txt', 200, "hello\n"],
	['/langs/b.txt?lang=de', 404],
	['/never/a.txt', 403],

	# What comes from the client leads nowhere else.
	['/follow/?f=a.txt', 200, "a\n"],
	['/follow/?f=/a.txt', 200, "a\n"],
	['/follow/?f=../outside/secret', 404],
	['/follow/?f=/../outside/secret', 404],
	['/follow/?f=dir/../../outside/secret', 404],
	['/follow/?f=%2e%2e/outside/secret', 404],
	['/follow/?f=a.txt%00.html', 404],
	['/follow/?f=..', 404],
	['/follow/?f=/', 200, "the app\n"],
	['/follow/', 404],
	['/langs/secret?lang=../outside', 404],
) {
	my ($target, $status, $content) = @$case;
	my $r = $c->get($target);

	is $r->status, $status, "$target: status";
	ref $content ? like $r->body, $content, "$target: content"
		: is $r->body, $content, "$target: content"
		if defined $content;
}
is $c->get('/dir')->field('location'), '/dir/', 'a slash is added';
is $c->get('/follow/?f=x', 'X-F' => '../outside/secret')->status, 404,
	'nor does a field';
SKIP: {
	skip 'this user may read everything', 1 if $> == 0 &&
		Holdfast::Server::some_user() eq 'root';
	is $c->get('/closed')->status, 403, 'one that may not be read';
}
is $c->get('/x/y', Range => 'bytes=0-2')->body, 'the', 'with ranges';

$c->close;
$s->allow_log(qr{open \S+/app/closed: Permission denied});
$s->finish;
done_testing;
