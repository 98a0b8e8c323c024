# SPDX-License-Identifier: BSD-2-Clause
#
# Clients over TLS 1.2 and 1.3 that never open a connection again, some sending
# a byte at a time, some in the middle of a download or an upload, notice
# nothing of reloads, upgrades and keepers that are killed.
#
# HOLDFAST_TEST_LONG=1: 300 of them, through 36 rounds.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use JSON::PP qw(decode_json);
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Tls qw(has_tls_programs keepers s_client tls_clients tls_files);
use Holdfast::Upgraded;

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $long = $ENV{HOLDFAST_TEST_LONG};
my $rounds = $long ? 36 : 8;
my $n = $long ? 300 : scaled(60);
my $large = join '', map { sprintf "%07d\n", $_ * 7919 % 10_000_000 } 0 .. 999_999;
my $s = Holdfast::Upgraded->of(Holdfast->start(
	files => { tls_files('e', 'ec'), 'www/large' => $large },
	conf => <<'E'));
tls = { certificates = ( { chain = "tls/e.pem"; key = "tls/e.key"; } ); };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; tls = true; } );
sites = ( { routes = (
  { path = "/r"; handler = "respond"; methods = [ "GET" ]; body = "${query.x}"; },
  { path = "/form"; handler = "respond"; methods = [ "POST" ];
    body = "${form.x}"; },
  { path = "/f/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my $clients = tls_clients($s->address, $n, LARGE => sha256_hex($large));
my @failed;
my $session = $s->path('session');
my $request = "GET /r?x=y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

like s_client($s->address, $request, '-sess_out', $session), qr/^New, /m,
	'a session';

for my $round (1 .. $rounds) {
	if ($round % 4 == 0) {
		my ($exit, $out, $err) = $s->run('upgrade');

		push @failed, "upgrade: $err" if $exit ne '0';
		push @failed, grep { $_ ne '0' } $s->follow;
	} else {
		$s->reload;
	}
	if ($round % 3 == 0) {
		$s->allow_log(qr/the keeper has died: starting another/);
		kill 'KILL', keepers($s);
	}
	sleep 0.3;
}
$clients->write("\n");
my ($exit, $out, $err) = $clients->wait;
my $saw = decode_json($out =~ s/^ready\n//r);

like s_client($s->address, $request, '-sess_in', $session), qr/^Reused, /m,
	'it is resumed by the workers of another master';
is_deeply \@failed, [], 'reloads and upgrades went well';
is_deeply $saw->{faults}, [], 'no client noticed';
cmp_ok $saw->{requests}, '>', 3 * $n, "they had $saw->{requests} responses";
is $s->status->{totals}{accepted}, $n + 2, 'each had one connection';
$s->finish;
done_testing;
