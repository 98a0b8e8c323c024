# SPDX-License-Identifier: BSD-2-Clause
#
# Half-close: what was sent before the end of sending still returns.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_echo%%"; protocol = "echo"; } );
E

for my $n (0, 1, 5, 1000, 65536, 1_000_003, 3_000_000) {
	my $bytes = join '', map { chr(($_ * 7 + $_ / 251) % 256) } 1 .. $n;
	my $c = $s->client;

	$c->send($bytes);
	$c->finish_sending;
	ok $c->read_to_end eq $bytes, "$n bytes, then the end";
	ok !$c->was_reset, "$n bytes: no reset";
}

subtest 'data and the end in one packet' => sub {
	my $good = 0;

	for (1 .. 200) {
		my $c = $s->client;

		$c->send('x');
		$c->finish_sending;
		$good++ if $c->read_to_end eq 'x';
	}
	is $good, 200, 'every time';
};

subtest 'the end long after the data' => sub {
	my $c = $s->client;

	$c->send('hello');
	is $c->read_bytes(5), 'hello', 'echoed';
	$c->finish_sending;
	is $c->read_to_end, '', 'then the end';
};

subtest 'ended before it was accepted' => sub {
	my @workers = $s->workers;

	Holdfast::Proc::stop_process(@workers);
	my @clients = map { $s->client } 1 .. 20;

	for my $c (@clients) {
		$c->send('queued');
		$c->finish_sending;
	}
	my @gone = map { $s->client } 1 .. 20;

	$_->reset for @gone;
	Holdfast::Proc::continue_process(@workers);
	my $good = grep { $_->read_to_end eq 'queued' } @clients;

	is $good, 20, 'is echoed all the same';
};

wait_until { $s->status->{connections} == 0 } 'no connection to be left';
pass 'no connection is left';
$s->finish;
done_testing;
