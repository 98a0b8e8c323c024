# SPDX-License-Identifier: BSD-2-Clause
#
# Two builds of holdfast, measured in turns: the ratio of the new one to the
# one before, figure by figure, and whether that is worse.
package Bench::Compare;

use v5.36;
use Exporter qw(import);

use Bench::Statistics qw(quartiles paired_ratios);
use Bench::Workloads qw(@sizes);

our @EXPORT_OK = qw(compare);

our $tolerance = 1.02;
our $calls_tolerance = 1.1;
our $rounds = 3;	# fewer have no quartiles, and show nothing

# [figure, what it is called, which way is worse]: more, or less. Not PSS, which
# is less for the program that others run, too.
my @figures = (
	['cpu', 'CPU', 'more'], ['rate', 'requests/s', 'less'],
	['p99', 'p99', 'more'], ['alone', 'CPU alone', 'more'],
	['per_connection', 'bytes/conn', 'more'],
	(map { [$_, $_, 'more'] } qw(lost closed told refused wrong late)),
	map { ["cpu_$_", "CPU, $_ connections", 'more'] }
		@sizes,
);

# A ratio is worse when it is more than the tolerance and the quartiles of the
# rounds do not have 1 between them: so it is not what chance makes of none.
sub _row ($w, $what, $ratios) {
	my ($low, $ratio, $high) = quartiles(@$ratios);

	return { workload => $w->{name}, what => $what, ratio => $ratio,
		low => $low, high => $high,
		worse => $ratio > $tolerance && $low > 1 && @$ratios >= $rounds
			? 1 : 0 };
}

# What was 0 before has no ratio: any more is worse, if it comes in most rounds.
sub _rows_of_none ($w, $what, $new, $old) {
	my $more = grep { $_ > 0 } @$new;

	return () if !$more || grep { $_ } @$old;
	return { workload => $w->{name}, what => "$what, which was 0",
		ratio => undef, worse => $more > @$new / 2 && @$new >= $rounds
			? 1 : 0 };
}

# They are counted once, and the more requests come together the fewer there
# are: so it takes more to be worse.
sub _calls ($w) {
	my ($new, $old) = map {
		my $sum = 0;

		$sum += $_ for values(($w->{syscalls}{$_} // {})->%*);
		$sum;
	} qw(holdfast before);

	return () unless $new && $old;
	return { workload => $w->{name}, what => 'calls', ratio => $new / $old,
		low => $new / $old, high => $new / $old,
		worse => $new / $old > $calls_tolerance ? 1 : 0 };
}

# [{workload, what, ratio, low, high, worse}], ratios over 1 are the worse ones.
sub compare ($result) {
	my @rows;

	for my $w ($result->{workloads}->@*) {
		my ($new, $old) = $w->{figures}->@{qw(holdfast before)};

		next unless $new && $old;
		for my $row (@figures) {
			my ($figure, $what, $worse) = @$row;
			my ($ours, $theirs) = map { $_->{$figure} } $new, $old;

			next unless $ours && $theirs;
			my @ratios = $worse eq 'more'
				? paired_ratios($ours, $theirs)
				: paired_ratios($theirs, $ours);

			push @rows, @ratios ? _row($w, $what, \@ratios)
				: _rows_of_none($w, $what, $ours, $theirs);
		}
		push @rows, _calls($w);
	}
	return \@rows;
}

1;
