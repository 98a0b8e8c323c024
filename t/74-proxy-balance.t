# SPDX-License-Identifier: BSD-2-Clause
#
# Which server a request goes to.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;

my @b = map {
	my $name = $_;

	Holdfast::Backend->new(sub ($request, $socket) {
		sysread $socket, my $end, 1 if $request->{target} =~ /hold/;
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name";
		return 1;
	}, any => 1);
} 'a' .. 'c';

sub servers (@settings) {
	return join ', ', map { "{ address = \"$b[$_]{address}\"; "
		. ($settings[$_] // '') . ' }' } 0 .. 2;
}

my $s = Holdfast->start(conf => <<"E");
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "turn"; servers = ( ${\ servers('weight = 5;')} ); },
  { name = "least"; balance = "least_conn"; servers = ( ${\ servers()} ); },
  { name = "random"; balance = "random"; servers = ( ${\ servers('weight = 8;')} ); },
  { name = "hash"; balance = "hash"; hash = "\${query.k}";
    servers = ( ${\ servers()} ); },
  { name = "max"; servers = ( ${\ servers(('max_connections = 1;') x 3)} ); },
  { name = "backup"; servers = ( ${\ servers('', 'backup = true;', 'backup = true;')} ); }
);
sites = ( { routes = (
  ${\ join ', ', map { "{ path = \"/$_/\"; handler = \"proxy\"; upstream = \"$_\"; }" }
	qw(turn least random hash max backup)} ); } );
E
my $c = $s->client;

$s->allow_log(qr/answered with 50\d: upstream/, qr/not asked for/);

sub by ($target, $n) {
	my %by;

	$by{$c->get($target)->body}++ for 1 .. $n;
	return \%by;
}

my $order = join '', map { $c->get('/turn/')->body } 1 .. 14;

is $order, 'aabacaa' x 2, 'round_robin: by weight, and smoothly';
is_deeply by('/least/', 9), { a => 3, b => 3, c => 3 }, 'least_conn: evenly';
subtest 'least_conn: away from the busy one' => sub {
	my @held = map { $s->client } 1 .. 2;

	$_->send("GET /least/hold HTTP/1.1\r\nHost: h\r\n\r\n") for @held;
	wait_until { 2 == grep { $_->{target} eq '/least/hold' }
		map { $_->requests } @b } 'two to be busy';
	my $by = by('/least/', 6);

	is keys %$by, 1, 'the third gets them all';
};
my $random = by('/random/', 200);
cmp_ok $random->{a}, '>', 100, 'random: by weight';
cmp_ok $random->{b} + $random->{c}, '>', 5;

subtest 'hash' => sub {
	my %server = map { $_ => $c->get("/hash/?k=$_")->body } 1 .. 60;
	my %share;

	$share{$_}++ for values %server;
	is keys %share, 3, 'all are asked';
	is $c->get("/hash/?k=$_")->body, $server{$_}, "$_ stays" for 1 .. 20;
	$b[1]->stop;
	my $moved = grep { $server{$_} ne 'b'
		&& $c->get("/hash/?k=$_")->body ne $server{$_} } keys %server;

	is $moved, 0, 'when one goes, only its own go elsewhere';
	$b[1]->start;
};

subtest 'max_connections' => sub {
	my @held = map { $s->client } 1 .. 3;

	$_->send("GET /max/hold HTTP/1.1\r\nHost: h\r\n\r\n") for @held;
	wait_until { 3 == grep { $_->{target} eq '/max/hold' }
		map { $_->requests } @b } 'three to be busy';
	is $c->get('/max/')->status, 503, 'no server has one to spare';
	$s->wait_log(qr/every server is at its max_connections/);
	$_->close for @held;
	wait_until { $c->get('/max/')->status == 200 } 'one to be free';
};

subtest 'backup' => sub {
	is_deeply by('/backup/', 6), { a => 6 }, 'not while the other is there';
	$b[0]->stop;
	my $by = by('/backup/', 10);

	is $by->{a}, undef, 'when it is gone';
	is $by->{b} + $by->{c}, 10;
};

$s->finish;
done_testing;
