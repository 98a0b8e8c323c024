# SPDX-License-Identifier: BSD-2-Clause
#
# What holdfast wants to be, and whether it is.
package Bench::Targets;

use v5.36;
use Exporter qw(import);
use List::Util qw(min max);

use Bench::Servers qw(is_peer);
use Bench::Statistics qw(median paired_ratio);

our @EXPORT_OK = qw(targets);

# Of holdfast to a server, in the median of the rounds.
sub _to ($w, $figure, $other) {
	my ($ours, $theirs) = map { $w->{figures}{$_} && $w->{figures}{$_}{$figure} }
		'holdfast', $other;

	return $ours && $theirs ? paired_ratio($ours, $theirs) : undef;
}

sub _to_peers ($w, $figure, $pattern = qr/./) {
	return grep { defined } map { _to($w, $figure, $_) }
		grep { is_peer($_) && $_ =~ $pattern } $w->{servers}->@*;
}

# The best peer is the one that we are least ahead of.
sub _worst_cost ($w, @pattern) { return max(_to_peers($w, 'cpu', @pattern)) }
sub _worst_rate ($w) { return min(_to_peers($w, 'rate')) }

sub _own ($w, $figure) {
	my $values = $w->{figures}{holdfast} && $w->{figures}{holdfast}{$figure};

	return $values ? median(@$values) : undef;
}

# What of which workload, its bound, and how it is had from the figures.
my @targets = (
	['keepalive', 'CPU to the bare edge-triggered loop', '<=', 1.08,
		sub ($w) { _to($w, 'cpu', 'epoll_et') }],
	['keepalive', 'CPU to the best peer', '<=', 0.90, \&_worst_cost],
	['close', 'CPU to the best peer', '<=', 0.95, \&_worst_cost],
	['connect', 'CPU to the best peer', '<=', 0.80, \&_worst_cost],
	['connect', 'requests/s to the best peer', '>=', 1, \&_worst_rate],
	['pipeline', 'requests/s to the best peer', '>=', 4, \&_worst_rate],
	['file-100m', 'CPU a byte to the best peer', '<=', 1.0, \&_worst_cost],
	['form', 'CPU to the best nginx', '<=', 0.5,
		sub ($w) { _worst_cost($w, qr/nginx/) }],
	['idle', 'bytes for an idle connection', '<=', 256,
		sub ($w) { _own($w, 'per_connection') }],
	['idle', 'CPU to that without the idle', '<=', 1.05,
		sub ($w) { _own($w, 'growth') }],
	['proxy', 'CPU to the best peer', '<=', 0.85, \&_worst_cost],
	['proxy', 'CPU to the bare proxy loop', '<=', 1.2,
		sub ($w) { _to($w, 'cpu', 'proxy_et') }],
	['proxy-close', 'CPU to the best peer', '<=', 0.9, \&_worst_cost],
	['proxy-100m', 'CPU a byte to the best peer', '<=', 0.8, \&_worst_cost],
	['stream-close', 'CPU a connection to HAProxy', '<=', 1.0,
		sub ($w) { _to($w, 'cpu', 'haproxy') }],
	['stream-100m', 'CPU a byte to HAProxy', '<=', 1.0,
		sub ($w) { _to($w, 'cpu', 'haproxy') }],
	['websocket', 'bytes for an idle one', '<=', 700,
		sub ($w) { _own($w, 'per_connection') }],
	['skew', 'p99 to nginx', '<=', 0.5,
		sub ($w) { _to($w, 'p99', 'nginx') }],
	['reload', 'p99 to that without reloads', '<=', 1.2,
		sub ($w) { _own($w, 'growth') }],
	['reload', 'requests lost', '<=', 0, sub ($w) { _own($w, 'lost') }],
	['reload', 'connections closed', '<=', 0, sub ($w) {
		my @closed = map { _own($w, $_) // return undef } qw(closed told);

		$closed[0] + $closed[1];
	}],
);

sub _verdict ($measured, $relation, $bound) {
	return 'not measured' unless defined $measured;
	my $holds = $relation eq '<=' ? $measured <= $bound : $measured >= $bound;

	return $holds ? 'holds' : 'misses';
}

sub targets ($result) {
	my %workload = map { $_->{name} => $_ } $result->{workloads}->@*;
	my @judged;

	for my $target (@targets) {
		my ($name, $what, $relation, $bound, $figure) = @$target;
		my $measured = $workload{$name} && $figure->($workload{$name});

		push @judged, { workload => $name, what => "$name: $what",
			target => "$relation $bound", measured => $measured,
			verdict => _verdict($measured, $relation, $bound) };
	}
	return \@judged;
}

1;
