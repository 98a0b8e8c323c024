# SPDX-License-Identifier: BSD-2-Clause
#
# The benchmark runs, and its tables and its JSON are what they should be.
# What the figures are is not for a test to say.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;

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
is scalar $result->{targets}->@*, 12, 'every target is judged';

SKIP: {
	my $calls = $workload{pipeline}{syscalls}{holdfast};

	skip 'nobody may trace here', 1 unless $calls;
	cmp_ok $calls->{sendto}, '<', 0.2, 'pipelined requests share a send';
}

done_testing;
