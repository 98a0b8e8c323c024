# SPDX-License-Identifier: BSD-2-Clause
#
# Upgrades between programs whose formats of what moves differ in each kind, to
# the next release and back, under clients that never open a connection again:
# they notice nothing. What the other program does not understand at all stays
# where it is, for as long as it lasts.
#
# HOLDFAST_TEST_LONG=1: four times as many upgrades.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Hold;
use Holdfast::Proc qw(alive);
use Holdfast::Upgraded;

plan skip_all => 'only in a build: t/tools/holdfast_shifted'
	if grep { !defined program($_) } qw(shifted foreign);
plan skip_all => 'no compiler here' unless Holdfast::Hold::program();

sub program ($name) { return Holdfast::Upgraded::program($name) }

subtest 'one that knows both formats' => sub {
	my $s = Holdfast::Upgraded->start(
		conf => held_conf('timeouts = { drain = "2s"; };'),
		files => held_files());
	my $hold = Holdfast::Hold->start($s, connections => scaled(300),
		echoes => scaled(60));
	# To the next release, within it (in its own format), and back.
	my @next = (qw(shifted shifted normal normal)) x
		($ENV{HOLDFAST_TEST_LONG} ? 8 : 2);
	my @failed;

	for my $name (@next) {
		$s->install(program($name));
		my ($exit, $out, $err) = $s->run('upgrade');

		push @failed, "to $name: $exit $err" if $exit ne '0';
		push @failed, "from there to $name: ended with $_"
			for grep { $_ ne '0' } $s->follow;
		sleep 0.3;
	}
	$hold->unnoticed(@next . ' upgrades');
	is_deeply \@failed, [], 'each went well';
	my $totals = $s->status->{totals};

	is $totals->{handoff_damaged}, 0, 'no message was damaged';
	is $totals->{kept_for_format}, 0, 'nothing had to stay';
	is $totals->{connections_cut}, 0, 'nothing was cut';
	$s->finish;
};

subtest 'one that knows only its own' => sub {
	my $s = Holdfast::Upgraded->start(
		conf => held_conf('timeouts = { drain = "1s"; };'),
		files => held_files());
	my @idle = map { $s->client('http') } 1 .. 20;
	my $echo = $s->client('echo');
	my $old = $s->master;

	is scalar(grep { $_->get('/q?x=1')->body ne '1' } @idle), 0, 'before';
	$echo->send('x');
	is $echo->read_bytes(1), 'x', 'echo';
	$s->allow_log(qr/the old master's workers keep their connections/);
	$s->install(program('foreign'));
	is +($s->run('upgrade'))[0], 0, 'the upgrade is done';
	is $s->get('/q?x=new')->body, 'new', 'new clients are served';
	my $new = $s->status->{pid};

	isnt $new, $old, 'by the new master';
	# Longer than they would have if they were to end.
	$s->wait_log(qr/info\ worker\ \d+\[\d+\]:\ \d+\ connections\ are\ served\ to
		\ their\ end\ here:\ \d+\ in\ a\ state\ that\ the\ new\ workers
		\ do\ not\ understand$/x);
	my $until = now() + 3;

	while (now() < $until) {
		is scalar(grep { $_->get('/q?x=1')->body ne '1' } @idle), 0,
			'those before are served on, by the old workers';
		$echo->send('x');
		is $echo->read_bytes(1), 'x', 'echo too';
		sleep 1;
	}
	ok alive($old), 'whose master is there as long as they are';
	$_->close for @idle, $echo;
	is $s->follow, 0, 'and no longer: the old master ends well';
	ok eval { wait_until {
		$s->status->{totals}{kept_for_format} == 21
	} 'the count' }, 'each was counted'
		or diag $s->status->{totals}{kept_for_format};
	is $s->status->{totals}{handoff_damaged}, 0, 'nothing was damaged';
	is $s->status->{totals}{connections_cut}, 0, 'nothing was cut';

	# Within the other format everything moves.
	my $client = $s->client('http');

	$client->get('/q?x=1');
	is +($s->run('upgrade'))[0], 0, 'an upgrade to the same';
	is $s->follow, 0, 'the old one ends at once';
	is $client->get('/q?x=2')->body, '2', 'with its connections';
	$s->finish;
};

# As masters did before there were formats: it says that it is ready, and no
# more. It does not serve, and ends with the old one.
subtest 'one that says nothing of formats' => sub {
	my $s = Holdfast::Upgraded->start(
		conf => held_conf('timeouts = { drain = "1s"; };'),
		files => held_files());
	my @idle = map { $s->client('http') } 1 .. 20;

	is scalar(grep { $_->get('/q?x=1')->body ne '1' } @idle), 0, 'before';
	my $ready = unpack 'H*', pack 'LLQZ*', 1, 5, 0, '';

	$s->install(<<"E");
#!$^X
open my \$channel, '+<&=', \$ENV{HOLDFAST_UPGRADE} or die;
syswrite \$channel, pack 'H*', '$ready';
# It does not wait in a read.
while (1) {
	my \$n = sysread \$channel, my \$bytes, 100000;

	last if defined \$n && \$n == 0;
	select undef, undef, undef, 0.02 unless \$n;
}
E
	is +($s->run('upgrade'))[0], 0, 'the upgrade is done';
	$s->wait_log(qr/info worker \d+\[\d+\]: \d+ connections are served to/);
	my $until = now() + 2;

	while (now() < $until) {
		is scalar(grep { $_->get('/q?x=1')->body ne '1' } @idle), 0,
			'the clients are served on, by the old workers';
		sleep 0.5;
	}
	$_->close for @idle;
	is $s->wait_end, 0, 'the old master ends well when they have gone';
	$s->finish;
};

done_testing;
