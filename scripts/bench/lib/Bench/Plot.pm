# SPDX-License-Identifier: BSD-2-Clause
#
# Pictures, by gnuplot, in SVG.
package Bench::Plot;

use v5.36;
use Exporter qw(import);

use Bench::Machine qw(has_program);
use Bench::Statistics qw(median);
use Bench::Workloads qw(@sizes);

our @EXPORT_OK = qw(plot);

# Name and colour of a line.
my %line = (
	holdfast => ['holdfast', '#c02020'], nginx => ['nginx', '#209040'],
	epoll_et => ['epoll, edge-triggered', '#2060c0'],
	epoll_lt => ['epoll, level-triggered', '#60b0e0'],
	poll => ['poll', '#e08020'], select => ['select', '#8040a0'],
);

sub _gnuplot ($script) {
	open my $out, '|-', 'gnuplot' or die "gnuplot: $!\n";
	print $out $script;
	close $out or die "gnuplot failed\n";
}

sub _block ($name, @rows) {
	return join "\n", "\$$name << END", (map { join ' ', @$_ } @rows), "END\n";
}

# Cost against the number of connections, a line for each server.
sub _connections ($w, $caption, $path) {
	my ($data, @lines) = '';

	for my $name ($w->{servers}->@*) {
		my $figures = $w->{figures}{$name} // next;
		my @rows = map { [$_, median($figures->{"cpu_$_"}->@*)] }
			grep { $figures->{"cpu_$_"} } @sizes;

		$data .= _block($name, @rows);
		push @lines, "\$$name using 1:2 with linespoints linewidth " .
			($name eq 'holdfast' ? 3 : 1.5) .
			" linecolor rgb '$line{$name}[1]' title '$line{$name}[0]'";
	}
	_gnuplot($data . <<"E" . 'plot ' . join(', ', @lines) . "\n") if @lines;
set terminal svg size 820,520 font 'sans-serif,13' background 'white'
set output '$path'
set title "CPU time of the server for a request\\n{/*0.8 $caption}"
set xlabel 'connections, of which 8 at most are active'
set ylabel 'microseconds'
set logscale xy
set grid
set key left top
E
}

# A bar for each server.
sub _costs ($w, $caption, $path) {
	my @rows = map { ["\"$_\"", median($w->{figures}{$_}{cpu}->@*)] }
		grep { $w->{figures}{$_} } $w->{servers}->@*;

	_gnuplot(_block('costs', @rows) . <<"E") if @rows;
set terminal svg size 820,420 font 'sans-serif,13' background 'white'
set output '$path'
set title "CPU time of the server for a request: $w->{title}\\n{/*0.8 $caption}"
set ylabel 'microseconds'
set style fill solid 0.7
set boxwidth 0.6
set yrange [0:]
set xtics rotate by -30 noenhanced
set grid y
plot \$costs using 0:2:xtic(1) with boxes notitle, \\
     \$costs using 0:2:(sprintf('%.1f', \$2)) with labels offset 0,0.7 notitle
E
}

# connections.svg and requests.svg, of what was measured.
sub plot ($result, $dir) {
	die "no plots without gnuplot\n" unless has_program('gnuplot');
	mkdir $dir unless -d $dir;
	my %workload = map { $_->{name} => $_ } $result->{workloads}->@*;
	my $caption = "$result->{date}, $result->{machine}{cpu}, " .
		"Linux $result->{machine}{kernel}";

	_connections($workload{connections}, $caption, "$dir/connections.svg")
		if $workload{connections};
	_costs($workload{keepalive}, $caption, "$dir/requests.svg")
		if $workload{keepalive};
}

1;
