# SPDX-License-Identifier: BSD-2-Clause
#
# Several fields of one name are one field: joined by commas (RFC 9110 section
# 5.3), or by semicolons for Cookie (RFC 9113 section 8.2.3).
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
log = { access = "%%DIR%%/access";
        format = "${header.X-A}|${header.Cookie}|${sent.X-S}|${sent.Set-Cookie}"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/a"; handler = "respond"; body = "${header.x-a:-none}";
    response_fields = [ "X-S: 1", "+X-S: 2, 3", "+X-S: 4",
      "Set-Cookie: a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT",
      "+Set-Cookie: b=2" ]; },
  { path = "/cookie"; handler = "respond";
    body = "${header.cookie}|${cookie.a}|${cookie.b}|${cookie.c}"; },
  { path = "/form"; handler = "respond"; body = "[${form.a}]"; }
); } );
E
my $c = $s->client;

# [what it is, the fields, what they are together]
for my $case (
	['none', [], 'none'],
	['one', ['one'], 'one'],
	['two', ['one', 'two'], 'one, two'],
	['lists', ['one, two', 'three'], 'one, two, three'],
	['an empty one', [''], 'none'],
	['many', [1 .. 60], join ', ', 1 .. 60],
) {
	my ($what, $values, $joined) = @$case;

	is $c->get('/a', map { ($_ % 2 ? 'X-A' : 'x-a', $values->[$_]) }
		keys @$values)->body, $joined, "$what";
}
is $c->get('/cookie', Cookie => 'a=1; b=2', 'X-A' => 'x', Cookie => 'c=3')->body,
	'a=1; b=2; c=3|1|2|3', 'Cookie';

$c->get('/a', 'X-A' => 1, 'X-A' => 2, Cookie => 'a=1', Cookie => 'b=2');
wait_until { $s->dir->read('access') =~ /^1, 2\|a=1; b=2\|/m }
	'the log has them joined, too';
like $s->dir->read('access'), qr/\|1, 2, 3, 4\|a=1; Expires=Thu[^|]*GMT$/m,
	'those of a response as well, but for Set-Cookie';

sub form (@fields) {
	my $other = $s->client;

	$other->send(join "\r\n", 'POST /form HTTP/1.1', 'Host: a',
		'Content-Length: 3', @fields, '', 'a=b');
	my $r = $other->response;

	$other->close;
	return $r->status == 200 ? $r->body : $r->status;
}
my $type = 'Content-Type: application/x-www-form-urlencoded';

is form($type), '[b]', 'a form';
is form($type, $type), 400, 'a form with two types is none';
is form($type, 'Content-Type: text/plain'), 400, 'nor has it one of two';
is form($type, 'Content-Encoding: identity', 'Content-Encoding: gzip'), 415,
	'the second coding counts, too';
$c->close;
$s->finish;
done_testing;
