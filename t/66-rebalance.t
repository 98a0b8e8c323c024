# SPDX-License-Identifier: BSD-2-Clause
#
# Whatever made workers unequal - one was added, one was replaced, one did
# nothing for a while - two seconds later each has its share of the
# connections, within a fifth; then nothing moves any more. No client notices.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(sum min max);
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Hold;
use Holdfast::Proc qw(stop_process continue_process);

my $s = Holdfast->start(conf => held_conf(), files => held_files());

sub connections () {
	return map { $_->{connections} } $s->worker_rows;
}

sub moved () { return sum(map { $_->{handed_in} } $s->worker_rows) }

# Each within 20 % of the mean; of few connections one more is more than that.
sub is_even ($n, $workers) {
	my @have = connections();
	my $mean = $n / $workers;

	return @have == $workers && sum(@have) == $n &&
		min(@have) >= 0.8 * $mean - 1 && max(@have) <= 1.2 * $mean + 1;
}

sub becomes_even ($what, $n, $workers) {
	my $start = now();
	my $even = eval { wait_until { is_even($n, $workers) } 'x', 20 };
	my $took = now() - $start;

	ok $even, "$what: each has its share" or diag join ' ', connections();
	cmp_ok $took, '<', 2 * slow(), sprintf '%s: after %.1f s', $what,
		$took;

	my $moved = eval {
		my ($last, $since) = (moved(), now());

		wait_until {
			my $now = moved();

			($last, $since) = ($now, now()) if $now != $last;
			now() - $since > 0.5;
		} 'nothing to move', 10;
	};

	ok $moved, "$what: then nothing moves any more";
	ok is_even($n, $workers), "$what: and each still has its share"
		or diag join ' ', connections();
}

sub answered (@clients) {
	my $good = 0;

	$clients[$_]->send(Holdfast::Client->request_text('GET', "/q?x=$_"))
		for 0 .. $#clients;
	for my $i (0 .. $#clients) {
		my $r = eval { $clients[$i]->response };

		$good++ if $r && $r->body eq $i && !$r->closes;
	}
	return $good;
}

my @clients = map { $s->client('http') } 1 .. 400;

is answered(@clients), 400, '400 connections';
becomes_even('a burst', 400, 2);

subtest 'a worker more' => sub {
	$s->signal('TTIN');
	$s->wait_workers(3);
	becomes_even('one more', 400, 3);
	is answered(@clients), 400, 'nobody was lost';
};

subtest 'a worker less' => sub {
	my $gone = ($s->workers)[-1];

	$s->signal('TTOU');
	wait_until { !grep { $_->{pid} == $gone } $s->status->{workers}->@* }
		'it to go';
	becomes_even('one fewer', 400, 2);
	is answered(@clients), 400, 'nobody was lost';
};

subtest 'a worker that was stopped' => sub {
	my (undef, $other) = $s->workers;

	stop_process($other);
	my @more = map { $s->client('http') } 1 .. 400;

	continue_process($other);
	becomes_even('stopped', 800, 2);
	is answered(@clients, @more), 800, 'nobody was lost';
	$_->close for @more;
	wait_until { $s->status->{connections} == 400 } 'them to be gone';
	becomes_even('those that stay', 400, 2);
};

subtest 'a worker that was replaced' => sub {
	my ($victim) = $s->worker_rows;
	my $left = 400 - $victim->{connections};

	$s->allow_log(qr/workers are dying at startup/);
	$s->kill_worker($victim->{pid});
	wait_until { !grep { $_ == $victim->{pid} } $s->workers }
		'it to die';
	$s->wait_workers(2);
	becomes_even('replaced', $left, 2);
	my @open = grep { !$_->ended } @clients;

	is scalar(@open), $left, 'only its own connections are gone';
	is answered(@open), $left, 'the others work';
};
$_->close for @clients;
wait_until { $s->status->{connections} == 0 } 'all to be gone';

# Each of many has only a little more than its share; one has nothing.
subtest 'a worker beside many' => sub {
	$s->reload(held_conf('workers = 12;'));
	$s->wait_workers(12);
	my @many = map { $s->client('http') } 1 .. 600;

	is answered(@many), 600, '600 connections';
	becomes_even('twelve', 600, 12);
	$s->signal('TTIN');
	$s->wait_workers(13);
	becomes_even('the thirteenth', 600, 13);
	is answered(@many), 600, 'nobody was lost';
	$_->close for @many;
	$s->reload(held_conf());
	$s->wait_workers(2);
};

subtest 'busy connections' => sub {
	plan skip_all => 'no compiler here' unless Holdfast::Hold::program();
	my $hold = Holdfast::Hold->start($s, connections => scaled(100),
		echoes => scaled(20));

	for my $workers (3, 4, 3, 2) {
		my ($signal) = $workers > $s->workers ? 'TTIN' : 'TTOU';

		$s->signal($signal);
		$s->wait_workers($workers);
		ok eval { wait_until { is_even(scaled(100) + scaled(20),
			$workers) } 'x', 20 * slow() }, "$workers workers share"
			or diag join ' ', connections();
	}
	$hold->unnoticed('workers more and fewer');
};

$s->finish;
done_testing;
