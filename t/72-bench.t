# SPDX-License-Identifier: BSD-2-Clause
#
# The benchmark runs, and its tables and its JSON are what they should be.
# What the figures are is not for a test to say.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../scripts/bench/lib";
use JSON::PP ();
use Test::More;
use Holdfast;

use Bench::Compare qw(compare);

for my $program (qw(gcc taskset)) {
	plan skip_all => "no $program here" unless has_program($program);
}
plan skip_all => 'sanitizers make it slow for nothing'
	if binary_has_sanitizers();

my $dir = Holdfast::Dir->new;
my $json = $dir->path('bench.json');

# With HOLDFAST it builds and installs nothing.
sub bench (@args) {
	return Holdfast::Command->new(
		["$FindBin::Bin/../scripts/bench/run", @args],
		env => { HOLDFAST => binary() })->wait;
}

{
	my ($status, $out) = bench('--list');

	is $status, 0, '--list';
	like $out, qr/^\Q$_\E /m, "names $_" for qw(keepalive skew reload);
	like $out, qr/\bholdfast nginx\b/, 'and the servers';
}
{
	my ($status, $out, $err) = bench('nothing');

	isnt $status, 0, 'a workload that there is not is refused';
	like $err, qr/no such workload: nothing/, 'by its name';
}

my ($status, $out, $err) = bench('--quick', '--servers', 'holdfast,epoll_et',
	'--json', $json, 'keepalive', 'pipeline', 'form');

is $status, 0, 'a quick run' or diag $err, $out;
my $number = qr/\d+(?:\.\d+)?/;

for my $name (qw(holdfast epoll_et)) {
	like $out, qr/^$name \s+ $number \s+ \d+% \s+ $number \s+ $number \s+ \d+ \s/mx,
		"a row of $name";
}
like $out, qr/^keepalive:\ CPU\ to\ the\ bare.*<=\ 1\.08 \s+ $number \s+ (?:holds|misses)$/mx,
	'a target that was measured';
like $out, qr/^reload: requests lost .* not measured$/m, 'and one that was not';

my $result = JSON::PP::decode_json($dir->read('bench.json'));
my %workload = map { $_->{name} => $_ } $result->{workloads}->@*;

is join(' ', sort keys %workload), 'form keepalive pipeline',
	'the workloads that were asked for';
is join(' ', sort keys $workload{form}{figures}->%*), 'epoll_et holdfast',
	'with the servers that can do them';
for my $figure (qw(cpu rate p50 p99)) {
	my $values = $workload{keepalive}{figures}{epoll_et}{$figure};

	is scalar @$values, 1, "a value of $figure for each round";
	cmp_ok $values->[0], '>', 0, 'that is one';
}
is scalar $result->{targets}->@*, 21, 'every target is judged';

# Two builds; the same one is never worse than itself in its system calls.
{
	my ($status, $out, $err) = bench('--quick', '--before', binary(), 'connect',
		'respond');

	is $status, 0, 'beside another build' or diag $err, $out;
	for my $name (qw(connect respond)) {
		like $out, qr/^$name \s+ CPU \s+ $number \s+ $number\ to\ $number/mx,
			"the ratio of $name";
	}
	like $out, qr/^nothing is worse$/m, 'one round shows nothing';
	unlike $out, qr/^epoll_et/m, 'without others';
	($status, $out, $err) = bench('--before', '/nowhere/holdfast');
	isnt $status, 0, 'a binary that there is not is refused';
	like $err, qr{/nowhere/holdfast}, 'by its name';
}

# What is worse, of figures that are made up.
sub verdicts ($new, $old) {
	my $rows = compare({ workloads => [{ name => 'w', syscalls => {},
		figures => { holdfast => $new, before => $old } }] });

	return { map { $_->{what} => $_->{worse} } @$rows };
}

my @ten = (10) x 5;

is_deeply verdicts({ cpu => [10.1, 10.1, 10.2, 10.1, 10.1] }, { cpu => \@ten }),
	{ CPU => 0 }, 'within two per cent';
is_deeply verdicts({ cpu => [10.4, 10.5, 10.4, 10.3, 10.5] }, { cpu => \@ten }),
	{ CPU => 1 }, 'four per cent more in each round';
is_deeply verdicts({ cpu => [9, 12, 10.5, 8, 13] }, { cpu => \@ten }),
	{ CPU => 0 }, 'more in some rounds and less in others';
is_deeply verdicts({ cpu => [9, 9, 9, 9, 9] }, { cpu => \@ten }),
	{ CPU => 0 }, 'less';
is_deeply verdicts({ rate => [9, 9, 9, 9, 9] }, { rate => \@ten }),
	{ 'requests/s' => 1 }, 'fewer requests are worse';
is_deeply verdicts({ lost => [1, 1, 0, 2, 1] }, { lost => [(0) x 5] }),
	{ 'lost, which was 0' => 1 }, 'some where there were none';
is_deeply verdicts({ lost => [(0) x 5] }, { lost => [(0) x 5] }),
	{}, 'none as before';

SKIP: {
	my $calls = $workload{pipeline}{syscalls}{holdfast};

	skip 'nobody may trace here', 1 unless $calls;
	cmp_ok $calls->{sendto}, '<', 0.2, 'pipelined requests share a send';
}

done_testing;
