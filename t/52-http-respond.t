# SPDX-License-Identifier: BSD-2-Clause
#
# `respond`: texts with variables, and that what a client sends cannot break
# out of the type it is put into.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "plain text\n"; },
  { path = "/empty"; handler = "respond"; },
  { path = "/hello"; match = "exact"; handler = "respond";
    body = "Hello, ${query.name:-world}!\n"; },
  { path = "/where/"; handler = "respond";
    body = "${path}|${rest}|${query}|${method}|${host}|${scheme}"; },
  { path = "/who"; handler = "respond";
    body = "${remote_addr} ${remote_port}"; },
  { path = "/agent"; handler = "respond";
    body = "${header.User-Agent:-none} ${header.x-one}${header.X-ONE}"; },
  { path = "/dollar"; handler = "respond"; body = "$$1 $2 $${x} a$"; },
  { path = "/html"; handler = "respond"; type = "text/html; charset=utf-8";
    body = "<p title=\"${query.x}\">${query.x:-<i>}</p>"; },
  { path = "/json"; handler = "respond"; type = "application/json";
    body = "{\"x\":\"${query.x}\"}"; },
  { path = "/text"; handler = "respond"; body = "${query.x}"; },
  { path = "/gone"; handler = "respond"; status = 410; body = "gone"; },
  { path = "/nothing"; handler = "respond"; status = 204; },
  { path = "/teapot"; handler = "respond"; status = 418; body = "t"; },
  { path = "/put"; handler = "respond"; methods = [ "PUT" ];
    body = "${method}"; }
); } );
E
my $c = $s->client;

my $r = $c->get('/');
is $r->body, "plain text\n", 'a literal';
is $r->field('content-type'), 'text/plain; charset=utf-8', 'default type';
is $r->field('content-length'), 11, 'length';
ok $r->field('date'), 'Date';
is $r->field('server'), 'holdfast', 'Server';

is $c->get('/empty')->body, '', 'no body at all';
is $c->get('/hello')->body, "Hello, world!\n", 'a default';
is $c->get('/hello?name=')->body, "Hello, world!\n", 'when it is empty';
is $c->get('/hello?other=1')->body, "Hello, world!\n", 'when it is missing';
is $c->get('/hello?name=Ann')->body, "Hello, Ann!\n", 'a field of the query';
is $c->get('/hello?a=b&name=A%20B+C%2B')->body, "Hello, A B C+!\n",
	'decoded';
is $c->get('/hello?n%61me=x')->body, "Hello, x!\n", 'its name decoded too';
is $c->request('HEAD', '/hello?name=Ann')->field('content-length'), 12,
	'HEAD knows the length';
is $c->get('/where/a%20b/../c?x=%20&y', Host => 'H.example:81')->body,
	'/where/c|c|x=%20&y|GET|h.example|http', 'the request';
is $c->get('/who')->body, '127.0.0.1 ' . $c->local_port, 'the client';
is $c->get('/agent')->body, 'none ', 'no field';
is $c->get('/agent', 'user-agent' => 'me/1', 'X-One' => '1')->body, 'me/1 11',
	'a field, whatever its case';
is $c->get('/dollar')->body, '$1 $2 ${x} a$', 'dollars';

for my $case (['/gone', 410, 'gone'], ['/nothing', 204, ''],
	      ['/teapot', 418, 't']) {
	my ($target, $status, $body) = @$case;

	$r = $c->get($target);
	is $r->status, $status, "$target: status";
	is $r->body, $body, "$target: body";
	like $r->reason, qr/\S/, "$target: a reason" if $status != 418;
}
is $c->request('PUT', '/put', [], 'data')->body, 'PUT',
	'another method, with a body';

# Escaping. Every byte that can come percent-encoded.
sub encode ($bytes) { return $bytes =~ s/(.)/sprintf '%%%02X', ord $1/gesr }

my $nasty = qq(<script>"'&'"</script>\\\n\r\t\x01\x7f\0{}\$);

is $c->get('/text?x=' . encode($nasty))->body, $nasty,
	'text/plain is verbatim';
{
	my $body = $c->get('/html?x=' . encode($nasty))->body;
	my ($title, $inner) = $body =~ m{\A<p title="([^"]*)">(.*)</p>\z}s
		or diag $body;
	my %entity = (lt => '<', gt => '>', amp => '&', quot => '"');
	my $decode = sub ($text) {
		return $text =~ s{&(?:(\w+)|\#(\d+)|\#x([0-9a-f]+));}
			{$1 ? $entity{$1} : chr($2 // hex $3)}geri;
	};

	unlike $inner // '<', qr/[<>"]/, 'nothing of it is markup in HTML';
	is $decode->($inner // ''), $nasty, 'it reads as what was sent';
	is $decode->($title // ''), $nasty, 'in an attribute too';
	is $c->get('/html')->body, '<p title=""><i></p>',
		'a default is the author\'s, and stands as it is';
}
{
	my $body = $c->get('/json?x=' . encode($nasty))->body;
	my $data = eval { JSON::PP->new->decode($body) };

	is_deeply $data, { x => $nasty }, 'JSON reads as what was sent'
		or diag $body, $@;
}
for my $byte (0 .. 127) {
	my $sent = 'a' . chr($byte) . 'b';
	my $body = $c->get('/json?x=' . encode($sent))->body;
	my $data = eval { JSON::PP->new->decode($body) };

	next if $data && $data->{x} eq $sent;
	fail "byte $byte in JSON: $body";
}

$c->close;
$s->finish;
done_testing;
