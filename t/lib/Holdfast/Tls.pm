# SPDX-License-Identifier: BSD-2-Clause
#
# Certificates for tests of TLS, made by openssl(1) once in a test, and clients.
package Holdfast::Tls;

use v5.36;
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);

use Holdfast::Command;
use Holdfast::Proc qw(children);
use Holdfast::Wait;

our @EXPORT_OK = qw(tls_files make_certificate has_tls_programs keepers
	s_client tls_clients);

sub has_tls_programs () {
	return !grep { my $p = $_; !grep { -x "$_/$p" } split /:/, $ENV{PATH} }
		qw(openssl curl python3);
}

our $days = 30;

my %algorithms = (
	ec => [qw(ec -pkeyopt ec_paramgen_curve:P-256)],
	rsa => ['rsa:2048'],
	ed25519 => ['ed25519'],
);

# ($certificate, $key), in PEM, of that kind, for those names.
sub make_certificate ($kind, @names) {
	my $dir = tempdir(CLEANUP => 1);
	my ($exit, $out, $err) = Holdfast::Command->new(['openssl', 'req',
		'-x509', '-nodes', '-newkey', $algorithms{$kind}->@*,
		'-subj', "/CN=$names[0]", '-days', $days,
		'-addext', 'subjectAltName=' . join(',', map { "DNS:$_" } @names),
		'-keyout', "$dir/key", '-out', "$dir/pem"])->wait;

	die "openssl req: $err" if $exit ne '0';
	return map { open my $in, '<', "$dir/$_" or die; local $/; readline $in }
		qw(pem key);
}

# The files of a certificate, for Holdfast->start(files => {...}): tls/NAME.pem
# and tls/NAME.key.
sub tls_files ($name, $kind, @names) {
	my ($pem, $key) = make_certificate($kind, @names ? @names : 'localhost');

	return ("tls/$name.pem" => $pem, "tls/$name.key" => $key);
}

# The process ids of the keepers of a server's master. Nobody but root sees more
# of them than their status.
sub keepers ($s) {
	return grep {
		open my $in, '<', "/proc/$_/cmdline";
		$in && (readline($in) // '') =~ /holdfast: keeper/
	} children($s->master);
}

# What openssl s_client prints, when it sends that and waits for the end.
sub s_client ($address, $input, @args) {
	my $client = Holdfast::Command->new(['openssl', 's_client',
		'-connect', $address, '-ign_eof', @args], input => $input);
	my ($exit, $out, $err) = $client->wait;

	return $out . $err;
}

# Clients that never open a connection again: see t/tools/tls-clients.
sub tls_clients ($address, $n, %env) {
	my $tool = dirname(__FILE__) . '/../../tools/tls-clients';
	my $clients = Holdfast::Command->new(['python3', $tool, $address, $n],
		input => 'pipe', env => \%env);

	wait_until { $clients->out =~ /^ready$/m || $clients->ended }
		'the clients to be ready';
	die $clients->err if $clients->out !~ /^ready$/m;
	return $clients;
}

1;
