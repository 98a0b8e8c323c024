# SPDX-License-Identifier: BSD-2-Clause
#
# The queue of an upstream: requests wait for a server that has a connection to
# spare, in the order in which they came, and are answered with 503 and the reason
# when there are too many of them, or when it takes too long.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;
use Holdfast::Upgraded;

my $gates = Holdfast::Dir->new;
my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my ($name) = $request->{target} =~ m{/([^/]*)\z};
	my $answer = "$name:" . length $request->{body};

	wait_until { -e $gates->path($name) || -e $gates->path('all') } 'the gate'
		if $name =~ /hold/;
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: "
		. length($answer) . "\r\n\r\n$answer";
	return 1;
});

sub conf (%opt) {
	my $queue = $opt{queue} // 3;
	my $timeout = $opt{timeout} // '20s';

	return <<"CONF";
workers = 1;
timeouts = { drain = "30s"; };
log = { access = "%%DIR%%/access.log";
  format = "\${path} \${status} \${upstream.tries} \${upstream.time.queue:--}"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "app"; queue = $queue; queue_timeout = "$timeout";
    servers = ( { address = "$b->{address}"; max_connections = 1; } ); },
  { name = "two"; queue = 10; queue_timeout = "20s"; servers = (
    { address = "127.0.0.1:1"; max_connections = 1; },
    { address = "$b->{address}"; max_connections = 1; } ); }
);
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/whole/"; handler = "proxy"; upstream = "app"; request_buffer = true; },
  { path = "/server/"; handler = "proxy"; upstream = "app"; host = "server"; },
  { path = "/two/"; handler = "proxy"; upstream = "two"; }
); } );
CONF
}
my $s = Holdfast::Upgraded->of(Holdfast->start(conf => conf()));

$s->allow_log(qr/not asked for/);

sub ask ($path, $body = undef) {
	my $c = $s->client;

	$c->send(Holdfast::Client->request_text(
		defined $body ? 'POST' : 'GET', $path, [], $body));
	return $c;
}
sub queue () { return $s->status->{upstreams}[0]{queue} }
sub waiting ($n) { wait_until { queue()->{waiting} == $n } "$n to wait" }
sub seen () { return map { $_->{target} } $b->requests }
sub hold ($name) {
	my $c = ask($name);

	wait_until { ((seen())[-1] // '') eq $name } "$name to be asked for";
	return $c;
}
sub open_gate ($name) { $gates->write($name, ''); }

subtest 'in the order in which they came' => sub {
	my $held = hold('/hold-1');
	my @waiting;

	for my $n (1 .. 3) {
		push @waiting, ask("/n$n");
		waiting($n);
	}
	is queue()->{max}, 3, 'the maximum is shown';
	my $c = $s->client;

	is $c->get('/four')->status, 503, 'there is no room for a fourth';
	$s->wait_log(qr/answered with 503: upstream app: queue: every server is at its max_connections, and the queue is full, .*GET \/four/);
	$s->expect_log(qr/the queue is full/);
	open_gate('hold-1');
	is $held->response->body, 'hold-1:0', 'the one that was there';
	is $_->response->status, 200, 'one that waited' for @waiting;
	is_deeply [(seen())[-3 .. -1]], ['/n1', '/n2', '/n3'], 'the order';
	is queue()->{waiting}, 0, 'none is left';
	is queue()->{queued}, 3, 'three have waited';
	is $s->status->{totals}{upstream_queued}, 3, 'totals';
	is $s->status->{totals}{upstream_queue_full}, 1, 'and the fourth';
	like join('', $s->run('status')), qr/^app +queue: 0 of 3 waiting, 3 have waited/m,
		'as text';
};

subtest 'one that comes later, when there is room' => sub {
	my $held = $s->client;

	# The second one comes with the end of the first.
	$held->send("GET /hold-0 HTTP/1.1\r\nHost: a\r\n\r\n"
		. "GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_until { (seen())[-1] eq '/hold-0' } 'it to be asked for';
	my $first = ask('/first');

	waiting(1);
	open_gate('hold-0');
	is $_->response->status, 200 for $held, $held, $first;
	is_deeply [(seen())[-2, -1]], ['/first', '/second'],
		'does not overtake one that waits';
};

subtest 'a client that leaves' => sub {
	my $held = hold('/hold-2');
	my $leaver = ask('/leaver');

	waiting(1);
	my $stayer = ask('/stayer');

	waiting(2);
	$leaver->close;
	waiting(1);
	open_gate('hold-2');
	is $stayer->response->body, 'stayer:0', 'the one that stayed';
	is scalar(grep { $_ eq '/leaver' } seen()), 0, 'the other is not asked for';
};

subtest 'bodies' => sub {
	my $held = hold('/hold-3');
	my $piece = $s->client;

	$piece->send("POST /piece HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
	waiting(1);
	my $whole = ask('/whole/x', 'y' x 5000);

	waiting(2);
	open_gate('hold-3');
	$piece->send('again');
	is $piece->response->body, 'piece:10', 'one that is coming';
	is $whole->response->body, 'x:5000', 'one that was collected';
};

subtest 'too long' => sub {
	$s->reload(conf(timeout => '200ms'));
	my $held = hold('/hold-4');
	my $c = $s->client;

	is $c->get('/late')->status, 503, 'is answered';
	$s->wait_log(qr/answered with 503: upstream app: queue: no server had a connection to spare within queue_timeout, .*GET \/late/);
	$s->expect_log(qr/within queue_timeout/);
	is $s->status->{totals}{upstream_queue_timeouts}, 1, 'totals';
	wait_until { ($s->dir->read('access.log') // '') =~ m{^/late 503 0 0\.[2-9]}m } 'the log';
	open_gate('hold-4');
	is $held->response->status, 200;
	$s->reload(conf());
};

subtest 'a server that is not there' => sub {
	my @c = map { ask("/two/hold-5-$_") } 1 .. 3;

	wait_until { grep { m{hold-5} } seen() } 'the first';
	open_gate('all');
	is $_->response->status, 200, 'tried again on the other one' for @c;
	unlink $gates->path('all');
};

subtest 'they move' => sub {
	for my $how ('reload', 'upgrade') {
		my $n = $how eq 'reload' ? 6 : 7;
		my $held = hold("/hold-$n");
		my @c = (ask('/w1'));

		waiting(1);
		push @c, ask('/server/w2');
		waiting(2);
		push @c, ask('/whole/w3', 'z' x 3000);
		waiting(3);
		my @before = $s->workers;

		if ($how eq 'reload') {
			$s->reload;
		} else {
			is +($s->run('upgrade'))[0], 0, 'an upgrade';
			$s->follow;
		}
		wait_until { !grep { my $w = $_; grep { $_ == $w } @before }
			$s->workers } 'the old worker to be gone';
		waiting(3);
		pass "$how: they wait in the new worker";
		open_gate("hold-$n");
		is $held->response->status, 200, 'the one that they waited for';
		is $_->response->status, 200, 'one that waited' for @c;
		is_deeply [(seen())[-3 .. -1]], ['/w1', '/server/w2', '/whole/w3'],
			'in their order';
		my ($w2) = grep { $_->{target} eq '/server/w2' } $b->requests;

		is Holdfast::Backend::field($w2, 'host'), $b->{address},
			'with the Host of the server';
		is +($b->requests)[-1]{body}, 'z' x 3000, 'with its body';
		$b->forget;
	}
};

$s->finish;
done_testing;
