# SPDX-License-Identifier: BSD-2-Clause
#
# Private keys are the keeper's: no worker and no master has one in its memory;
# handshakes wait while there is none, and go on; what does not fit is refused.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(decode_base64);
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Proc qw(continue_process proc_status stop_process);
use Holdfast::Tls qw(has_tls_programs keepers s_client tls_files);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my %files = (tls_files('e', 'ec'), tls_files('r', 'rsa', 'r.example'),
	tls_files('other', 'ec'));
my $conf = <<'E';
tls = { certificates = (
  { chain = "tls/e.pem"; key = "tls/e.key"; },
  { chain = "tls/r.pem"; key = "tls/r.key"; } ); };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; tls = true; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "served\n"; } ); } );
E
my $s = Holdfast->start(files => \%files, conf => $conf);
my $request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

sub serves (@args) {
	return s_client($s->address, $request, @args) =~ /^served$/m;
}

ok serves(), 'ECDSA';
ok serves('-servername', 'r.example'), 'RSA';
my @keepers = keepers($s);

is scalar(@keepers), 1, 'there is one keeper';

SKIP: {
	skip 'only root reads the memory of others', 3 if $> != 0;
	skip 'sanitizers have too much of it', 3 if binary_has_sanitizers();
	# The private number of the ECDSA key, as it lies in memory in either
	# order of bytes; and a piece of the PEM.
	my $secret = join '', map { chr hex } (split /[\s:]+/,
		(Holdfast::Command->new(['openssl', 'pkey', '-noout', '-text', '-in',
			$s->path('tls/e.key')])->wait)[1]
		=~ s/.*priv:\s*(.*?)\s*pub:.*/$1/sr);
	my ($line) = $files{'tls/e.key'} =~ /\n([^-\n]{64})\n/;

	is length($secret), 32, 'the key is known here';

	my sub has_key ($pid) {
		no warnings 'portable';
		open my $maps, '<', "/proc/$pid/maps" or return 'gone';
		open my $mem, '<:raw', "/proc/$pid/mem" or return 'closed';
		for my $map (readline $maps) {
			my ($from, $to) = $map =~ /^(\w+)-(\w+) r/ or next;
			my $bytes;

			next if $map =~ /\[v/;
			sysseek $mem, hex $from, 0;
			sysread $mem, $bytes, hex($to) - hex($from) or next;
			return 'has it' if index($bytes, $secret) >= 0
				|| index($bytes, scalar reverse $secret) >= 0
				|| index($bytes, $line) >= 0;
		}
		return 'clean';
	}
	is has_key($keepers[0]), 'has it', 'the search finds it in the keeper';
	is_deeply [map { has_key($_) } $s->master, $s->workers],
		['clean', 'clean', 'clean'], 'and nowhere else';
}
is +(stat "/proc/$keepers[0]/mem")[4], 0, 'nobody but root reads its memory';
like proc_status($keepers[0]), qr/^CapEff:\s*0+$/m, 'it has no capability';
like proc_status($keepers[0]), qr/^NoNewPrivs:\s*1$/m, 'and gets none';

subtest 'a keeper that is killed' => sub {
	$s->expect_log(qr/the keeper has died: starting another/);
	kill 'KILL', @keepers;
	ok serves(), 'is replaced';
	wait_until { keepers($s) == 1 } 'another keeper';
	isnt +(keepers($s))[0], $keepers[0], 'by another';
	ok serves('-servername', 'r.example'), 'which has all keys';
	@keepers = keepers($s);
};

subtest 'a handshake waits, and nothing else' => sub {
	my $served = $s->status->{totals}{requests};

	stop_process(@keepers);
	my $client = Holdfast::Command->new(['openssl', 's_client', '-connect',
		$s->address, '-ign_eof'], input => $request);
	wait_until { $s->status->{connections} == 1 } 'the connection';
	# One that is over before its signature has come leaves nothing behind.
	my $gone = Holdfast::Command->new(['openssl', 's_client', '-connect',
		$s->address], input => 'pipe');
	wait_until { $s->status->{connections} == 2 } 'another';
	kill 'KILL', $gone->pid;
	wait_until { $s->status->{connections} == 1 } 'its end';
	is $s->status->{totals}{requests}, $served, 'nothing is served';
	kill 'KILL', @keepers;
	like +($client->wait)[1], qr/^served$/m,
		'it is served by the next keeper';
	wait_until { keepers($s) == 1 } 'another keeper';
};

subtest 'a reload' => sub {
	my $pid = (keepers($s))[0];

	$s->reload($conf =~ s/e\.key/other.key/r =~ s/e\.pem/other.pem/r);
	ok serves(), 'with another key';
	is +(keepers($s))[0], $pid, 'has the same keeper';
};

subtest 'a key that does not fit' => sub {
	$s->write_conf($conf =~ s/r\.key/e.key/r);
	my ($exit, $out, $err) = $s->run('reload');

	isnt $exit, '0', 'is refused';
	like $err, qr{/tls/e\.key: the private key does not fit}, 'for that';
	ok serves(), 'and what was there goes on';
	$s->allow_log(qr/does not fit/);
	$s->write_conf($conf =~ s/e\.key/none.key/r);
	($exit, $out, $err) = $s->run('check');
	like $out . $err, qr{holdfast\.conf:\d+: .*/tls/none\.key: No such file},
		'one that is not there is found by check';
};

$s->finish;
done_testing;
