# SPDX-License-Identifier: BSD-2-Clause
#
# Handshakes: each suite, version, kind of key and group; the certificate of the
# name that the client asks for; what is refused; and what a client gets that
# speaks no TLS.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Tls qw(has_tls_programs s_client tls_files);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $s = Holdfast->start(
	files => { tls_files('e', 'ec'), tls_files('r', 'rsa'),
		tls_files('d', 'ed25519', 'ed.example', '*.wild.example') },
	conf => <<'E');
tls = { certificates = (
  { chain = "tls/e.pem"; key = "tls/e.key"; },
  { chain = "tls/r.pem"; key = "tls/r.key"; },
  { chain = "tls/d.pem"; key = "tls/d.key"; } ); };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; tls = true; },
  { address = "127.0.0.2:%%PORT_also%%"; tls = "also"; },
  { address = "127.0.0.3:%%PORT_modern%%";
    tls = { profile = "modern"; unknown_name = "refuse"; }; },
  { address = "127.0.0.4:%%PORT_echo%%"; protocol = "echo"; tls = true; },
  { address = "127.0.0.5:%%PORT_proxied%%"; tls = true;
    proxy_protocol = [ "127.0.0.0/8" ]; } );
sites = ( { routes = (
  { path = "/who"; handler = "respond"; body = "${scheme} ${remote_addr}\n"; },
  { path = "/"; handler = "respond"; body = "${scheme} ${path}\n"; } ); } );
E
my $request = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

# The body that comes over a handshake with these arguments.
sub body (@args) {
	return s_client($s->address, $request, @args) =~ /^(https .*)$/m ? $1 : '';
}

subtest 'suites' => sub {
	for my $suite (qw(TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384
		TLS_CHACHA20_POLY1305_SHA256)) {
		is body('-ciphersuites', $suite), 'https /a', $suite;
	}
	for my $key (qw(ECDSA RSA)) {
		for my $suite (map { "ECDHE-$key-$_" } qw(AES128-GCM-SHA256
			AES256-GCM-SHA384 CHACHA20-POLY1305)) {
			my $out = s_client($s->address, $request, '-tls1_2',
				'-cipher', $suite);

			like $out, qr/^https \/a$/m, $suite;
			like $out, qr/Cipher is $suite$/m, 'and it is that';
		}
	}
};

subtest 'groups and keys' => sub {
	for my $group (qw(X25519 P-256 P-384)) {
		is body('-groups', $group), 'https /a', $group;
		is body('-groups', $group, '-tls1_2'), 'https /a', "$group, 1.2";
	}
	for my $v ('-tls1_2', '-tls1_3') {
		my $out = s_client($s->address, $request, $v, '-servername',
			'x.wild.example');

		like $out, qr/^subject=CN = ed\.example$/m, "Ed25519, $v";
		like $out, qr/^https \/a$/m, 'and it serves';
	}
	is body('-sigalgs', 'rsa_pss_rsae_sha256'), 'https /a', 'RSA-PSS';
	is body('-sigalgs', 'rsa_pkcs1_sha256', '-tls1_2'), 'https /a', 'PKCS 1';
	is body('-sigalgs', 'rsa_pss_rsae_sha512'), 'https /a', 'SHA-512';
};

subtest 'names' => sub {
	my %subjects = (
		'localhost' => 'localhost',
		'LocalHost' => 'localhost',
		'ed.example' => 'ed.example',
		'a.wild.example' => 'ed.example',
		'a.b.wild.example' => 'localhost',
		'wild.example' => 'localhost',
		'nobody.example' => 'localhost',
	);

	for my $name (sort keys %subjects) {
		like s_client($s->address, $request, '-servername', $name),
			qr/^subject=CN = \Q$subjects{$name}\E$/m, $name;
	}
	like s_client($s->address, $request, '-noservername'),
		qr/^subject=CN = localhost$/m, 'none';
	like s_client($s->address('modern'), $request, '-servername',
		'nobody.example'), qr/unrecognized name/,
		'a name that nobody has is refused where it should be';
	like s_client($s->address('modern'), $request, '-servername',
		'ed.example'), qr/^https \/a$/m, 'and one that is there is not';
};

subtest 'what is not spoken' => sub {
	like s_client($s->address('modern'), $request, '-tls1_2'),
		qr/alert protocol version/, 'TLS 1.2 with the modern profile';
	like s_client($s->address, $request, '-tls1_1', '-cipher',
		'ALL:@SECLEVEL=0'), qr/alert protocol version/, 'TLS 1.1';
	like s_client($s->address, $request, '-tls1_2', '-cipher',
		'ECDHE-RSA-AES128-SHA'), qr/alert handshake failure/, 'CBC';
	like s_client($s->address, $request, '-alpn', 'h2'),
		qr/alert no application protocol/, 'HTTP/2';
	like s_client($s->address, $request, '-alpn', 'h2,http/1.1'),
		qr/ALPN protocol: http\/1\.1/, 'but HTTP/1.1 beside it';
	$s->allow_log(qr/a TLS handshake has failed/);
};

subtest 'without TLS' => sub {
	my $client = $s->client;
	$client->send($request);
	my $r = $client->response;

	is $r->status, 400, 'a request to a TLS port is answered';
	like $r->body, qr/speaks HTTPS/, 'with what is wrong';
	ok $client->at_end, 'and that is the end';
	is $s->client('also')->get('/b')->body, "http /b\n",
		'a port may take both';
	like s_client($s->address('also'), $request), qr/^https \/a$/m,
		'TLS, too';
};

subtest 'sessions are resumed' => sub {
	my $file = $s->path('session');

	for my $v ('-tls1_2', '-tls1_3') {
		like s_client($s->address, $request, $v, '-sess_out', $file),
			qr/^New, /m, "a new one, $v";
		$s->reload;
		like s_client($s->address, $request, $v, '-sess_in', $file),
			qr/^Reused, .*^https \/a$/ms, 'by another generation';
		like s_client($s->address, $request, $v, '-sess_in', $file,
			'-servername', 'ed.example'), qr/^New, .*^https \/a$/ms,
			'not for another name';
	}
	# TLS 1.3, that listener's version.
	like s_client($s->address('modern'), $request, '-sess_in', $file,
		'-servername', 'localhost'), qr/^New, /m, 'nor by another policy';
};

my $introduced = <<'P';
import socket, ssl, sys, time
host, port = sys.argv[1].rsplit(":", 1)
raw = socket.create_connection((host, int(port)))
raw.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n")
if sys.argv[2] == "late":
    time.sleep(0.2)
tls = ssl._create_unverified_context().wrap_socket(raw)
tls.sendall(b"GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
while data := tls.read(4096):
    print(data.decode(), end="")
P

subtest 'behind a proxy that says who its client is' => sub {
	for my $when (qw(late soon)) {
		my ($exit, $out, $err) = Holdfast::Command->new(['python3', '-c',
			$introduced, $s->address('proxied'), $when])->wait;

		like $out, qr/^https 192\.0\.2\.7$/m, "the handshake is $when";
	}
	my $client = $s->client('proxied');

	$client->send("GET / HTTP/1.1\r\n\r\n");
	ok $client->at_end, 'without that it is refused';
	$s->expect_log(qr/its PROXY protocol header/);
};

subtest 'other clients' => sub {
	my ($exit, $out, $err) = Holdfast::Command->new(['curl', '-sS', '--cacert',
		$s->path('tls/e.pem'), '--resolve', 'localhost:' . $s->port
		. ':127.0.0.1', 'https://localhost:' . $s->port . '/curl'])->wait;

	is "$exit $out", "0 https /curl\n", 'curl';
	($exit, $out, $err) = Holdfast::Command->new(['node', '-e',
		'require("https").get({host:"127.0.0.1",port:'
		. $s->port . ',path:"/node",rejectUnauthorized:false},'
		. 'r=>r.on("data",d=>process.stdout.write(d)))'])->wait;
	is $out, "https /node\n", 'node';
	($exit, $out, $err) = Holdfast::Command->new(['gnutls-cli', '--insecure',
		'--inline-commands', '-p', $s->port('echo'), '127.0.0.4'],
		input => "one\n^rekey^\ntwo\n")->wait;
	like $out, qr/^one\n.*^two\n/ms, 'gnutls-cli, that updates its keys';
};

$s->finish;
done_testing;
