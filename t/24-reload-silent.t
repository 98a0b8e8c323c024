# SPDX-License-Identifier: BSD-2-Clause
#
# A listener that a reload removes lets in the clients that have connected and
# said nothing yet, and that the kernel has held back so far: none is reset.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Silent;

my ($one, $both) = (one_listener(), two_listeners());
my $s = Holdfast->start(conf => $both);
my $two = $s->address('two');
my @silent = silent($two, 100);
my $before = $s->status->{totals}{accepted};

cmp_ok $before, '<', 100, 'the kernel holds back who says nothing';
$s->reload($one);
is_deeply [map { $_->{address} } $s->status->{listeners}->@*],
	[$s->address('one')], 'the listener is gone';
is answered(@silent[0 .. 49]), 50, 'clients that speak now are served';
wait_until { $s->status->{totals}{accepted} >= 100 } 'the silent ones to be let in';
is answered(@silent[50 .. 99]), 50, 'and those that speak later';
wait_until { !Holdfast::Client->try($two) } 'the address to be closed';
wait_until { $s->workers == 2 } 'the old workers to end';
pass 'and then it is closed';

# Wanted back, while it is on its way out.
$s->reload($both);
$two = $s->address('two');
@silent = silent($two, 20);
$s->reload($one);
$s->reload($both);
is $s->address('two'), $two, 'a listener that comes back keeps its port';
is answered(@silent), 20, 'and nobody notices';
wait_until { $s->workers == 2 } 'the old workers to end';
is answered(silent($two, 5)), 5, 'it serves on';

$s->finish;
done_testing;
