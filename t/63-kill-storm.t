# SPDX-License-Identifier: BSD-2-Clause
#
# A random worker is killed every 500 ms: the connections that it held at
# that moment are lost with it, and no others; what the others say stays
# right, and in the end there are as many workers as there should be.
#
# HOLDFAST_TEST_LONG=1: for 20 seconds, not 6.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Hold;
use Holdfast::Proc qw(client_ports stop_process);

plan skip_all => 'no compiler here' unless Holdfast::Hold::program();

my $seconds = $ENV{HOLDFAST_TEST_LONG} ? 20 : 6;
my $workers = 12;
my $s = Holdfast->start(conf => held_conf("workers = $workers;"),
	files => held_files());

$s->allow_log(qr/workers are dying at startup/);

my $hold = Holdfast::Hold->start($s, connections => scaled(500),
	echoes => scaled(100), tolerate_closed => 1);
my (%doomed, $n);
my ($end, $next) = (now() + $seconds, now());

for ($n = 0; now() < $end && !$hold->ended; $n++) {
	my @pids = $s->workers;
	my $victim = $pids[rand @pids];

	# Stopped, it neither takes any more nor gives any away.
	stop_process($victim);
	$doomed{$_} = 1 for client_ports($victim);
	$s->kill_worker($victim);
	$next += 0.5;
	sleep $next - now() if $next > now();
}
my $held = $hold->unnoticed("$n killed workers");
my @others = grep { !$doomed{$_} } $held->{closed_ports}->@*;

cmp_ok $n, '>=', 2, 'they were several';
cmp_ok $held->{closed_by_server}, '>', 0, 'connections died with them';
is scalar(@others), 0, 'none that a worker had that lived'
	or diag explain [\@others, $held->{faults}];
cmp_ok $held->{closed_by_server}, '<', $held->{served},
	'some were never touched';
$s->wait_workers($workers);
is $s->status->{totals}{respawns}, $n, 'each was replaced';
is $s->get('/q?x=new')->body, 'new', 'and new clients are served';

$s->finish;
done_testing;
