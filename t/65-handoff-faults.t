# SPDX-License-Identifier: BSD-2-Clause
#
# What may go wrong while connections move: new workers that die or hang
# before they are ready, a handoff that is full, workers that die with
# connections waiting for them, or have no descriptor for them. No connection
# is lost to any of it.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(max);
use Test::More;
use POSIX ();
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Hold;
use Holdfast::Proc qw(alive fd_targets proc_uids stop_process continue_process);

sub conf ($name, $more = 'limits = { header = "32k"; };') {
	return <<"E" . held_routes() . <<"F";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; } );
sites = ( { routes = (
  { path = "/who"; handler = "respond"; body = "$name \${query.x}"; },
E
); } );
$more
F
}

plan skip_all => 'needs prlimit' unless has_program('prlimit');

my $s = Holdfast->start(conf => conf('g1'), files => held_files());
my $generation = 1;

sub request ($x, @fields) {
	return Holdfast::Client->request_text('GET', "/who?x=$x", \@fields);
}

# How many of the connections answer, stay open, and are with $name.
sub good ($name, @clients) {
	my $good = 0;

	$clients[$_]->send(request($_)) for 0 .. $#clients;
	for my $i (0 .. $#clients) {
		last unless $clients[$i]->buffered ne '' ||
			eval { $clients[$i]->more(10 * slow()) };
		my $r = eval { $clients[$i]->response } // next;

		$good++ if $r->body =~ /^$name $i$/ && !$r->closes;
	}
	return $good;
}

sub crowd ($n) {
	my @clients = map { $s->client('http') } 1 .. $n;

	die 'no good beginning' if good('\w+', @clients) != $n;
	return @clients;
}

sub children_now ($pid) {
	open my $in, '<', "/proc/$pid/task/$pid/children"
		or return Holdfast::Proc::children($pid);
	return split ' ', readline($in) // '';
}

# A reload with one new worker that is caught by SIGSTOP before it is ready:
# (the command, the worker). It is caught in its first milliseconds, so that
# some trials miss it; of many workers, one is slow. The first new child is left
# alone: it may be the one that looks users up, before there are workers.
sub reload_and_catch () {
	for my $trial (1 .. 100) {
		my %old = map { $_ => 1 } children_now($s->master);

		$s->write_conf(conf('g' . ($generation + 1), 'workers = 24;'));
		my $command = $s->command('reload');
		my (%new, %stopped);

		until ($command->ended) {
			for my $pid (children_now($s->master)) {
				next if $old{$pid} || $new{$pid}++;
				next if keys %new == 1;
				kill 'STOP', $pid;
				$stopped{$pid} = 1;
			}
			next if keys %new < 24;
			my ($caught) = grep {
				$_->{state} eq 'starting' && $stopped{$_->{pid}}
			} $s->status->{workers}->@*;

			if ($caught) {
				continue_process(grep { $_ != $caught->{pid} }
					keys %stopped);
				return ($command, $caught->{pid});
			}
			last;
		}
		continue_process(grep { alive($_) } keys %stopped);
		$command->wait;
		$generation++;
		$s->wait_workers(24);
	}
	die "no new worker could be caught\n";
}

subtest 'a new worker that hangs before it is ready' => sub {
	my @clients = crowd(20);
	my ($command, $hung) = reload_and_catch();
	my $name = 'g' . $s->status->{generation};
	my @old = $s->workers;

	wait_until {
		1 == grep { $_->{state} eq 'starting' }
			$s->status->{workers}->@*
	} 'the others to be ready';
	is good($name, @clients), 20, 'clients of the old ones are served';
	is good($name, crowd(5)), 5, 'and new clients';
	ok !$command->ended, 'the reload waits';
	$s->expect_log(qr/reload failed: .*pid $hung/);
	kill 'KILL', $hung;
	my ($exit, $out, $err) = $command->wait;

	is $exit, 1, 'until the worker dies';
	like $err, qr/worker \d+ \(pid $hung\) died: killed by signal 9/,
		'and says so';
	is_deeply [$s->workers], \@old, 'the old workers are the same';
	$s->wait_workers(scalar @old);
	is good($name, @clients), 20, 'and serve their clients';
	is $s->status->{last_reload}{ok}, JSON::PP::false(),
		'status knows that it failed';
};
$generation = $s->status->{generation};

# From here on with two workers.
my $name;

sub next_generation (@more) {
	# Numbers are used up by failures, too; the name only has to differ.
	$name = 'n' . ++$generation;
	return conf($name, @more);
}

$s->reload(next_generation());
$s->wait_workers(2);

subtest 'thirty SIGHUPs in a second' => sub {
	plan skip_all => 'no compiler here' unless Holdfast::Hold::program();
	my $hold = Holdfast::Hold->start($s, connections => scaled(100),
		echoes => scaled(20));

	for my $n (1 .. 30) {
		$s->write_conf(next_generation());
		$s->signal('HUP');
		sleep 1 / 30;
	}
	wait_until { $s->get('/who?x=1')->body eq "$name 1" }
		'the last configuration';
	$hold->unnoticed('SIGHUPs');
	$s->wait_workers(2);
};

# A reload whose old workers do nothing yet, with the new ones stopped: nothing
# moves until the test lets it.
sub reload_stopped ($conf = next_generation()) {
	my @old = $s->workers;

	stop_process(@old);
	$s->reload($conf);
	my @new = $s->workers;

	stop_process(@new);
	return (\@old, \@new);
}

sub rows (@pids) {
	my %is_one = map { $_ => 1 } @pids;

	return grep { $is_one{$_->{pid}} } $s->status->{workers}->@*;
}

sub connections (@pids) {
	my $n = 0;

	$n += $_->{connections} for rows(@pids);
	return $n;
}

# Until the old workers move no more.
sub wait_stuck (@old) {
	my ($last, $same) = (-1, 0);

	wait_until {
		my $now = connections(@old);

		$same = $now == $last ? $same + 1 : 0;
		$last = $now;
		$same >= 5;
	} 'the handoff to be full';
	return $last;
}

# Of each, a head that has almost come; with bytes, messages are large.
sub half_asked ($n, $bytes) {
	my @clients = crowd($n);
	my $half = substr request('half', Filler => 'f' x $bytes), 0, -2;
	my $before = $s->status->{totals}{bytes_in};

	$_->send($half) for @clients;
	wait_until {
		$s->status->{totals}{bytes_in} >= $before + $n * length $half
	} 'all to be read';
	return @clients;
}

# By whom is left open: some may still be with the old workers.
sub rest_is_answered (@clients) {
	my $good = 0;

	$_->send("\r\n") for @clients;
	for my $client (@clients) {
		my $r = eval { $client->response } // next;

		$good++ if $r->body =~ /^\w+ half$/ && !$r->closes;
	}
	return $good;
}

# How many files a worker may have from now on. Only its own user, or one who
# may do more than root may everywhere, can say so.
sub limit_files ($n, @pids) {
	for my $worker (@pids) {
		my ($uids, $gids) = proc_uids($worker);
		my $pid = fork // die "fork: $!";

		if ($pid == 0) {
			POSIX::setgid($gids->[0]);
			POSIX::setuid($uids->[0]);
			exec 'prlimit', '--pid', $worker, "--nofile=$n:"
				or POSIX::_exit(127);
		}
		waitpid $pid, 0;
		die "prlimit fails\n" if $?;
	}
}

sub full_handoff ($rest, $n, $bytes, %opt) {
	my @clients = half_asked($n, $bytes);
	my ($old, $new) = reload_stopped();

	limit_files($opt{files}, @$old) if $opt{files};
	continue_process(@$old);
	my $left = wait_stuck(@$old);

	cmp_ok $left, '>', 0, 'some wait in the old workers';
	cmp_ok $left, '<', $n, 'the others have been sent';
	is connections(@$new), 0, 'nobody has taken them';
	$rest->(@$new);
	is rest_is_answered(@clients), $n, 'each is answered and stays open';
	$s->wait_workers(2);
	is scalar(grep { alive($_) } @$old), 0, 'the old workers are gone';
	is good($name, @clients), $n, 'the new ones answer the next request';
}

subtest 'a handoff that is full' => sub {
	full_handoff(sub (@new) { continue_process(@new) }, 600, 24_000);
};

subtest 'too many descriptors on their way' => sub {
	full_handoff(sub (@new) { continue_process(@new) }, 400, 0,
		files => 100);
};

subtest 'who should take them is killed' => sub {
	full_handoff(sub (@new) {
		$s->kill_worker($new[0]);
		wait_until { !alive($new[0]) } 'it to die';
		continue_process($new[1]);
	}, 600, 24_000);
	$s->allow_log(qr/workers are dying at startup/);
	full_handoff(sub (@new) {
		$s->kill_worker($_) for @new;
	}, 600, 24_000);
};

subtest 'no descriptors for them' => sub {
	my @clients = crowd(400);
	my ($old, $new) = reload_stopped();

	limit_files(21 + max(keys fd_targets($_)->%*), $_) for @$new;
	continue_process(@$new, @$old);
	my $taken = wait_stuck(@$new);

	cmp_ok $taken, '>', 0, 'some are taken';
	cmp_ok $taken, '<', 200, 'but only as many as there is room for';
	limit_files(1000, @$new);
	wait_until { connections(@$new) == 400 } 'all to arrive';
	pass 'all as soon as there is more';
	is good($name, @clients), 400, 'none was lost';
	$s->wait_workers(2);
	$s->allow_log(qr/accepting is paused/);
};

# The limit is for those who come, not for those who are there.
subtest 'a limit on connections that is lower than what there are' => sub {
	my @clients = crowd(100);

	$s->reload(next_generation('limits = { connections = 20; };'));
	$s->wait_workers(2);
	is good($name, @clients), 100, 'all are served';
	$s->allow_log(qr/accepting is paused/);
	$_->close for @clients;
	$s->reload(next_generation());
	is $s->get('/who?x=1')->body, "$name 1", 'and so are new ones';
};

# What they say is for the connection's life, not for the listener's.
subtest 'a listener that is gone' => sub {
	my @clients = crowd(6);
	my $echo = $s->client('echo');
	my $half = $s->client('http');
	my $other = '{ address = "127.0.0.3:%%PORT_other%%"; }';
	my $without = next_generation() =~
		s/(?<=listeners = \().*?(?=\);)/$other/sr;

	$echo->send('before');
	is $echo->read_bytes(6), 'before', 'echo, before';
	$half->send(substr request('0'), 0, 20);
	wait_until { $s->status->{connections} == 8 } 'all to be accepted';
	$s->reload($without);
	$s->wait_workers(2);
	# One that is on its way between two workers is counted by neither.
	wait_until { $s->status->{connections} == 8 } 'all to have moved';
	pass 'its connections are kept';
	for my $client (@clients[0 .. 2], $half) {
		$client->send($client == $half ? substr request('0'), 20
			: request('0'));
		my $r = $client->response;

		is $r->body, "$name 0", 'the next request is answered';
		ok $r->closes && $client->at_end, 'then it is closed, politely';
	}
	$echo->send('after');
	is $echo->read_bytes(5), 'after', 'echo goes on';
	$s->reload($without);
	$s->wait_workers(2);
	my $r = $clients[3]->get('/who?x=3');

	is $r->body, "$name 3", 'two reloads later as well';
	ok $r->closes && $clients[3]->at_end, 'closed, politely';
	for my $client (@clients[4, 5]) {
		$r = $client->get('/who?x=4');
		is $r->body, "$name 4", 'so is every other';
		ok $r->closes && $client->at_end, 'in the same way';
	}
	$echo->finish_sending;
	ok $echo->at_end, 'echo ends by itself';
	$_->close for @clients;
	wait_until { $s->status->{connections} == 0 } 'all to be gone';
};

$s->finish;
done_testing;
