# SPDX-License-Identifier: BSD-2-Clause
#
# Servers by name: resolved before the first request, again when the answer
# has expired, and never given up for a name service that fails.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes ();
use Holdfast;
use Holdfast::Backend;
use Holdfast::Names;

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $to = $socket->sockhost;

	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: " . length($to)
		. "\r\n\r\n$to";
	return 0;
}, any => 1);
my $names = Holdfast::Names->new;

$names->set('app.test' => ['127.0.0.1', '127.0.0.2']);
$names->set('later.test' => 'fail');

my $s = Holdfast->start(env => { $names->env }, conf => <<"E");
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "app"; servers = ( { address = "app.test:$b->{port}"; } ); },
  { name = "later"; servers = ( { address = "later.test:$b->{port}"; } ); },
  { name = "none"; servers = ( { address = "none.test:$b->{port}"; } ); }
);
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/later"; handler = "proxy"; upstream = "later"; },
  { path = "/none"; handler = "proxy"; upstream = "none"; } ); } );
E
my $c = $s->client;

$s->expect_log(qr/cannot resolve its name/, qr/no server's name is resolved/);
$s->allow_log(qr/answered with 502: upstream app/, qr/not asked for/);

my %to;

$to{$c->get('/')->body}++ for 1 .. 10;
is_deeply \%to, { '127.0.0.1' => 5, '127.0.0.2' => 5 },
	'every address is used, from the first request on';

is $c->get('/none')->status, 502, 'a name that nobody knows';
$s->wait_log(qr/server none\.test:\d+: cannot resolve its name: Domain name not found/);
is $c->get('/later')->status, 502, 'one that cannot be resolved now';

# Every request until the last change is answered.
my $load = Holdfast::Background->new(sub ($stopping) {
	my ($n, @faults) = (0);
	my $own = $s->client;

	until ($stopping->()) {
		my $r = eval { $own->get('/') };

		push @faults, $r ? $r->status : "$@" unless $r && $r->status == 200;
		last unless $r;
		$n++;
		Time::HiRes::sleep(0.005);
	}
	return { n => $n, faults => \@faults };
});

subtest 'the name gets other addresses' => sub {
	$names->set('app.test' => ['127.0.0.3']);
	wait_until { $c->get('/')->body eq '127.0.0.3' } 'the new address';
	my @all = map { $c->get('/')->body } 1 .. 5;

	is "@all", join(' ', ('127.0.0.3') x 5), 'and no other';
};

subtest 'the name service fails' => sub {
	for my $how ('fail', 'none') {
		my $before = $names->asked;

		$names->set('app.test' => $how);
		wait_until { $names->asked > $before + 1 } 'it to be asked again';
		is $c->get('/')->body, '127.0.0.3', "$how: the last answer stays";
	}
	$s->wait_log(qr/app\.test:\d+: cannot .*; its last addresses stay in use/);
};

subtest 'it comes back' => sub {
	$names->set('app.test' => ['127.0.0.1']);
	wait_until { $c->get('/')->body eq '127.0.0.1' } 'the new address';
	$names->set('later.test' => ['127.0.0.2']);
	wait_until { $c->get('/later')->status == 200 } 'the other name';
	is $c->get('/later')->body, '127.0.0.2';
	$s->wait_log(qr/later\.test:\d+: its name is resolved again/);
};

my $loaded = $load->result;

is_deeply $loaded->{faults}, [], "meanwhile $loaded->{n} requests, none failed";
cmp_ok $loaded->{n}, '>', 50;

subtest 'it does not answer at all' => sub {
	$names->set('app.test' => 'silent');
	$s->reload;
	is $s->client->get('/later')->body, '127.0.0.2', 'a reload goes on';
};

$s->finish;
done_testing;
