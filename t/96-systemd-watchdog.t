# SPDX-License-Identifier: BSD-2-Clause
#
# The master reports to systemd's watchdog; one that hangs is replaced.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast::Proc qw(stop_process);
use Holdfast::Systemd;
use Holdfast::Wait;

my $seconds = 2 * slow();
my $systemd = Holdfast::Systemd->boot(
	service => "WatchdogSec=$seconds\n", conf => <<'CONF');
workers = 1;
listeners = ( { address = "127.0.0.1:80"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "here"; }
); } );
CONF

sub reported () {
	return $systemd->property('WatchdogTimestampMonotonic');
}

is $systemd->systemctl('start', 'holdfast'), 0, 'starts';
my $first = reported();

ok wait_until { reported() > $first + 1.2e6 * $seconds }
	'reports for longer than the time it has';
is $systemd->property('NRestarts'), 0, 'and is left alone';

$systemd->expect_log(qr/code=(?:killed|dumped), status=6.ABRT/);
$systemd->expect_log(qr/signal 6; the stack is:/);
$systemd->allow_log(qr/the master is gone/, qr/master\[\d+\]: \S+\(.*\) \[0x/);
stop_process($systemd->master);
ok wait_until {
	$systemd->property('NRestarts') == 1
		&& $systemd->property('ActiveState') eq 'active';
} 'a master that hangs to be replaced';
is $systemd->get('/')->body, 'here', 'it serves again';

$systemd->finish;
done_testing;
