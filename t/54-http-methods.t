# SPDX-License-Identifier: BSD-2-Clause
#
# Methods: 405 with Allow for what a route has not, 501 for what nobody has.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => { 'www/a' => "a\n" }, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/files/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/r"; handler = "respond"; body = "${method}"; },
  { path = "/get"; handler = "respond"; methods = [ "GET" ]; body = "g"; },
  { path = "/both"; handler = "respond"; methods = [ "GET" ]; body = "g";
    response_fields = [ "X-Route: get" ]; },
  { path = "/both"; handler = "respond"; methods = [ "HEAD", "PUT" ];
    body = "h"; response_fields = [ "X-Route: head" ]; },
  { path = "/post"; handler = "respond"; methods = [ "POST" ]; body = "p"; },
  { path = "/many"; handler = "respond"; body = "${method}";
    methods = [ "GET", "PUT", "DELETE", "PATCH", "OPTIONS" ]; },
  { path = "/move"; handler = "redirect"; to = "/there"; }
); } );
E
my $c = $s->client;
my @known = qw(GET HEAD POST PUT DELETE OPTIONS PATCH);

# [target, status where allowed, what is allowed, who answers OPTIONS]
for my $case (
	['/files/a', 200, 'GET HEAD OPTIONS', 204],
	['/r', 200, 'GET HEAD OPTIONS POST', 204],
	['/get', 200, 'GET HEAD OPTIONS', 204], # RFC 9110 section 9.1
	['/both', 200, 'GET HEAD OPTIONS PUT', 204],
	['/post', 200, 'OPTIONS POST', 204],
	['/many', 200, 'DELETE GET HEAD OPTIONS PATCH PUT', 200],
	['/move', 302, 'DELETE GET HEAD OPTIONS PATCH POST PUT', 302],
) {
	my ($target, $status, $allowed, $options) = @$case;
	my %allowed = map { $_ => 1 } split ' ', $allowed;

	for my $method (@known) {
		my $r = $c->request($method, $target);

		is $r->status, $method eq 'OPTIONS' ? $options
			: $allowed{$method} ? $status : 405,
			"$method $target";
		next if $r->status != 405 && $r->status != 204;
		is join(' ', sort split /, */, $r->field('allow') // ''),
			$allowed, "$method $target: Allow";
	}
}

for my $method (@known, 'FROB') {
	my $r = $c->request($method, '/nowhere');

	is $r->status, $method eq 'FROB' ? 501 : 404,
		"$method where no route is";
}
for my $method (qw(FROB get Get GETT G BREW), 'M' x 100) {
	is $c->request($method, '/r')->status, 501, "$method: 501";
}
{
	my $r = $c->request('TRACE', '/r');

	is $r->status, 405, 'TRACE is not echoed';
	unlike $r->body, qr/Host:/, 'in no way';
}
is $c->request('HEAD', '/r')->body, '', 'HEAD has no body';
is $c->request('HEAD', '/r')->field('content-length'), 4, 'but its length';
is $c->request('HEAD', '/get')->body, '', 'nor has one of a route for GET';
is $c->request('HEAD', '/get')->field('content-length'), 1, 'but its length';
is $c->request('HEAD', '/both')->field('x-route'), 'head',
	'a route that names HEAD comes before one that names GET only';
is $c->get('/both')->field('x-route'), 'get', 'which still has GET';
is $c->get('/r')->body, 'GET', 'still in step';

$c->close;
$s->finish;
done_testing;
