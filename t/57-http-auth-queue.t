# SPDX-License-Identifier: BSD-2-Clause
#
# Passwords that wait to be hashed are bounded in number: who comes then is
# told when to come again. One that was right is known for a while, not for
# ever.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use Holdfast;
use Holdfast::Proc qw(cpu_ticks stop_process continue_process);

plan skip_all => 'only with configure --enable-test-hooks'
	unless binary_has_hooks();

# Hashes that take milliseconds, and a good part of a second.
my $rounds = binary_has_sanitizers() ? 5_000 : 20_000;
my $slower = 40 * $rounds;
my $s = Holdfast->start(env => { HOLDFAST_TEST_KNOWN_FOR_S => 1 },
	conf => <<'E', files => {
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "in"; auth_file = "users"; },
  { path = "/slow"; handler = "respond"; body = "in"; auth_file = "slow"; },
  { path = "/open"; handler = "respond"; body = "open"; } ); } );
E
	users => 'a:' . crypt('secret', "\$6\$rounds=$rounds\$salt\$") . "\n",
	slow => 'a:' . crypt('secret', "\$6\$rounds=$slower\$salt\$") . "\n",
});
my ($worker) = $s->workers;

sub basic ($text) {
	return (Authorization => 'Basic ' . encode_base64($text, ''));
}

subtest 'many at once' => sub {
	my $n = 100;
	my %seen;
	my $again = 0;

	stop_process($worker);
	my @clients = map { $s->client } 1 .. $n;

	$clients[$_]->send(Holdfast::Client->request_text('GET', '/',
		[basic("a:wrong$_")])) for 0 .. $#clients;
	my $open = $s->client;

	$open->send(Holdfast::Client->request_text('GET', '/open'));
	continue_process($worker);
	is $open->response->body, 'open', 'nobody else waits';
	for my $client (@clients) {
		my $r = $client->response;

		$seen{$r->status}++;
		$again++ if $r->status == 503 && $r->field('retry-after');
		$client->close;
	}
	is $seen{401} + $seen{503}, $n, 'each is answered';
	cmp_ok $seen{401}, '>=', 50, 'many are refused';
	cmp_ok $seen{503}, '>=', 1, 'too many are told so';
	is $again, $seen{503}, 'and when to come again';
	is $s->get('/', basic('a:secret'))->status, 200,
		'then the next is let in';
};

subtest 'one that was right' => sub {
	my $c = $s->client;
	my $cost = sub {
		my $before = cpu_ticks($worker);

		is $c->get('/slow', basic('a:secret'))->body, 'in', 'is let in';
		return cpu_ticks($worker) - $before;
	};
	my $first = $cost->();
	my $begin = now();

	cmp_ok $first, '>=', 4, 'the first time it is hashed';
	cmp_ok $cost->(), '<', $first / 2, 'then it is known'
		if now() - $begin < 0.5;
	wait_until { now() - $begin > 1.5 } 'it to be forgotten';
	cmp_ok $cost->(), '>', $first / 2, 'and then it is hashed again';
	$c->close;
};

$s->finish;
done_testing;
