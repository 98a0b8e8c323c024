# SPDX-License-Identifier: BSD-2-Clause
#
# request_fields and response_fields: what is set, added and removed, on every
# response, and that no value becomes more than one field.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my %files = ('www/a.txt' => "a\n", 'www/long.txt' => '0123456789' x 1000);
my $s = Holdfast->start(conf => <<'E', files => \%files);
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = (
  { response_fields = [ "X-Site: of ${host}", "X-Both: site", "+X-Many: one",
      "-Server" ];
    request_fields = [ "X-Req: site", "-X-Gone" ];
    routes = (
      { path = "/plain"; handler = "respond";
        body = "[${header.x-req}] [${header.x-gone}] [${header.x-in}]"; },
      { path = "/own"; handler = "respond"; type = "text/html";
        body = "[${header.x-req}] [${header.x-gone}] [${header.x-in}] [${header.user-agent}]";
        request_fields = [ "X-Req: ${header.x-in:-none}", "+X-In: more",
          "User-Agent: us" ];
        response_fields = [ "X-Both: route", "+X-Both: again", "+x-many: two",
          "Server: ours", "X-Path: ${path}", "Content-Type: text/x-own" ]; },
      { path = "^/group/(.*)"; match = "regex"; handler = "respond";
        response_fields = [ "X-Group: ${match.1}" ]; },
      { path = "/echo"; handler = "respond"; body = "[${header.x-echo}]";
        request_fields = [ "X-Echo: ${query.v}" ];
        response_fields = [ "X-Echo: ${query.v}", "X-Lit: a  b" ]; },
      { path = "/files/"; handler = "static"; root = "%%DIR%%/www";
        response_fields = [ "-ETag", "-last-modified",
          "Cache-Control: max-age=5", "+Vary: X", "X-File: ${rest}" ]; },
      { path = "/typed/"; handler = "static"; root = "%%DIR%%/www";
        response_fields = [ "Content-Type: text/x-own" ]; },
      { path = "/get"; methods = [ "GET" ]; handler = "respond";
        response_fields = [ "-Allow" ]; },
      { path = "/move/"; handler = "redirect"; to = "/plain"; }
    ); },
  { hosts = [ "bare.test" ];
    routes = ( { path = "/"; handler = "respond"; body = "bare"; } ); }
);
E
my $c = $s->client;

sub fields ($r, @names) {
	return [map { my $name = $_; map { "$name: $_" } $r->all($name) }
		@names];
}

subtest 'of a site' => sub {
	my $r = $c->get('/plain', 'X-In' => 'in', 'X-Gone' => 'there',
		'X-Req' => 'sent', Host => 'h.test');

	is $r->body, '[site] [] [in]', 'the request';
	is_deeply fields($r, qw(x-site x-both x-many server content-type)),
		['x-site: of h.test', 'x-both: site', 'x-many: one',
		'content-type: text/plain; charset=utf-8'], 'the response';
};

subtest 'of a route, with those of its site' => sub {
	my $r = $c->get('/own', 'X-In' => 'in', 'X-Gone' => 'there',
		Host => 'h.test');

	is $r->body, '[in] [] [in, more] [us]', 'the request';
	is_deeply fields($r, qw(x-site x-both x-many server x-path
		content-type)), ['x-site: of h.test', 'x-both: route',
		'x-both: again', 'x-many: two', 'server: ours',
		'x-path: /own', 'content-type: text/x-own'], 'the response';
	is $c->get('/own')->body, '[none] [] [more] [us]',
		'a default, and a field that was added';
};

is $c->get('/group/a/b')->field('x-group'), 'a/b', 'a group of the pattern';

subtest 'every response' => sub {
	for my $case (
		['GET', '/nowhere', 404], ['PUT', '/get', 405],
		['BREW', '/plain', 501], ['GET', '/move/', 302],
		['OPTIONS', '/get', 204],
	) {
		my ($method, $target, $status) = @$case;
		my $r = $c->request($method, $target, [Host => 'h.test']);

		is $r->status, $status, "$method $target";
		is $r->field('x-site'), 'of h.test', 'has the field';
		is $r->field('server'), undef, 'and not the other';
	}
	is $c->request('PUT', '/get', [], '')->field('allow'), undef,
		'what an error has is removed';
	my $other = $s->client;
	my $r = $other->get('/%zz', Host => 'h.test');

	is $r->status, 400, 'a path that is refused';
	is $r->field('x-site'), 'of h.test', 'has the field';
	$other->close;
	$other = $s->client;
	$other->send("GET / HTTP/1.1\r\n\r\n");
	$r = $other->response;
	is $r->status, 400, 'a request for no site';
	is $r->field('server'), 'holdfast', 'has what is built in';
	$other->close;
};

subtest 'of a file' => sub {
	for my $method ('GET', 'HEAD', 'GET') {
		my $r = $c->request($method, '/files/a.txt', [Host => 'h']);

		is_deeply fields($r, qw(etag last-modified cache-control vary
			x-file content-type content-length)),
			['cache-control: max-age=5', 'vary: X',
			'x-file: a.txt', 'content-type: text/plain',
			'content-length: 2'], $method;
		is $r->body, $method eq 'GET' ? "a\n" : '', 'its content';
	}
	is $c->get('/files/', Host => 'h')->field('x-file'), undef,
		'a value that is empty makes no field';
};

subtest 'no value becomes more than a field' => sub {
	for my $case (
		['a%0d%0aX-Evil:%201', 'a  X-Evil: 1'],
		['a%0aX-Evil:%201', 'a X-Evil: 1'],
		['a%00b', 'a b'], ['a%7fb%01c', 'a b c'], ['%0d%0a', undef],
		['%0d%0a%0d%0a%3chtml%3e', '<html>'],
		['x' x 3000, 'x' x 3000], ['%ff%fe', "\xff\xfe"],
	) {
		my ($value, $field) = @$case;
		my $name = substr $value, 0, 30;
		my $r = $c->get("/echo?v=$value");

		is $r->field('x-echo'), $field, "$name: one field";
		is $r->field('x-evil'), undef, 'and no other';
		is $r->body, '[' . ($field // '') . ']',
			'as the handler sees it';
		is $r->field('x-lit'), 'a  b', 'what is written stays';
	}
};

is $c->get('/', Host => 'bare.test')->field('server'), 'holdfast',
	'another site is left alone';
$c->close;
subtest 'the type of several ranges has their boundary' => sub {
	my $c = $s->client;
	my $r = $c->get('/typed/long.txt', Range => 'bytes=0-1,9000-9001');

	is $r->status, 206, 'status';
	is scalar(my @types = $r->all('content-type')), 1, 'one type';
	my ($boundary) = ($types[0] // '') =~
		m{\Amultipart/byteranges; boundary=(\w+)\z};
	like $r->body, qr/^--\Q$boundary\E\r\n/m, 'which is that of the parts';
	is_deeply fields($c->get('/typed/long.txt', Range => 'bytes=0-1'),
		'content-type'), ['content-type: text/x-own'], 'of one';
	is_deeply fields($c->get('/typed/long.txt'), 'content-type'),
		['content-type: text/x-own'], 'of all';
};

$s->finish;
done_testing;
