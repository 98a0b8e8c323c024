# SPDX-License-Identifier: BSD-2-Clause
#
# Socket activation: systemd holds the address, the first client starts the
# service, and the service takes the listener over by its address.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast::Systemd;
use Holdfast::Wait;

my $systemd = Holdfast::Systemd->boot(
	socket => <<'UNIT', conf => <<'CONF');
[Socket]
ListenStream=/run/web.sock
UNIT
workers = 1;
listeners = (
	{ address = "127.0.0.1:8080"; },
	{ address = "127.0.0.1:80"; },
	{ address = "unix:/run/web.sock"; }
);
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "here"; }
); } );
CONF
my $unix = "unix:/proc/$systemd->{init}/root/run/web.sock";

is $systemd->systemctl('start', 'holdfast.socket'), 0, 'the socket listens';
is $systemd->property('ActiveState'), 'inactive', 'nothing serves';

my $early = $systemd->client(8080);
is $early->get('/', Connection => 'close')->body, 'here',
	'the first client is answered';
ok wait_until { $systemd->property('ActiveState') eq 'active' }
	'the service that it started to be active';
is $systemd->get('/')->body, 'here', 'which binds the other address itself';
is(Holdfast::Client->new($unix)->get('/')->body, 'here',
	'and has the Unix socket from systemd too');

is $systemd->systemctl('reload', 'holdfast'), 0, 'a reload';
is $systemd->get('/', 8080)->body, 'here', 'keeps them';
is $systemd->systemctl('restart', 'holdfast'), 0, 'a restart';
is $systemd->get('/', 8080)->body, 'here', 'takes them again';

is $systemd->systemctl('stop', 'holdfast'), 0, 'a stop';
is $systemd->client(8080)->get('/')->body, 'here',
	'leaves them to systemd: the next client starts the service';
is(Holdfast::Client->new($unix)->get('/')->body, 'here',
	'and the Unix socket is where it was');

$systemd->finish;
done_testing;
