# SPDX-License-Identifier: BSD-2-Clause
#
# A client that sends and does not read is held, by back-pressure: the server
# takes no more into memory, and what it took comes back when it is read.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Proc qw(rss_kb);

my $s = Holdfast->start(conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_echo%%"; protocol = "echo"; } );
E
my ($worker) = $s->workers;
my $other = $s->client;

$other->send('a');
is $other->read_bytes(1), 'a', 'another client';

my $block = join '', map { pack 'N', $_ * 2654435761 & 0xffffffff }
	1 .. 15013;	# an odd length for places to be told apart
my $length = length $block;
my $most = 256 << 20;
my $before = rss_kb($worker);
my @clients = map { { c => $s->client(undef, rcvbuf => 8192), sent => 0 } }
	1 .. 8;

# Until nothing has gone for a second: for good.
my $moved = now();

while (now() - $moved < slow()) {
	for my $client (@clients) {
		next if $client->{sent} > $most;
		my $n = $client->{c}->send_some(substr $block,
			$client->{sent} % $length) // die "gone: $!";

		$client->{sent} += $n;
		$moved = now() if $n;
	}
	sleep 0.001;
}
for my $client (@clients) {
	# What the kernel's buffers take, of which there are four.
	cmp_ok $client->{sent}, '<', 48 << 20,
		"held after $client->{sent} bytes";
}
my $after = rss_kb($worker);

cmp_ok $after - $before, '<', 4096 * slow(),
	"the worker grew by little ($before kB to $after kB)";
$other->send('b');
is $other->read_bytes(1), 'b', 'another client is served meanwhile';

for my $client (@clients) {
	my ($got, $good) = (0, 1);

	$client->{c}->finish_sending;
	while ($got < $client->{sent}) {
		my $from = $got % $length;
		my $n = $length - $from;
		my $left = $client->{sent} - $got;
		my $bytes = $client->{c}->read_bytes($n < $left ? $n : $left);

		last if $bytes eq '';
		$good = 0 if $bytes ne substr $block, $from, length $bytes;
		$got += length $bytes;
	}
	is $got, $client->{sent}, 'all comes back when it is read';
	ok $good, 'every byte of it';
	ok $client->{c}->at_end, 'and then the end';
}

subtest 'a client that goes away instead' => sub {
	my $c = $s->client;

	1 while $c->send_some($block);
	sleep 0.01;
	1 while $c->send_some($block);
	$c->reset;
	wait_until { $s->status->{connections} == 1 } 'it to be gone';
	pass 'is gone for the server too';
};

$other->close;
$s->finish;
done_testing;
