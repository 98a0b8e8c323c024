# SPDX-License-Identifier: BSD-2-Clause
#
# What a connection has used up stays used up when it moves: the number of its
# requests, and the time that it has for a head.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
timeouts = { header = "3s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "${connection_requests}"; } ); } );
E

sub move () {
	$s->reload;
	$s->wait_workers(2);
}

subtest 'the requests of a connection' => sub {
	my $c = $s->client;
	my @numbers;

	for my $n (1 .. 6) {
		push @numbers, $c->get('/')->body;
		move() if $n % 2;
	}
	is "@numbers", '1 2 3 4 5 6', 'are counted on by the next worker';
	$c->close;
};

subtest 'a head that trickles' => sub {
	my $c = $s->client;
	my $begin = now();
	my $next = $begin + 1;

	$c->send("GET / HTTP/1.1\r\nHost: a\r\n");
	# Each time it moves it has less time left.
	until ($c->ended || now() > $begin + 30 * slow()) {
		$c->send_some("X-a: b\r\n");
		sleep 0.05;
		if (now() > $next) {
			move();
			$next = now() + 1;
		}
	}
	my $took = now() - $begin;

	like $c->buffered, qr/^HTTP\/1\.1 408 /, 'is refused';
	cmp_ok $took, '>', 2.5, 'when its time is over,';
	cmp_ok $took, '<', 5 + 2 * slow(), 'whoever has it then';
};

$s->finish;
done_testing;
