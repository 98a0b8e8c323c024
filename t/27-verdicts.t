# SPDX-License-Identifier: BSD-2-Clause
#
# Every verb is answered with its outcome: what cannot be done now is refused,
# with the reason, by the verb and in the log.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Wait;

my $s = Holdfast->start(conf => <<'E');
workers = 1;
timeouts = { linger = "20s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E

is_deeply [$s->run('reopen')], [0, "log files were reopened\n", ''],
	'reopen says what was done';

my @quits = map { $s->command('quit') } 1, 2;

ok wait_until { $s->status->{state} eq 'lingering' } 'a quit';
for my $verb (qw(reload upgrade)) {
	is_deeply [$s->run($verb)],
		[1, '', "refused: the server is shutting down\n"],
		"$verb is refused";
	$s->expect_log(qr/$verb refused: the server is shutting down/);
}
is $s->status->{state}, 'lingering', 'a second quit does not hurry the first';

# The last worker takes a second to end.
my ($worker) = $s->workers;

kill 'STOP', $worker;
my $stop = $s->command('stop');

ok wait_until { $s->status->{state} eq 'stopping' } 'a stop';
is_deeply [$s->run('reopen')], [1, '', "refused: the server is shutting down\n"],
	'reopen while stopping is refused';
$s->expect_log(qr/reopen refused: the server is shutting down/,
	qr/has not exited in time/);
is +($_->wait)[0], 0, 'the end was waited for' for @quits, $stop;
like +($stop->wait)[1], qr/^ended; /, 'and told';
$s->finish;
done_testing;
