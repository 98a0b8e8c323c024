# SPDX-License-Identifier: BSD-2-Clause
#
# Certificates of clients: who is let in, what routes and logs know of them,
# also after a resumption and a move; and an OCSP response that is stapled.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Tls qw(has_tls_programs make_certificate s_client tls_files);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $s;

# In the directory of the server, before it starts.
sub openssl ($dir, @args) {
	my ($exit, $out, $err) = Holdfast::Command->new(['openssl', @args],
		dir => "$dir/tls")->wait;

	die "openssl @args: $err" if $exit ne '0';
	return $out;
}

sub make_clients ($d) {
	my $dir = $d->path;
	my @new = qw(req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256);

	openssl($dir, @new, '-x509', '-subj', '/CN=CA', '-keyout', 'ca.key',
		'-out', 'ca.pem');
	for my $name (qw(ada bob)) {
		openssl($dir, @new, '-subj', "/O=Example/CN=$name", '-keyout',
			"$name.key", '-out', "$name.csr");
		openssl($dir, qw(x509 -req -CA ca.pem -CAkey ca.key -set_serial),
			$name eq 'ada' ? '0x4ada' : '0x1b0b', '-in',
			"$name.csr", '-out', "$name.pem", '-days', '9');
	}
	openssl($dir, @new, '-x509', '-subj', '/CN=mallory', '-keyout',
		'mallory.key', '-out', 'mallory.pem');
	# bob's is revoked.
	open my $index, '>', "$dir/tls/index.txt" or die;
	print {$index} "R\t491231235959Z\t240101000000Z\t1B0B\tunknown\t/CN=bob\n";
	close $index;
	open my $conf, '>', "$dir/tls/ca.conf" or die;
	print {$conf} "[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\n",
		"default_md=sha256\ndefault_crl_days=9\n";
	close $conf;
	openssl($dir, qw(ca -config ca.conf -gencrl -keyfile ca.key -cert ca.pem
		-out crl.pem));
	# A response for the server's own certificate, which is its own CA.
	open $index, '>', "$dir/tls/own.txt" or die;
	my $serial = openssl($dir, qw(x509 -noout -serial -in e.pem)) =~ s/.*=|\n//gr;
	print {$index} "V\t491231235959Z\t\t$serial\tunknown\t/CN=localhost\n";
	close $index;
	openssl($dir, qw(ocsp -issuer e.pem -cert e.pem -reqout ocsp.req));
	openssl($dir, qw(ocsp -index own.txt -CA e.pem -rsigner e.pem -rkey e.key
		-reqin ocsp.req -respout e.ocsp -ndays 9));
}

$s = Holdfast->start(files => { tls_files('e', 'ec') },
	prepare => \&make_clients, conf => <<'E');
tls = { certificates = (
  { chain = "tls/e.pem"; key = "tls/e.key"; ocsp = "tls/e.ocsp"; } ); };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%";
    tls = { client = { verify = "optional"; ca = "tls/ca.pem";
                       crl = "tls/crl.pem"; }; }; },
  { address = "127.0.0.2:%%PORT_required%%";
    tls = { client = { verify = "required"; ca = "tls/ca.pem"; }; }; },
  { address = "127.0.0.3:%%PORT_none%%"; tls = true; } );
log = { access = "%%DIR%%/access.log";
        format = "${tls.version} ${tls.cipher} ${tls.sni} ${tls.client.subject}"; };
sites = ( { routes = (
  { path = "/"; handler = "respond";
    body = "[${tls.client.subject}] ${tls.client.issuer} ${tls.client.serial} r${tls.resumed}\n"; } ); } );
E
my $request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

sub asks ($listener, $client, @args) {
	my @files = defined $client
		? ('-cert', $s->path("tls/$client.pem"), '-key',
			$s->path("tls/$client.key")) : ();

	return s_client($s->address($listener), $request, @files, @args);
}

for my $v ('-tls1_2', '-tls1_3') {
	my $file = $s->path("session$v");

	like asks('http', 'ada', $v, '-sess_out', $file),
		qr/^\[CN=ada,O=Example\] CN=CA 4ada r0$/m, "a certificate, $v";
	like asks('http', 'ada', $v, '-sess_in', $file),
		qr/^\[CN=ada,O=Example\] CN=CA 4ada r1$/m, 'and resumed';
	like asks('none', undef, $v, '-sess_in', $file),
		qr/^\[\]   ?r0$/m, 'but not where none is asked for';
	like asks('http', undef, $v), qr/^\[\]   ?r0$/m, 'none is fine';
	unlike asks('http', 'bob', $v), qr/^\[/m, 'one that is revoked is not';
	unlike asks('http', 'mallory', $v), qr/^\[/m, 'nor one of another CA';
	like asks('required', 'bob', $v), qr/^\[CN=bob,O=Example\]/m,
		'without a list it is not revoked';
	unlike asks('required', undef, $v), qr/^\[/m, 'where one is required';
}
$s->allow_log(qr/a TLS handshake with/);

like asks('none', undef, '-status'), qr/OCSP Response Status: successful/,
	'the OCSP response is stapled';
wait_until {
	$s->dir->read('access.log') =~
		/^TLSv1\.3 TLS_AES_\d+_GCM_SHA\d+ - CN=ada,O=Example$/m;
} 'the log to have all that';

subtest 'after a move' => sub {
	my $client = Holdfast::Command->new(['openssl', 's_client', '-connect',
		$s->address, '-cert', $s->path('tls/ada.pem'), '-key',
		$s->path('tls/ada.key'), '-servername', 'localhost'],
		input => 'pipe');

	$client->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_until { $client->out =~ /CN=ada/ } 'the first response';
	$s->reload;
	$client->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	ok eval { wait_until { (() = $client->out =~ /^\[CN=ada,O=Example\]/mg) == 2 }
		'the second', 10; 1 }, 'the certificate is still known';
	$client->close_input;
	$client->wait;
};

$s->finish;
done_testing;
