# SPDX-License-Identifier: BSD-2-Clause
#
# The program is replaced once a second under clients that never open a
# connection again: they notice nothing; one master is left in the end, and
# it knows what all of them have done.
#
# HOLDFAST_TEST_LONG=1: for 20 seconds, not 6.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Hold;
use Holdfast::Proc qw(children fds);
use Holdfast::Upgraded;

plan skip_all => 'no compiler here' unless Holdfast::Hold::program();

my $seconds = $ENV{HOLDFAST_TEST_LONG} ? 20 : 6;
my $s = Holdfast::Upgraded->of(Holdfast->start(
	conf => held_conf('pid_file = "%%DIR%%/pid";'),
	files => held_files()));
my $first = $s->master;

# The first upgrade is before all: what a master has open that was not the
# first is what each has to have open.
is +($s->run('upgrade'))[0], 0, 'a first upgrade';
is $s->follow, 0, 'its old master ends well';
$s->wait_workers(2);
my $files = fds($s->master);
my $hold = Holdfast::Hold->start($s, connections => scaled(500),
	echoes => scaled(100));
my (@failed, @ended_badly);
my ($n, $end, $next) = (0, now() + $seconds, now());

while (now() < $end && !$hold->ended) {
	my ($exit, $out, $err) = $s->run('upgrade');

	push @failed, "$exit: $err" if $exit ne '0';
	push @ended_badly, grep { $_ ne '0' } $s->follow;
	$n++;
	# Sometimes a reload in between.
	$s->reload if $n % 3 == 0;
	$next += 1;
	sleep $next - now() if $next > now();
}
my $held = $hold->unnoticed("$n upgrades");

cmp_ok $n, '>=', 3, 'they were several';
is_deeply \@failed, [], 'each went well';
is_deeply \@ended_badly, [], 'each old master ended well';
$s->wait_workers(2);
my $status = $s->status;

isnt $s->master, $first, 'the master is another';
is scalar($s->processes), 3, 'one master and its workers are left';
is $s->dir->read('pid'), $s->master . "\n", 'the pid file says who it is';
is $status->{totals}{requests}, $held->{requests},
	'each request was counted once';
is $status->{totals}{accepted}, $held->{served},
	'and so was each connection';
is $status->{totals}{respawns}, 0, 'no worker died';
wait_until { $s->status->{connections} == 0 } 'all clients to be gone';
ok eval { wait_until { fds($s->master) <= $files } 'the files', 10 },
	'the last master has as many files open as the second had';

$s->finish;
done_testing;
