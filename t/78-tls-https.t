# SPDX-License-Identifier: BSD-2-Clause
#
# A site that wants requests with TLS: others are sent there, but for routes that
# take any; and browsers are told to remember it, over TLS only.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Tls qw(has_tls_programs s_client tls_files);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $s = Holdfast->start(files => { tls_files('e', 'ec') }, conf => <<'E');
tls = { certificates = ( { chain = "tls/e.pem"; key = "tls/e.key"; } ); };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; tls = "also"; } );
sites = ( { https = "redirect"; hsts = "8760h"; routes = (
  { path = "/"; handler = "respond"; body = "${scheme}\n"; },
  { path = "/.well-known/acme-challenge/"; https = "any"; handler = "respond";
    body = "token ${scheme}\n"; } ); } );
E

# The response to a request without TLS.
sub asks ($text) {
	my $client = $s->client;

	$client->send($text);
	return $client->response($text =~ /^(\w+)/);
}

my $r = asks("GET /a%20b?c=d&e HTTP/1.1\r\nHost: Example.org:80\r\n\r\n");

is $r->status, 308, 'a request without TLS';
is $r->field('Location'), 'https://example.org/a%20b?c=d&e',
	'is sent to the same target with https';
is $r->field('Strict-Transport-Security'), undef,
	'which is not remembered for what is not secure';
$r = asks("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
is $r->status, 308, 'whatever the method';
is asks("GET / HTTP/1.0\r\n\r\n")->status, 400, 'but with a host';
$s->allow_log(qr/400/);
$r = asks("GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: a\r\n\r\n");
is $r->body, "token http\n", 'a route may take any';

my $out = s_client($s->address, "GET / HTTP/1.1\r\nHost: a\r\n"
	. "Connection: close\r\n\r\n");

like $out, qr/^https$/m, 'one with TLS is served';
like $out, qr/^Strict-Transport-Security: max-age=31536000\r?$/m,
	'and told to stay';
$s->finish;
done_testing;
