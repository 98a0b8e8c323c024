# SPDX-License-Identifier: BSD-2-Clause
#
# A worker that is stopped for ever holds up nothing for ever: whatever it was
# told (to stop, to finish, to move, to write its stack), it is killed when
# its time is over, which the log says.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive cpu_ticks stop_process);

my $conf = <<'E';
timeouts = { drain = "100ms"; watchdog = "%s"; };
listeners = ( { address = "127.0.0.1:%%%%PORT_http%%%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
# What is asked for, and whether the server ends by it.
my @cases = (['quit', 1], ['reload', 0], ['stop', 1]);

# Only a worker that does something can be found to be stuck; SIGUSR2 makes
# one busy for ever in a build for tests.
push @cases, ['the watchdog', 0] if binary_has_hooks();
my @begun;

# All at the same time, since each waits for seconds.
for my $case (@cases) {
	my ($name, $ends) = @$case;
	my $is_verb = $name !~ / /;
	my $s = Holdfast->start(conf => sprintf $conf, $is_verb ? '1h' : '1s');
	my ($stuck) = $s->workers;

	if (!$is_verb) {
		my $before = cpu_ticks($stuck);

		kill 'USR2', $stuck;
		wait_until { cpu_ticks($stuck) > $before + 5 } 'it to be busy';
	}
	stop_process($stuck);
	push @begun, [$name, $ends, $s, $stuck,
		$is_verb ? $s->command($name) : undef];
}

for my $begun (@begun) {
	my ($name, $ends, $s, $stuck, $command) = @$begun;

	subtest $name => sub {
		$s->expect_log(
			qr/\(pid $stuck\) has not exited in time; killing/);
		$s->allow_log(qr/\(pid $stuck\) is stuck/,
			qr/\(pid $stuck\) died: killed by signal (?:6|9)/);
		ok eval { wait_until { !alive($stuck) } 'its end', 30 * slow() },
			'it is killed' or diag $@;
		is +($command->wait)[0], 0, 'the command succeeds' if $command;
		if ($ends) {
			is $s->wait_end, 0, 'the server ends well';
		} else {
			$s->wait_workers(2);
			is $s->get('/')->body, 'ok', 'the others serve';
			is $s->status->{totals}{respawns}, $command ? 0 : 1,
				$command ? 'it is not replaced'
				: 'it was replaced';
		}
		$s->finish;
	};
}

done_testing;
