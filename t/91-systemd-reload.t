# SPDX-License-Identifier: BSD-2-Clause
#
# "systemctl reload" waits for the outcome and tells it; a bad configuration
# changes nothing.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast::Systemd;
use Holdfast::Wait;

sub conf ($answer, $more = '') {
	return <<~CONF;
	workers = 1;
	listeners = ( { address = "127.0.0.1:80"; } );
	sites = ( { routes = (
		{ path = "/"; handler = "respond"; body = "$answer"; }
	); } );
	$more
	CONF
}

my $systemd = Holdfast::Systemd->boot(conf => conf('one'));

is $systemd->systemctl('start', 'holdfast'), 0, 'starts';
is $systemd->get('/')->body, 'one', 'the first configuration';
my $master = $systemd->master;

$systemd->write_conf(conf('two'));
is $systemd->systemctl('reload', 'holdfast'), 0, 'a good reload';
is $systemd->get('/')->body, 'two', 'is in effect when systemctl returns';
is $systemd->property('ActiveState'), 'active', 'active';
like $systemd->property('StatusText'), qr/generation 2/,
	'the status names the new generation';
is $systemd->master, $master, 'the master is the same';

$systemd->expect_log(qr/lisseners: unknown setting/, qr/reload failed/);
$systemd->write_conf(conf('three', 'lisseners = ();'));
isnt $systemd->systemctl('reload', 'holdfast'), 0,
	'a bad reload fails, and systemctl with it';
is $systemd->property('ActiveState'), 'active', 'but the service is active';
like $systemd->property('StatusText'), qr/reload failed/,
	'the status says what happened';
like join("\n", $systemd->journal), qr/holdfast\.conf:\d+: .*lisseners/,
	'and the journal what is wrong in the file';
is $systemd->get('/')->body, 'two', 'nothing has changed';
is $systemd->master, $master, 'the master is the same';

# A reload whose outcome nobody waits for.
$systemd->write_conf(conf('four'));
is $systemd->systemctl(qw(kill -s HUP --kill-whom=main holdfast)), 0, 'HUP';
ok wait_until {
	$systemd->property('StatusText') =~ /generation [34]/
		&& $systemd->property('ActiveState') eq 'active'
} 'the status to name a new generation';
is $systemd->get('/')->body, 'four', 'which serves';
is $systemd->property('NRestarts'), 0, 'nothing was restarted';

$systemd->finish;
done_testing;
