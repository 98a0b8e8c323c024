# SPDX-License-Identifier: BSD-2-Clause
#
# Much to a reader that takes its time, through a reload: every byte arrives, and
# the workers hold next to nothing of it.
#
# HOLDFAST_TEST_LONG=1: 2 GB instead of 200 MB.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive anonymous_kb);
use Holdfast::StreamServer;

plan skip_all => 'sanitizers have memory of their own' if binary_has_sanitizers();

my $mb = $ENV{HOLDFAST_TEST_LONG} ? 2000 : 200;
my $block = join '', map { sprintf "%09d\n", $_ * 7919 % 1_000_000_007 } 1 .. 100_000;

# Each is known from the others.
sub block ($n) { return sprintf('%010d', $n) . substr $block, 10 }

my $server = Holdfast::StreamServer->new(sub ($c) {
	print {$c} block($_) for 1 .. $mb;
});
my $conf = <<"E";
workers = 1;
timeouts = { drain = "1s"; };
listeners = ( { address = "127.0.0.1:%%PORT_stream%%"; protocol = "stream"; upstream = "a"; } );
upstreams = ( { name = "a"; servers = ( { address = "$server->{address}"; } ); } );
E
my $s = Holdfast->start(conf => $conf);
my $before = anonymous_kb($s->workers);
my $c = $s->client('stream', rcvbuf => 32768);
my ($max, $n, $is_right) = (0, 0, 1);

sub look () {
	my $kb = anonymous_kb($s->workers) - $before;

	$max = $kb if $kb > $max;
}

# It reads nothing until nothing moves any more.
my $in = -1;

wait_until {
	my $was = $in;

	select undef, undef, undef, 0.1;
	look();
	$in = $s->status->{workers}[0]{bytes_out} // $s->status->{totals}{bytes_out};
	$in == $was && $in > 0;
} 'the stream to be held back';
while ($n < $mb) {
	$is_right &&= $c->read_bytes(length $block) eq block(++$n);
	look() if $n % 20 == 0;
	next if $n != int $mb / 2;
	my @old = $s->workers;

	$s->reload($conf);
	wait_until { !grep { alive($_) } @old } 'the old worker to go';
}
ok $is_right, "$mb MB, every byte right";
is $c->read_to_end, '', 'and no more';
$c->close;
cmp_ok $max, '<', 300, "a worker held $max KiB at the most";
$s->finish;
done_testing;
