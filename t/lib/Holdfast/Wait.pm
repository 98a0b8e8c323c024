# SPDX-License-Identifier: BSD-2-Clause
#
# Waiting for conditions instead of sleeping for guessed times. Every wait has
# a deadline, 60 seconds times HOLDFAST_TEST_SLOW (sanitizers, valgrind, a
# crowded machine), and dies with what it waited for.
package Holdfast::Wait;

use v5.36;
use Carp qw(croak);
use Exporter qw(import);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

our @EXPORT = qw(now slow patience wait_until);

sub now () { return clock_gettime(CLOCK_MONOTONIC) }

# By how much this run is slower than a plain one: at least 1.
sub slow () {
	my $factor = $ENV{HOLDFAST_TEST_SLOW} || 1;

	return $factor < 1 ? 1 : $factor;
}

sub patience () { return 60 * slow() }

# wait_until { condition } 'what it means', $seconds: the condition's value.
sub wait_until :prototype(&;$$) ($condition, $what = 'a condition',
				 $seconds = undef)
{
	$seconds //= patience();
	my $end = now() + $seconds;
	my $pause = 0.001;

	while (1) {
		my $value = $condition->();

		return $value if $value;
		croak sprintf('waited %.3g s in vain for %s', $seconds, $what)
			if now() > $end;
		Time::HiRes::sleep($pause);
		$pause = $pause * 1.5 > 0.03 ? 0.03 : $pause * 1.5;
	}
}

1;
