# SPDX-License-Identifier: BSD-2-Clause
#
# The figures as text.
package Bench::Report;

use v5.36;
use Exporter qw(import);
use List::Util qw(sum0);

use Bench::Machine qw(server_cpus load_cpu);
use Bench::Statistics qw(median spread paired_ratio);
use Bench::Workloads qw(@sizes);

our @EXPORT_OK = qw(print_head print_table print_targets print_comparison);

sub _us ($us) { return sprintf $us < 100 ? '%.2f' : '%.0f', $us }
sub _ratio ($ratio) { return sprintf '%.2f', $ratio }
sub _percent ($share) { return sprintf '%.0f%%', $share * 100 }
sub _count ($n) { return sprintf $n < 100 ? '%.1f' : '%.0f', $n }
sub _mib ($bytes) { return sprintf '%.1f', $bytes / (1 << 20) }

# What may stand in a column: its heading, its figure, how it is written.
my @columns = (
	['p50 us', 'p50', \&_us], ['p99 us', 'p99', \&_us],
	['p99.9 us', 'p999', \&_us], ['quiet p99', 'quiet_p99', \&_us],
	['x', 'growth', \&_ratio], ['alone', 'alone', \&_us],
	['bytes/conn', 'per_connection', \&_count], ['PSS MiB', 'pss', \&_mib],
	['lost', 'lost', \&_count], ['closed', 'closed', \&_count],
	['told', 'told', \&_count], ['refused', 'refused', \&_count],
	['wrong', 'wrong', \&_count], ['late', 'late', \&_count],
	['busy', 'busy', \&_count], ['of', 'owned', \&_count],
	['others', 'others', \&_percent],
	map { ["$_", "cpu_$_", \&_us] } @sizes,
);

sub print_head ($result) {
	my ($machine, $version) = $result->@{qw(machine versions)};

	say "$result->{date}, $machine->{cpus} CPUs ($machine->{cpu}), ",
		"Linux $machine->{kernel} ($machine->{tcp}), ",
		"$result->{rounds} rounds";
	say join ', ', map { "$_ $version->{$_}" } sort keys %$version;
	say 'Servers of one worker on CPU ', server_cpus(1), ', of two on ',
		server_cpus(2), '; the clients on CPU ', load_cpu(), '.';
}

# Rows of cells, the first to the left and the others to the right.
sub _print_rows (@rows) {
	my @width;

	for my $row (@rows) {
		for my $i (0 .. $#$row) {
			$width[$i] //= 0;
			$width[$i] = length $row->[$i]
				if length $row->[$i] > $width[$i];
		}
	}
	for my $row (@rows) {
		say join '  ', map {
			sprintf $_ ? "%$width[$_]s" : "%-$width[$_]s", $row->[$_]
		} 0 .. $#$row;
	}
}

# The bare loop beside which the servers are.
sub _model ($w) { return $w->{figures}{proxy_et} ? 'proxy_et' : 'epoll_et' }

# The cells of a server about CPU time and the rate.
sub _costs ($w, $figures) {
	my ($holdfast, $model) = $w->{figures}->@{'holdfast', _model($w)};
	my $cpu = $figures->{cpu};
	my @ratios = map { $_ && $_->{cpu} } $model, $holdfast;

	return (_us(median(@$cpu)), _percent(spread(@$cpu)),
		$ratios[0] ? _ratio(paired_ratio($cpu, $ratios[0])) : '-',
		$ratios[1] ? _ratio(paired_ratio($ratios[1], $cpu)) : '-',
		sprintf('%.0f', median($figures->{rate}->@*)));
}

sub print_table ($w) {
	my @servers = grep { $w->{figures}{$_} } $w->{servers}->@*;
	my %has = map { %$_ } values $w->{figures}->%*;
	my @shown = grep { $has{$_->[1]} } @columns;
	my $calls = grep { $_ } values $w->{syscalls}->%*;
	my @head = ('', $has{cpu} ? ("CPU us/$w->{unit}", '+-', 'x ' . _model($w),
		'holdfast/it', "$w->{unit}s/s") : (),
		(map { $_->[0] } @shown), $calls ? 'calls' : ());
	my @rows;

	for my $name (@servers) {
		my $figures = $w->{figures}{$name};
		my $made = $w->{syscalls}{$name};

		push @rows, [$name, $has{cpu} ? _costs($w, $figures) : (),
			(map { $figures->{$_->[1]} ?
				$_->[2]->(median($figures->{$_->[1]}->@*)) : '-'
			} @shown),
			$calls ? $made ? sprintf('%.2f', sum0 values %$made) : '-' : ()];
	}
	say "\n$w->{title} ($w->{name})";
	_print_rows(\@head, @rows) if @rows;
	say "$_: $w->{failed}{$_}" for sort keys $w->{failed}->%*;
	say $w->{without} if $w->{without};
}

# The new build beside the one before.
sub print_comparison ($rows) {
	my @worse = grep { $_->{worse} } @$rows;

	say "\nThe new build to the one before: 1 is the same, more is worse";
	_print_rows(['workload', 'figure', 'ratio', 'quartiles', ''], map {
		[$_->@{qw(workload what)}, defined $_->{ratio}
			? (sprintf('%.3f', $_->{ratio}),
				sprintf('%.3f to %.3f', $_->@{qw(low high)}))
			: ('-', '-'), $_->{worse} ? 'WORSE' : '']
	} @$rows);
	say @worse ? 'worse: ' . join ', ',
		map { "$_->{workload} ($_->{what})" } @worse : 'nothing is worse';
}

sub print_targets ($targets) {
	say "\nTargets";
	_print_rows(['workload', 'target', 'measured', ''], map {
		[$_->@{qw(what target)},
			defined $_->{measured} ? sprintf('%.2f', $_->{measured}) : '-',
			$_->{verdict}]
	} @$targets);
}

1;
