# SPDX-License-Identifier: BSD-2-Clause
#
# A worker that is stuck in its loop leaves its stack in the log and is
# replaced; clients of the others notice nothing, whether their connections
# were there before or not. However many are stuck, and even if the whole
# server was at rest before, each is replaced in its time. One that is idle, or
# that was stopped for less than timeouts.watchdog, is left alone.
#
# Only a build for tests has a way to make a worker stick: SIGUSR2.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive stop_process continue_process);

my $conf = <<'E';
workers = 3;
timeouts = { watchdog = "%s"; };
listeners = (
  { address = "127.0.0.1:%%%%PORT_http%%%%"; },
  { address = "127.0.0.2:%%%%PORT_echo%%%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "${query.x}"; } ); } );
E

# How often a process has waited.
sub waits_of ($pid) {
	open my $in, '<', "/proc/$pid/status" or return '';
	return join ' ', grep { /ctxt_switches/ } readline $in;
}

# Requests on all of these and one on a new one; how long they took.
sub all_answered ($s, @clients) {
	my $start = now();

	push @clients, $s->client('http');
	$clients[$_]->send(Holdfast::Client->request_text('GET', "/?x=$_"))
		for 0 .. $#clients;
	for my $i (0 .. $#clients) {
		my $r = eval { $clients[$i]->response } // return undef;

		return undef if $r->body ne $i || $r->closes;
	}
	return now() - $start;
}

subtest 'a worker that is stuck' => sub {
	plan skip_all => 'only with configure --enable-test-hooks'
		unless binary_has_hooks();
	my $s = Holdfast->start(conf => sprintf $conf, '1s');

	wait_until { !grep { $_->{age_s} < 2 } $s->worker_rows }
		'workers to be old enough';
	my ($stuck, @others) = $s->workers;

	# It has as many connections as the others, who therefore give it none
	# in the moment before they know that it is stuck.
	my @its = map { $s->client_of($stuck, '/?x=its') } 1 .. 20;

	# Those of the others: it gets none while it is stopped.
	stop_process($stuck);
	my @clients = map { $s->client('http') } 1 .. 40;

	all_answered($s, @clients) or die 'no good beginning';
	kill 'USR2', $stuck;
	continue_process($stuck);
	my ($rounds, $slowest) = (0, 0);

	# They are busy until it is replaced.
	wait_until {
		my $took = all_answered($s, @clients);

		return 1 unless defined $took;
		$rounds++;
		$slowest = $took if $took > $slowest;
		!alive($stuck);
	} 'it to be replaced';
	ok !alive($stuck), 'it does not stay';
	cmp_ok $rounds, '>', 3, 'the clients of others are busy meanwhile';
	cmp_ok $slowest, '<', 1 * slow(), sprintf
		'and served at once: the slowest took %.3f s', $slowest;
	$s->expect_log(
		qr/worker 0 \(pid $stuck\) is stuck: no sign of life for \d+ ms/,
		qr/^\S+Z error worker 0\[$stuck\]: signal 6; the stack is:/,
		qr/^\S+Z error worker 0\[$stuck\]: \S*holdfast\(.*\bloop_run\b/,
		qr/worker 0 \(pid $stuck\) died: killed by signal 6/);
	$s->allow_log(qr/^\S+Z error worker 0\[$stuck\]: /);
	$s->wait_workers(3);
	my %now = map { $_ => 1 } $s->workers;

	is scalar(grep { $now{$_} } @others), 2, 'the others are the same';
	ok defined all_answered($s, @clients, @its), 'no connection was lost';
	is $s->status->{totals}{respawns}, 1, 'one was replaced';
	$_->close for @clients;
	$s->finish;
};

# At rest nobody looks; and SIGABRT does not reach one that is stopped.
subtest 'several, after a rest' => sub {
	plan skip_all => 'only with configure --enable-test-hooks'
		unless binary_has_hooks();
	my $s = Holdfast->start(conf => sprintf $conf, '1s');
	my ($busy, @stuck) = $s->workers;
	my ($rested, $last) = (now(), '');

	wait_until { !grep { $_->{age_s} < 2 } $s->worker_rows }
		'workers to be old enough';
	wait_until {
		my $now = join ' ', map { waits_of($_) } $s->master, $busy, @stuck;

		($rested, $last) = (now(), $now) if $now ne $last;
		now() - $rested > 2;
	} 'the server to come to rest';
	$s->expect_log(map { (qr/pid $_\) is stuck/,
		qr/pid $_\) has not exited in time; killing it/,
		qr/pid $_\) died: killed by signal 9/) } @stuck);
	$s->allow_log(qr/die young/);
	my $start = now();

	for my $pid (@stuck) {
		kill 'USR2', $pid;
		wait_until {
			grep { $_->{pid} == $pid && $_->{beat_age_ms} > 20 }
				$s->worker_rows;
		} 'it to be stuck';
		kill 'STOP', $pid;
	}
	# The watchdog goes on looking, because another worker is busy.
	wait_until {
		$s->get('/?x=1');
		!grep { alive($_) } @stuck
	} 'all to be replaced';
	my $took = now() - $start;

	# 1 s, two looks, and a second to write the stack.
	cmp_ok $took, '<', 4 * slow(), sprintf 'all are gone after %.1f s', $took;
	$s->wait_workers(3);
	is $s->get('/?x=1')->body, '1', 'and others serve';
	$s->finish;
};

# What waits hears what the master tells it; if it does not, it is stuck, too.
subtest 'one that does not hear' => sub {
	my $s = Holdfast->start(conf => sprintf $conf, '1s');
	my ($deaf) = $s->workers;

	wait_until { !grep { $_->{age_s} < 2 } $s->worker_rows }
		'workers to be old enough';
	stop_process($deaf);
	$s->expect_log(qr/pid $deaf\) is stuck/,
		qr/pid $deaf\) has not exited in time/, qr/pid $deaf\) died/);
	$s->signal('TTIN');	# the new one has the others look
	$s->kill_worker(($s->workers)[1]);
	wait_until { !alive($deaf) } 'it to be replaced';
	$s->wait_workers(4);
	$s->finish;
};

subtest 'workers that are not' => sub {
	my $s = Holdfast->start(conf => sprintf $conf, '3s');
	my @workers = $s->workers;
	my $start = now();

	# Stopped for about half of what is allowed, as a debugger would.
	stop_process(@workers);
	my $client = $s->client('http');

	$client->send(Holdfast::Client->request_text('GET', '/?x=1'));
	wait_until { now() - $start > 1.5 } 'a while to pass';
	continue_process(@workers);
	is $client->response->body, '1', 'continued, it serves';

	# Idle for longer than that.
	wait_until { now() - $start > 5.5 } 'the limit to pass';
	is_deeply [$s->workers], \@workers, 'all are the same';
	is scalar($s->logged(qr/stuck/)), 0, 'none was suspected';
	$client->close;
	$s->finish;
};

# All of it stands still and goes on, as on a machine that was suspended: who
# looks first must not take the others for stuck.
subtest 'a machine that was suspended' => sub {
	my $s = Holdfast->start(conf => sprintf $conf, '1s');
	my @workers = $s->workers;
	my $start = now();

	stop_process($s->master, @workers);
	wait_until { now() - $start > 2.5 } 'a while to pass';
	# The worst that may happen: the master goes on before the others do.
	kill 'CONT', $s->master;
	is $s->status->{state}, 'serving', 'the master goes on';
	kill 'CONT', @workers;
	is $s->get('/?x=1')->body, '1', 'the workers go on';
	$start = now();
	wait_until { now() - $start > 2.5 } 'the watchdog to look again';
	is_deeply [$s->workers], \@workers, 'they are the same';
	is scalar($s->logged(qr/stuck/)), 0, 'none was suspected';
	$s->finish;
};

done_testing;
