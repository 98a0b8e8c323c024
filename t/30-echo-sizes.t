# SPDX-License-Identifier: BSD-2-Clause
#
# Echo: every byte comes back, whatever the sizes and the pieces.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_echo%%"; protocol = "echo"; } );
E

# Bytes that differ from place to place, all 256 of them.
sub pattern ($n) {
	my $bytes = '';
	my $i = 0;

	$bytes .= pack 'N', $i++ * 2654435761 & 0xffffffff
		while length $bytes < $n;
	return substr $bytes, 0, $n;
}

# Sends all of it while it comes back.
sub round_trip ($c, $bytes, @pieces) {
	my $at = 0;

	for (my $i = 0; $at < length $bytes; $i++) {
		my $n = $pieces[$i % @pieces];

		$c->send(substr $bytes, $at, $n);
		$at += $n;
		$c->pull if $i % 3;
	}
	return $c->read_bytes(length $bytes) eq $bytes;
}

for my $n (1, 2, 3, 100, 1023, 4095, 4096, 4097, 16384, 32767, 32768, 32769,
	   65535, 65536, 65537, 1_000_003) {
	ok round_trip($s->client, pattern($n), $n), "$n bytes at once";
}
{
	my $c = $s->client;
	my $good = grep { round_trip($c, pattern($_), $_) } 1 .. 600;

	is $good, 600, 'many sizes on one connection';
}
my $n = int(5_000_011 / slow());

ok round_trip($s->client, pattern($n), 1, 4096, 7, 65537, 100_003, 13),
	"$n bytes in odd pieces";
ok round_trip($s->client, pattern(3000), 1), '3000 bytes, one by one';
ok round_trip($s->client(undef, rcvbuf => 2048, sndbuf => 2048),
	pattern(700_001), 5000), 'with little room for them';
{
	my @clients = map { $s->client } 1 .. 50;

	$clients[$_]->send("client $_: " . pattern(1000)) for 0 .. 49;
	my $good = grep {
		my $want = "client $_: " . pattern(1000);

		$clients[$_]->read_bytes(length $want) eq $want
	} reverse 0 .. 49;

	is $good, 50, 'each client has its own';
}

$s->finish;
done_testing;
