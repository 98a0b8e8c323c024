# SPDX-License-Identifier: BSD-2-Clause
#
# The table of states and events in holdfast(8) is the one in the code.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

sub slurp ($path) {
	open my $file, '<', $path or die "$path: $!";
	local $/;
	return <$file>;
}

sub of_code () {
	my $text = slurp(Holdfast::top() . '/master/lifecycle.c');
	my ($table) = $text =~ /table\[LIFE_COUNT\]\[EVENT_COUNT\] = \{(.*?)\n\};/s
		or die 'lifecycle.c has no table';
	my (@rows, $state);

	while ($table =~ /\[LIFE_(\w+)\]\s*=|\[EVENT_(\w+)\]\s*=\s*\{\w+,\s*LIFE_(\w+)\}/g) {
		$state = lc $1 if defined $1;
		push @rows, join ' ', $state, lc $2, lc $3 if defined $2;
	}
	return @rows;
}

sub of_manual () {
	my $text = slurp(Holdfast::top() . '/master/holdfast.8.in');
	my ($table) = $text =~ /^state\tevent\tnext\n(.*?)^\.TE/ms
		or die 'holdfast.8.in has no table';

	return map { s/ /_/gr =~ s/\t/ /gr } split /\n/, $table;
}

my @code = sort(of_code());

cmp_ok scalar @code, '>', 30, 'the code has a table';
is_deeply [sort(of_manual())], \@code, 'the manual has the same';
done_testing;
