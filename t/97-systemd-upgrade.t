# SPDX-License-Identifier: BSD-2-Clause
#
# "holdfast upgrade" in the service: systemd follows the new master, and no
# client notices.
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
my $client = $systemd->client;

is $client->get('/')->body, 'here', 'a client';
is $systemd->holdfast('upgrade'), 0, 'upgrade';
is $client->get('/')->body, 'here', 'the client has not noticed';
ok wait_until { !grep { alive($_) } @old } 'the old processes to end';
is $client->get('/')->body, 'here', 'the client still has not';
is scalar(my @new = $systemd->processes), 3, 'a master and two workers';
is $systemd->property('ActiveState'), 'active', 'active';
is $systemd->property('NRestarts'), 0, 'nothing was restarted';
like $systemd->property('StatusText'), qr/generation 2 serves/,
	'the status is that of the new master';

is $systemd->systemctl('reload', 'holdfast'), 0, 'which reloads';
like $systemd->property('StatusText'), qr/generation 3 serves/,
	'and says so';
is $client->get('/')->body, 'here', 'and the client has it still';
is $systemd->systemctl('stop', 'holdfast'), 0, 'a stop';
is $systemd->property('Result'), 'success', 'ends it';
is_deeply [grep { alive($_) } @new], [], 'and no process is left';

$systemd->finish;
done_testing;
