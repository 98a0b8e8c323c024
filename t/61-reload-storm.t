# SPDX-License-Identifier: BSD-2-Clause
#
# A reload every 300 ms, with other numbers of workers, listeners that come
# and go and configurations that are refused, under clients that never open a
# connection again: they notice nothing, and nothing is left behind.
#
# HOLDFAST_TEST_LONG=1: for 30 seconds, not 10.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Hold;
use Holdfast::Proc qw(children fds anonymous_kb);

plan skip_all => 'no compiler here' unless Holdfast::Hold::program();

my $seconds = $ENV{HOLDFAST_TEST_LONG} ? 30 : 10;
my $third = '  { address = "127.0.0.3:%%PORT_third%%"; }';
my @broken = (
	['what cannot be parsed', 'workers = ;'],
	['an unknown setting', 'wrokers = 3;'],
	['an address that is not ours', '', listeners =>
		'  { address = "192.0.2.1:1"; }'],
	['a log that cannot be opened',
		'log = { error = "%%DIR%%/none/log"; };'],
);

sub good ($n) {
	return held_conf('workers = ' . (1, 2, 4, 3)[$n % 4] . ';',
		$n % 3 == 1 ? (listeners => $third) : ());
}

my $s = Holdfast->start(conf => good(1), files => held_files());

$s->allow_log(qr/reload failed|holdfast\.conf:\d+/);
my ($good, $wrongly_refused, $wrongly_taken) = (1, 0, 0);

# Every fifth is refused.
sub reload_once ($n) {
	if ($n % 5 == 3) {
		my ($why, @conf) = $broken[$n / 5 % @broken]->@*;

		$s->write_conf(held_conf(@conf));
		return if ($s->run('reload'))[0] eq '1';
		$wrongly_taken++;
		diag "taken: $why";
	} else {
		$s->write_conf(good(++$good));
		my ($exit, $out, $err) = $s->run('reload');

		return if $exit eq '0';
		$wrongly_refused++;
		diag "refused: $err";
	}
}

# Once each: what the master needs for them, it has then.
reload_once($_) for 1 .. 5 * @broken;
$s->reload(good(1));
$s->wait_workers(2);
my ($kb, $files) = (anonymous_kb($s->master), fds($s->master));
my $hold = Holdfast::Hold->start($s, connections => scaled(500),
	echoes => scaled(100));
my $end = now() + $seconds;
my $before = $good;

for (my ($n, $next) = (1, now()); now() < $end && !$hold->ended; $n++) {
	reload_once($n);
	$next += 0.3;
	sleep $next - now() if $next > now();
	$next = now() if $next < now();
}
my $reloads = $good - $before;
my $generation = $s->status->{generation};

is scalar(grep { $_->{generation} < $generation - 1 }
	$s->status->{workers}->@*), 0,
	'no worker is older than one generation';
my $held = $hold->unnoticed("$reloads reloads");

cmp_ok $reloads, '>=', 10, 'they were many';
is $wrongly_refused, 0, 'each that could be done was';
is $wrongly_taken, 0, 'and none that could not';

# What has to be left: as few workers as the last configuration says.
$s->reload(good(1));
my $status = $s->wait_workers(2) && $s->status;

is scalar(children($s->master)), 2, 'there are no other processes';
is $status->{totals}{requests}, $held->{requests},
	'each request was counted once';
is $status->{totals}{accepted}, $held->{served},
	'and so was each connection';
is $status->{totals}{respawns}, 0, 'no worker died';
is scalar($s->logged(qr/generations at once/)), 0,
	'old workers did not pile up';
cmp_ok anonymous_kb($s->master), '<=', $kb + 256, 'the master has not grown'
	unless binary_has_sanitizers();
wait_until { $s->status->{connections} == 0 } 'all clients to be gone';
ok eval { wait_until { fds($s->master) <= $files } 'the files', 10 },
	'nor has it more files open';

$s->finish;
done_testing;
