# SPDX-License-Identifier: BSD-2-Clause
#
# How many ranges a request may ask for: what download tools ask for by default,
# and what limits.ranges says.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $gap = 100; # ranges that are nearer are joined

sub start ($limits) {
	return Holdfast->start(
		files => { 'www/f' => join '', map { chr(33 + $_ % 89) } 1 .. 300 * $gap },
		conf => <<"E");
$limits
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
}

sub range ($n) {
	return 'bytes=' . join ',', map { $_ * $gap . '-' . $_ * $gap } 0 .. $n - 1;
}

# [settings, [ranges, status]...]
for my $case (
	['', [33, 206], [256, 206], [257, 200]],
	['limits = { ranges = 1; };', [1, 206], [2, 200]],
	['limits = { ranges = 280; header = "64k"; };', [280, 206], [281, 200]],
) {
	my ($limits, @asked) = @$case;
	my $s = start($limits);
	my $c = $s->client;

	for my $asked (@asked) {
		my ($n, $status) = @$asked;
		my $r = $c->get('/f', Range => range($n));

		is $r->status, $status, "$n ranges: $status";
		next if $status == 200 || $n == 1;
		my @parts = $r->body =~ m{Content-Range: bytes (\d+)-\1/}g;

		is scalar @parts, $n, 'each of them';
	}
	$c->close;
	$s->finish;
}
done_testing;
