# SPDX-License-Identifier: BSD-2-Clause
#
# What is passed on from clients with TLS: requests, whose server is told that
# they came so, and streams, which TLS ends here; through reloads.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Tls qw(has_tls_programs s_client tls_files);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $large = join '', map { sprintf "%07d\n", $_ } 0 .. 99_999;
my $s = Holdfast->start(files => { tls_files('e', 'ec'), 'www/large' => $large },
	prepare => sub ($dir) { chmod 01777, $dir->path }, conf => <<'E');
tls = { certificates = ( { chain = "tls/e.pem"; key = "tls/e.key"; } ); };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; tls = true; },
  { address = "127.0.0.2:%%PORT_stream%%"; protocol = "stream";
    upstream = "echo"; tls = true; },
  { address = "unix:%%DIR%%/back"; },
  { address = "unix:%%DIR%%/echo"; protocol = "echo"; } );
sites = (
  { hosts = [ "front" ]; routes = (
    { path = "/"; handler = "proxy"; upstream = "back"; host = "back"; } ); },
  { hosts = [ "back" ]; routes = (
    { path = "/who"; handler = "respond";
      body = "${scheme} ${header.x-forwarded-proto}\n"; },
    { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
upstreams = (
  { name = "back"; servers = ( { address = "unix:%%DIR%%/back"; } ); },
  { name = "echo"; servers = ( { address = "unix:%%DIR%%/echo"; } ); } );
E

sub asks ($path) {
	return s_client($s->address, "GET $path HTTP/1.1\r\nHost: front\r\n"
		. "Connection: close\r\n\r\n", '-quiet');
}

like asks('/who'), qr/^http https$/m, 'a request that is passed on';
ok index(asks('/large'), $large) > 0, 'a large response';

my $client = Holdfast::Command->new(['openssl', 's_client', '-connect',
	$s->address('stream')], input => 'pipe');

for my $i (1 .. 6) {
	$client->write("line $i\n");
	ok eval { wait_until { $client->out =~ /^line $i$/m } 'it', 10; 1 },
		"line $i of a stream";
	$s->reload if $i % 2 == 0;
}
$client->close_input;
$client->wait;
is $s->status->{totals}{handoff_damaged}, 0, 'and it moved whole';
$s->finish;
done_testing;
