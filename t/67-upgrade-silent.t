# SPDX-License-Identifier: BSD-2-Clause
#
# A listener that an upgrade removes lets in the clients that have connected and
# said nothing yet, and that the kernel has held back so far: none is reset. The
# same when the master is killed, by the workers alone.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Silent;
use Holdfast::Upgraded;

my ($one, $both) = (one_listener(), two_listeners());

subtest 'an upgrade' => sub {
	my $s = Holdfast::Upgraded->of(Holdfast->start(conf => $both));
	my $two = $s->address('two');
	my @silent = silent($two, 100);
	my $before = $s->status->{totals}{accepted};

	cmp_ok $before, '<', 100, 'the kernel holds back who says nothing';
	$s->write_conf($one);
	is +($s->run('upgrade'))[0], 0, 'the upgrade is done';
	is_deeply [map { $_->{address} } $s->status->{listeners}->@*],
		[$s->address('one')], 'the listener is gone';
	is answered(@silent[0 .. 49]), 50, 'clients that speak now are served';
	# Until then it lets them in.
	wait_until { !Holdfast::Client->try($two) } 'the address to be closed';
	is answered(@silent[50 .. 99]), 50, 'and those that speak later';
	is $s->follow, 0, 'the old master ends well';
	is $s->status->{totals}{handoff_damaged}, 0, 'nothing was damaged';
	$s->finish;
};

subtest 'the master is killed' => sub {
	my $s = Holdfast->start(conf => $both);
	my @silent = (silent($s->address('one'), 50),
		silent($s->address('two'), 50));

	cmp_ok $s->status->{totals}{accepted}, '<', 100,
		'the kernel holds back who says nothing';
	$s->allow_log(qr/worker \d+\[\d+\]: .*master/);
	$s->signal('KILL');
	wait_until { $s->logged(qr/the master is gone/) } 'the workers to know';
	is answered(@silent), 100, 'clients that speak now are served';
	$s->wait_end;
	$s->finish(exit => 'signal 9');
};

# It was letting some in for a reload, when it is killed.
subtest 'the master is killed while it lets some in' => sub {
	my $s = Holdfast->start(conf => $both);
	my @silent = silent($s->address('two'), 50);

	$s->allow_log(qr/worker \d+\[\d+\]: .*master/);
	$s->reload($one);
	$s->signal('KILL');
	wait_until { $s->logged(qr/the master is gone/) } 'the workers to know';
	is answered(@silent), 50, 'they are served';
	$s->wait_end;
	$s->finish(exit => 'signal 9');
};

done_testing;
