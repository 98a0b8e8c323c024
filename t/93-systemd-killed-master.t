# SPDX-License-Identifier: BSD-2-Clause
#
# A master that is killed is systemd's business: a new one serves, and nothing
# of the old one is left.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast::Proc qw(alive);
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
my @old = $systemd->processes;

is scalar @old, 3, 'a master and two workers';
$systemd->expect_log(qr{code=killed, status=9/KILL});
$systemd->allow_log(qr/the master is gone/);
is $systemd->systemctl(qw(kill -s KILL --kill-whom=main holdfast)), 0, 'kill';
ok wait_until {
	$systemd->property('NRestarts') == 1
		&& $systemd->property('ActiveState') eq 'active';
} 'systemd to start it again';
is $systemd->get('/')->body, 'here', 'it serves again';
is_deeply [grep { alive($_) } @old], [], 'no process of the old one is left';
is scalar(my @new = $systemd->processes), 3, 'a master and two workers';

$systemd->finish;
done_testing;
