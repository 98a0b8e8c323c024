# SPDX-License-Identifier: BSD-2-Clause
#
# One of three servers is killed and returns, under load: no request fails, and
# its share of the requests comes back by slow start.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;

my %b = map {
	my $name = $_;

	$name => Holdfast::Backend->new(sub ($request, $socket) {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name";
		return 1;
	});
} 'a' .. 'c';
my $servers = join ', ', map { "{ address = \"$b{$_}{address}\"; }" } 'a' .. 'c';
my $s = Holdfast->start(conf => <<"CONF");
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( $servers ); } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
CONF

$s->expect_log(qr/server \Q$b{b}{address}\E: not asked for 1 s after 3 failures/);

my @clients = map { $s->client } 1 .. 8;
my $failed = 0;

# Requests for so long, or until the code says so: how many, and those by b.
sub load ($seconds, $until = undef) {
	my $end = now() + $seconds;
	my ($n, $by_b) = (0, 0);

	while (now() < $end) {
		$_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @clients;
		for my $client (@clients) {
			my $r = $client->response;

			$n++;
			$failed++ if $r->status != 200;
			$by_b++ if $r->body eq 'b';
		}
		last if $until && $until->($by_b);
	}
	return ($n, $by_b);
}

sub share ($n, $of) { return sprintf '%.3f', $of / $n }

my ($n, $by_b) = load(1);

note "before: $n requests, share ", share($n, $by_b);
cmp_ok share($n, $by_b), '>', 0.3, 'a third at first';

$b{b}->stop;
($n, $by_b) = load(2);
note "killed: $n requests";
is $failed, 0, 'no request failed when it was killed';

$b{b}->start;
my ($waited) = load(60, sub ($by_b) { $by_b > 0 });
my $back = now();

note "it is back after $waited requests";
for my $second (1 .. 10) {
	my ($n, $by_b) = load(1);
	my $until = now() - $back;
	# Of three, one has so many tenths of its weight at the end.
	my $max = ($until / 10 > 1 ? 1 : $until / 10);
	my $min = ($until - 1.5) / 10;

	$max = 0.1 if $max < 0.1;
	$min = 0 if $min < 0;
	note sprintf '%4.1f s: %d requests, share %s', $until, $n, share($n, $by_b);
	cmp_ok share($n, $by_b), '<=', $max / (2 + $max) + 0.02,
		"second $second: not more than its time gives it";
	cmp_ok share($n, $by_b), '>=', $min / (2 + $min) - 0.02,
		"second $second: nor less";
}
($n, $by_b) = load(1);
note "at the end: $n requests, share ", share($n, $by_b);
cmp_ok share($n, $by_b), '>', 0.3, 'a third again';
is $failed, 0, 'and no request failed';

$s->finish;
done_testing;
