# SPDX-License-Identifier: BSD-2-Clause
#
# error_pages: the pages of a site and of a route, for every error that is
# answered there.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E', files => {
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { body = "100"; };
sites = (
  { error_pages = [ "404 errors/404.html", "400,405,413,501 errors/4xx.txt",
      "500,502-599 errors/empty.html" ];
    routes = (
      { path = "/form"; handler = "respond"; methods = [ "POST" ];
        body = "${form.f}"; },
      { path = "/own/"; handler = "static"; root = "%%DIR%%/www";
        error_pages = [ "404 %%DIR%%/errors/own.json" ]; },
      { path = "/deny"; handler = "respond"; deny = [ "all" ];
        error_pages = [ "403 errors/404.html" ]; },
      { path = "/status"; handler = "respond"; status = 404; body = "mine"; },
      { path = "/www/"; handler = "static"; root = "%%DIR%%/www"; }
    ); },
  { hosts = [ "bare.test" ]; routes = ( ); }
);
E
	'errors/404.html' => "<h1>not here</h1>\n",
	'errors/4xx.txt' => "no\n",
	'errors/empty.html' => '',
	'errors/own.json' => "{}\n",
	'www/x' => "x\n",
});
my $c = $s->client;
my @html = ('text/html', "<h1>not here</h1>\n");
my @text = ('text/plain', "no\n");

# [method, target, status, type, content]
for my $case (
	['GET', '/nowhere', 404, @html],
	['GET', '/www/none', 404, @html],
	['GET', '/own/none', 404, 'application/json', "{}\n"],
	['PUT', '/own/x', 405, @text],
	['GET', '/form', 405, @text],
	['BREW', '/form', 501, @text],
	['GET', '/deny', 403, @html],
	['GET', '/status', 404, 'text/plain; charset=utf-8', 'mine'],
	['GET', '/own/x', 200, 'application/octet-stream', "x\n"],
) {
	my ($method, $target, $status, $type, $content) = @$case;
	my $r = $c->request($method, $target, [Host => 'x']);

	is $r->status, $status, "$method $target";
	is $r->field('content-type'), $type, 'its type';
	is $r->body, $content, 'its content';
	is scalar($r->all('content-type')), 1, 'and one type only';
}
is $c->get('/form')->field('allow'), 'POST, OPTIONS', '405 has its Allow';
{
	my $r = $c->request('HEAD', '/nowhere', [Host => 'x']);

	is $r->status, 404, 'HEAD';
	is $r->body, '', 'has no content';
	is $r->field('content-length'), length $html[1], 'but its length';
}
is $c->get('/nowhere', Host => 'bare.test')->body =~ /404 Not Found/, 1,
	'another site has the built-in page';

for my $case (
	["POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", 413,
		"no\n"],
	["GET /%2f HTTP/1.1\r\nHost: x\r\n\r\n", 400, "no\n"],
	["GET /\r\n\r\n", 400, qr/<h1>400/],
	["GET / HTTP/1.1\r\n\r\n", 400, qr/<h1>400/],
) {
	my ($text, $status, $content) = @$case;
	my $other = $s->client;

	$other->send($text);
	my $r = $other->response;
	my $name = $text =~ s/\r\n.*//sr;

	is $r->status, $status, "$name: status";
	ref $content ? like($r->body, $content, 'the built-in page')
		: is($r->body, $content, 'the page');
	ok $r->closes, 'closes';
	$other->close;
}

subtest 'a page that is changed' => sub {
	my $path = $s->path('errors/404.html');

	$s->dir->write('errors/404.html', 'changed');
	is $c->get('/nowhere')->body, $html[1], 'is what it was';
	$s->reload;
	is $s->get('/nowhere')->body, 'changed', 'until a reload';
	unlink $path or die "unlink: $!";
	my ($exit, undef, $err) = $s->run('reload');

	isnt $exit, 0, 'one that is gone refuses the reload';
	like $err, qr/:4: sites\[0\]\.error_pages\[0\]: \Q$path\E: No such file/,
		'and says where';
	$s->expect_log(qr/No such file/, qr/reload failed/);
	is $s->get('/nowhere')->body, 'changed', 'and the old one goes on';
};

$c->close;
$s->finish;
done_testing;
