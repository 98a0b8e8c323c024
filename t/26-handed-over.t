# SPDX-License-Identifier: BSD-2-Clause
#
# A master that has handed over, and still drains, obeys its signals: USR1, TERM
# and INT.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive);
use Holdfast::Upgraded;
use Holdfast::Wait;

for my $signal (qw(INT TERM)) {
	my $s = Holdfast::Upgraded->of(Holdfast->start(conf => <<'E'));
workers = 1;
timeouts = { drain = "60s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E
	my $old = $s->master;
	my ($worker) = $s->workers;

	# It gives nothing away.
	kill 'STOP', $worker;
	is +($s->run('upgrade'))[0], 0, 'upgraded';
	is $s->get('/')->body, 'served', 'the new master serves';
	ok alive($old), 'the old one drains';
	kill 'USR1', $old;
	$s->wait_log(qr/log files were reopened/);
	if ($signal eq 'TERM') {
		kill 'TERM', $old;
		$s->wait_log(qr/draining for at most 60000 ms/);
		ok alive($old), 'TERM bounds the drain';
		# One that comes at once is the same request.
		select undef, undef, undef, 0.15;
		kill 'TERM', $old;
	} else {
		kill 'INT', $old;
	}
	$s->expect_log(qr/has not exited in time/);
	is $s->follow, 0, "$signal ends it";
	ok !alive($worker), 'with its worker';
	is $s->get('/')->body, 'served', 'the new master goes on';
	is $s->status->{state}, 'serving', 'as if nothing had happened';
	$s->finish;
}
done_testing;
