# SPDX-License-Identifier: BSD-2-Clause
#
# `holdfast check` of settings of TLS, and of the certificates and keys that they
# name; and what `holdfast show` makes of them.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Tls qw(has_tls_programs tls_files);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $dir = Holdfast::Dir->new;
my $site = 'sites = ( { routes = ( { path = "/"; handler = "respond"; } ); } );';
my $listener = 'listeners = ( { address = "127.0.0.1:8443"; tls = true; } );';
my %files = (tls_files('e', 'ec'), tls_files('r', 'rsa', 'r.example'));

$dir->write($_, $files{$_}) for sort keys %files;

sub openssl (@args) {
	my ($exit, $out, $err) = Holdfast::Command->new(['openssl', @args],
		dir => $dir->path('tls'))->wait;

	die "openssl @args: $err" if $exit ne '0';
}

# What check says of these certificates, in line 2, without the path.
sub said ($certificates, $rest = $listener) {
	my $path = $dir->write('a.conf',
		"$site\ntls = { certificates = ( $certificates ); };\n$rest\n");
	my ($exit, $out, $err) = holdfast('-c', $path, 'check');
	my $base = $dir->path;

	return "$out$err" =~ s/\Q$base\E\///gr =~ s/^a\.conf: \d+ errors?\n//mr;
}

my $good = '{ chain = "tls/e.pem"; key = "tls/e.key"; }';
my $at = 'a.conf:2: tls.certificates[0]: ';

is said($good), "a.conf: ok\n", 'a certificate and its key';

my @new = qw(req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256);

openssl(@new, qw(-x509 -subj /CN=CA -keyout ca.key -out ca.pem));
openssl(@new, qw(-subj /CN=old -keyout old.key -out old.csr));
$dir->write('tls/index.txt', '');
$dir->write('tls/serial', "01\n");
$dir->write('tls/ca.conf', "[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\n"
	. "serial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n"
	. "unique_subject=no\n[p]\ncommonName=supplied\n");
my @ca = qw(ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -notext);

openssl(@ca, qw(-in old.csr -out old.pem -startdate 20200101000000Z
	-enddate 20210101000000Z));
openssl(@ca, qw(-in old.csr -out new.pem -startdate 20900101000000Z
	-enddate 20910101000000Z));
openssl(@ca, qw(-in old.csr -out sha1.pem -days 9 -md sha1));
openssl(qw(x509 -req -in old.csr -CA ca.pem -CAkey ca.key -set_serial 9 -days 9
	-out fine.pem));
openssl(qw(ec -in old.key -aes128 -passout pass:x -out locked.key));
chmod 0600, $dir->path("tls/$_") for qw(ca.key old.key locked.key);

my $e = $files{'tls/e.pem'};
my $slurp = sub ($name) {
	open my $in, '<', $dir->path("tls/$name") or die;
	local $/;
	readline $in;
};

$dir->write('tls/chain.pem', $slurp->('fine.pem') . $slurp->('ca.pem'));
$dir->write('tls/wrong.pem', $slurp->('fine.pem') . $e);
$dir->write('tls/open.key.txt', $files{'tls/e.key'});
$dir->write('tls/empty.pem', "\n");

my %cases = (
	'{ chain = "tls/chain.pem"; key = "tls/old.key"; }' => "a.conf: ok\n",
	'{ chain = "tls/e.pem"; key = "tls/r.key"; }' =>
		"${at}tls/r.key: the private key does not fit the certificate\n",
	'{ chain = "tls/e.pem"; }' =>
		"${at}tls/e.pem: there is no private key in PEM\n",
	'{ chain = "tls/e.pem"; key = "tls/none.key"; }' =>
		"${at}tls/none.key: No such file or directory\n",
	'{ chain = "tls"; key = "tls/e.key"; }' => "${at}tls: Is a directory\n",
	'{ chain = "tls/empty.pem"; key = "tls/e.key"; }' =>
		"${at}tls/empty.pem: there is no certificate in PEM\n",
	'{ chain = "tls/fine.pem"; key = "tls/locked.key"; }' =>
		"${at}tls/locked.key: the key is encrypted\n",
	'{ chain = "tls/new.pem"; key = "tls/old.key"; }' =>
		"${at}tls/new.pem: the certificate is not valid yet\n",
	'{ chain = "tls/sha1.pem"; key = "tls/old.key"; }' =>
		"${at}tls/sha1.pem: the certificate is signed with SHA-1, "
		. "which clients refuse\n",
	'{ chain = "tls/wrong.pem"; key = "tls/old.key"; }' =>
		"${at}tls/wrong.pem: the certificate is not signed by certificate "
		. "2 of the chain: the order is wrong, or one is missing\n",
	'{ chain = "tls/e.pem"; key = "tls/open.key.txt"; }' =>
		"${at}tls/open.key.txt: everybody can use this key: its mode is "
		. "0644\n",
	'{ chain = "tls/e.pem"; key = "tls/e.key"; ocsp = "tls/e.pem"; }' =>
		"${at}tls/e.pem: this is no OCSP response in DER\n",
	'{ key = "tls/e.key"; }' => "${at}needs a chain or a directory\n",
	'{ directory = "tls"; chain = "tls/e.pem"; }' =>
		"${at}a directory stands in place of chain, key and ocsp\n",
	'{ directory = "none"; }' => "${at}none: No such file or directory\n",
);

is said($_), $cases{$_}, $_ for sort keys %cases;
like said('{ chain = "tls/old.pem"; key = "tls/old.key"; }'),
	qr{^\Q$at\Etls/old\.pem: the certificate has expired, \d+ days ago$},
	'one that has expired';

subtest 'a directory' => sub {
	$dir->write('d/one.pem', $e . $files{'tls/e.key'}, 0600);
	$dir->write('d/two.crt', $files{'tls/r.pem'});
	$dir->write('d/two.key', $files{'tls/r.key'});
	$dir->write('d/README', 'none');
	is said('{ directory = "d"; }'), "a.conf: ok\n", 'of certificates';
	my ($exit, $out, $err) = holdfast('-c', $dir->path('a.conf'), 'show');

	like $out, qr{chain = "[^"]*/d/one\.pem";\s+key = "[^"]*/d/one\.pem"},
		'is what is in it: both in one file';
	like $out, qr{chain = "[^"]*/d/two\.crt";\s+key = "[^"]*/d/two\.key"},
		'or in two';
	$dir->write('shown.conf', $out);
	($exit, $out, $err) = holdfast('-c', $dir->path('shown.conf'), 'check');
	is $exit, 0, 'what is shown is a configuration' or diag $err;
	$dir->mkdir('empty');
	is said('{ directory = "empty"; }'),
		"${at}empty: there is no certificate in it\n", 'an empty one';
};

sub listens ($tls, $top = $good) {
	return said($top, 'listeners = ( { address = "127.0.0.1:1"; '
		. "tls = $tls; } );");
}

is listens('true', ''),
	"a.conf:3: listeners[0]: tls needs certificates, here or in the group tls\n",
	'no certificates';
is listens("{ certificates = ( $good ); }", ''), "a.conf: ok\n",
	'of the listener';
is listens('"also"'), "a.conf: ok\n", 'also';
is listens('"only"'), "a.conf:3: listeners[0].tls: "
	. "must be true, false or \"also\"\n", 'another word';
is listens('{ versions = [ "TLSv1.1" ]; }'), 'a.conf:3: listeners[0].tls.'
	. "versions[0]: must be \"TLSv1.2\" or \"TLSv1.3\"\n", 'an old version';
like listens('{ ciphers = [ "ECDHE-RSA-AES128-SHA" ]; }'),
	qr/ciphers\[0\]: must be the name of a suite/, 'an old suite';
like listens('{ ciphers = [ "TLS_AES_128_GCM_SHA256" ]; }'),
	qr/no suite is of TLSv1\.2, which is in versions/,
	'a version without a suite';
is listens('{ profile = "modern"; ciphers = [ "TLS_AES_128_GCM_SHA256" ]; }'),
	"a.conf: ok\n", 'but not where that is off';
like listens('{ client = { verify = "required"; }; }'), qr/needs a ca/,
	'clients of nobody';
like listens('{ client = { ca = "tls/ca.pem"; }; }'),
	qr/only for verify = "optional" or "required"/, 'nobody asks for them';

done_testing;
