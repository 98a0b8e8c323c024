# SPDX-License-Identifier: BSD-2-Clause
#
# Of a few rounds.
package Bench::Statistics;

use v5.36;
use Exporter qw(import);

our @EXPORT_OK = qw(median spread quartiles paired_ratio paired_ratios);

# Between the two values beside it.
sub _quantile ($share, @values) {
	my @sorted = sort { $a <=> $b } @values;
	my $at = $share * $#sorted;
	my $below = int $at;
	my $above = $below < $#sorted ? $below + 1 : $below;

	return $sorted[$below] + ($at - $below) *
		($sorted[$above] - $sorted[$below]);
}

sub median (@values) { return _quantile(0.5, @values) }

# The quartiles, with the median between them.
sub quartiles (@values) { return map { _quantile($_, @values) } 0.25, 0.5, 0.75 }

# Half the distance of the quartiles, as a share of the median.
sub spread (@values) {
	my $median = median(@values) or return 0;

	return (_quantile(0.75, @values) - _quantile(0.25, @values)) / 2 / $median;
}

# The ratios in each round, which had the same disturbances.
sub paired_ratios ($over, $under) {
	my $n = @$over < @$under ? @$over : @$under;

	return map { $over->[$_] / $under->[$_] }
		grep { $under->[$_] } 0 .. $n - 1;
}

sub paired_ratio ($over, $under) {
	my @ratios = paired_ratios($over, $under);

	return @ratios ? median(@ratios) : undef;
}

1;
