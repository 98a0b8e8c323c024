# SPDX-License-Identifier: BSD-2-Clause
#
# A worker that is killed is the master's business: the service stays active.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast::Systemd;
use Holdfast::Wait;

my $systemd = Holdfast::Systemd->boot(conf => <<'CONF');
workers = 2;
listeners = ( { address = "127.0.0.1:80"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "here"; }
); } );
CONF

is $systemd->systemctl('start', 'holdfast'), 0, 'starts';
my $master = $systemd->master;
my ($victim) = $systemd->workers;

$systemd->expect_log(qr/worker \d+ \(pid \d+\) died: killed by signal 9/);
$systemd->allow_log(qr/workers are dying at startup/);
kill 'KILL', $victim;
ok wait_until {
	my @workers = $systemd->workers;
	@workers == 2 && !grep { $_ == $victim } @workers;
} 'the worker to be replaced';
is $systemd->property('ActiveState'), 'active', 'active';
is $systemd->property('NRestarts'), 0, 'systemd had nothing to do';
is $systemd->master, $master, 'the master is the same';
is $systemd->get('/')->body, 'here', 'and it serves';

$systemd->finish;
done_testing;
