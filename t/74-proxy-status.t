# SPDX-License-Identifier: BSD-2-Clause
#
# What status tells of the servers of upstreams: their state, connections and
# requests, from all workers.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;

my $dir = Holdfast::Dir->new;
my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $path = $request->{target};

	if ($path eq '/healthz') {
		my $status = -e $dir->path('sick') ? 503 : 200;

		print {$socket} "HTTP/1.1 $status X\r\nContent-Length: 0\r\n\r\n";
	} elsif ($path eq '/part') {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart";
		return 0;
	} else {
		wait_until { -e $dir->path('go') } 'the gate' if $path eq '/wait';
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
	}
	return 1;
});

my $s = Holdfast->start(conf => <<"E");
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "app"; servers = ( { address = "$b->{address}"; },
    { address = "unix:/none"; backup = true; } ); },
  { name = "gone"; retries = 0; servers = ( { address = "127.0.0.1:1"; } ); },
  { name = "checked"; servers = ( { address = "$b->{address}"; } );
    health = { path = "/healthz"; interval = "50ms"; fall = 1; rise = 1; }; }
);
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/gone"; handler = "proxy"; upstream = "gone"; } ); } );
E

# A server, by its upstream and number.
sub server ($name) {
	my ($upstream, $n) = $name =~ m{\A(\D+)(\d)\z};
	my ($found) = grep { $_->{name} eq $upstream } $s->status->{upstreams}->@*;

	return $found->{servers}[$n];
}

is_deeply [map { $_->{name} } $s->status->{upstreams}->@*],
	[qw(app gone checked)], 'upstreams, in the order of the file';
is_deeply server('app0'), { address => $b->{address}, backup => JSON::PP::false(),
	origin => 'file', mode => 'enabled', weight => 1, configured_weight => 1,
	changed => JSON::PP::false(), state => 'up', workers_down => 0, active => 0, idle => 0, requests => 0,
	failures => 0 }, 'a server at first';
is server('app1')->{address}, 'unix:/none', 'another';
ok server('app1')->{backup}, 'a backup';

subtest 'requests and connections' => sub {
	my @c = map { $s->client_of($_, '/') } $s->workers;

	is $_->get('/')->status, 200 for @c;
	is server('app0')->{requests}, 4, 'of both workers';
	wait_until { server('app0')->{idle} == 2 }
		'a connection of each to be kept alive';
	$c[0]->send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_until { server('app0')->{active} == 1 } 'a connection to be in use';
	is server('app0')->{idle}, 1, 'it was idle';
	like join('', $s->run('status')),
		qr/^app +\Q$b->{address}\E +up +1 +1 +1 +5 +0$/m, 'as text';
	$dir->write('go', '');
	is $c[0]->response->status, 200;
	wait_until { server('app0')->{idle} == 2 } 'it to be idle again';
	is server('app0')->{active}, 0, 'and none is in use';
	is server('app0')->{failures}, 0, 'none failed';
};

subtest 'failures' => sub {
	my $c = $s->client;
	my $before = $s->status->{totals}{upstream_failures};

	$s->allow_log(qr/cut short/, qr/answered with 502/, qr/not asked for/);
	$c->send("GET /part HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_until { $c->ended } 'the end of half a response';
	is server('app0')->{failures}, 1, 'a response that broke off';
	is $s->status->{totals}{upstream_failures}, $before + 1, 'in totals';
	is server('app0')->{state}, 'up', 'one makes no difference';
	$c = $s->client;
	is $c->get('/gone')->status, 502 for 1 .. 3;
	my $gone = server('gone0');

	is $gone->{failures}, 3, 'a server that is not there';
	is $gone->{requests}, 3, 'was asked';
	is $gone->{state}, 'down by requests', 'its state';
	is $gone->{workers_down}, 1, 'in one of two workers';
	is server('checked0')->{state}, 'up', 'others are up';
};

subtest 'checks' => sub {
	$s->allow_log(qr/checks in a row/);
	$dir->write('sick', '');
	wait_until { server('checked0')->{state} eq 'down by checks' } 'it to be down';
	is server('app0')->{state}, 'up', 'only where it is checked';
	like join('', $s->run('status')),
		qr/^checked +\Q$b->{address}\E +down by checks /m, 'as text';
	unlink $dir->path('sick');
	wait_until { server('checked0')->{state} eq 'up' } 'it to be up';
	pass 'and up again';
};

subtest 'without upstreams' => sub {
	$s->reload(<<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = ( { path = "/"; handler = "respond"; body = "x"; } ); } );
E
	is_deeply $s->status->{upstreams}, [], 'an empty list';
	my ($exit, $text) = $s->run('status');

	unlike $text, qr/^upstream/m, 'and no table';
};

$s->finish;
done_testing;
