# SPDX-License-Identifier: BSD-2-Clause
#
# Reloads that come faster than old workers can finish: at most four
# generations are there at once, the oldest is cut, and the log says so.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Wait;

my $s = Holdfast->start(
	conf => <<'E',
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { move_file = "1k"; };
sites = ( { routes = (
	{ path = "/small"; handler = "respond"; body = "small"; },
	{ path = "/large"; handler = "respond"; methods = [ "POST" ];
	  body = "${form.x}"; }
); } );
E
);

sub generations () {
	my %seen;

	$seen{$_->{generation}}++ for $s->status->{workers}->@*;
	return sort { $a <=> $b } keys %seen;
}

# In each generation a client that begins to take what is too large to move,
# and waits: its worker has to stay.
my @clients;

sub begin () {
	my $client = $s->client(undef, rcvbuf => 2048, mss => 536);

	$client->send(Holdfast::Client->request_text('POST', '/large',
		['Content-Type' => 'application/x-www-form-urlencoded'],
		'x=' . 'x' x 900_000));
	like $client->read_until("\r\n\r\n"), qr/200 OK/, 'a response has begun';
	push @clients, $client;
}

# And others, which only wait between two requests: they move each time, and
# are with nobody who is cut.
my @idle = map { $s->client } 1 .. 300;
my $small = sub { return scalar grep { $_->get('/small')->body eq 'small' } @idle };

is $small->(), 300, 'others are served';
for my $generation (1 .. 4) {
	begin();
	next if $generation == 4;
	my ($exit) = $s->run('reload');

	is $exit, 0, "reload $generation";
}
is_deeply [generations()], [1, 2, 3, 4], 'four generations';
$s->expect_log(qr/4 generations at once: cutting generation 1/);
$s->allow_log(qr/connections? (?:was|were) cut/);
my ($exit) = $s->run('reload');

is $exit, 0, 'one reload more';
ok wait_until { "@{[generations()]}" eq '2 3 4 5' } 'the oldest to be gone';
$s->wait_log(qr/generation 1 is gone/);
ok wait_until { $clients[0]->ended } 'its client was cut';
is $small->(), 300, 'the others are served as ever';
is length $clients[$_]->read_bytes(1000), 1000, "client $_ is served" for 1 .. 3;
$_->close for @clients;
ok wait_until { "@{[generations()]}" eq '5' } 'without clients, all old ones go';
$s->finish;
done_testing;
