# SPDX-License-Identifier: BSD-2-Clause
#
# concurrent: so many requests at a time and no more, in all workers together;
# who is gone is not counted, however it went.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(socket_holder);

my $s = Holdfast->start(conf => <<'E');
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = (
  { hosts = [ "a.test" ]; concurrent = 4;
    routes = (
      { path = "/"; handler = "respond"; body = "[${form.f}]"; },
      { path = "/own"; handler = "respond"; body = "[${form.f}]";
        concurrent = 1; concurrent_key = "${query.k}"; }
    ); },
  { hosts = [ "*" ];
    routes = ( { path = "/"; handler = "respond"; body = "free"; } ); }
);
E

# A request that is let in, and then waits for the rest of its body.
sub hold ($worker = undef, $target = '/') {
	my $c = defined $worker ? $s->client_of($worker, '/') : $s->client;

	$c->send("POST $target HTTP/1.1\r\nHost: a.test\r\n"
		. "Content-Type: application/x-www-form-urlencoded\r\n"
		. "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	my $r = $c->response;

	return ($c, $r->status);
}

# The same, when there is room for it. A client has its response a moment
# before the worker has done with the request; and a connection that rests
# between two requests may go to another worker.
sub take ($worker = undef, $target = '/') {
	my ($c, $status);

	wait_until {
		($c, $status) = hold($worker, $target);
		my $is_there = $status == 100 && (!defined $worker
			|| (socket_holder($c->socket, $s->workers) // 0) == $worker);

		$c->close if !$is_there;
		$is_there;
	} "$target to be free";
	return $c;
}

sub end ($c) {
	$c->send('f=x');
	my $r = $c->response;

	$c->close;
	return $r->status == 200 && $r->body eq '[x]';
}

my ($first, $second) = $s->workers;
my @held;

subtest 'four, by two workers' => sub {
	for my $worker ($first, $second, $first, $second) {
		my ($c, $status) = hold($worker);

		is $status, 100, 'one more';
		push @held, $c;
	}
	for my $worker ($first, $second) {
		my ($c, $status) = hold($worker);

		is $status, 503, 'and no more';
		$c->close;
	}
	my $r = $s->get('/', Host => 'a.test');

	is $r->status, 503, 'of any kind';
	is $r->field('retry-after'), 1, 'with Retry-After';
	is $s->get('/', Host => 'a.test', )->status, 503, 'is not counted';
	is $s->get('/')->body, 'free', 'another site is left alone';
	like $s->log_text, qr/answered with 503: over sites\[\d\]\.concurrent, \d at a time/,
		'the log says so';
	cmp_ok $s->status->{totals}{limited}, '>=', 4, 'and they are counted';
};

subtest 'one that has its answer' => sub {
	ok end(shift @held), 'is answered';
	push @held, take($second);
	is $s->get('/', Host => 'a.test')->status, 503, 'its place is taken';
};

subtest 'a client that goes away' => sub {
	(shift @held)->close;
	push @held, take();
	is $s->get('/', Host => 'a.test')->status, 503, 'its place is taken';
};

subtest 'a reload' => sub {
	$s->reload;
	wait_until { $s->get('/', Host => 'a.test')->status == 503 }
		'what moves to be counted where it goes';
	ok end($_), 'and answered' for splice @held;
	push @held, take() for 1 .. 4;
	ok end($_), 'there is room for as many' for splice @held;
};

subtest 'a worker that is killed' => sub {
	my ($worker) = $s->workers;

	push @held, take($worker) for 1 .. 4;
	is $s->get('/', Host => 'a.test')->status, 503, 'and no more';
	$s->expect_log(qr/killed by signal 9/);
	$s->allow_log(qr/workers are dying at startup/);
	$s->kill_worker($worker);
	push @held, take() for 1 .. 4;
	is $s->get('/', Host => 'a.test')->status, 503, 'its places are taken';
	ok end($_), 'and answered' for splice @held, 4;
	$_->close for splice @held;
};

subtest 'a route of its own' => sub {
	my $a = take(undef, '/own?k=a');
	my $b = take(undef, '/own?k=b');
	my ($again, $refused) = hold(undef, '/own?k=a');
	my ($free, $status) = hold(undef, '/own');

	is $refused, 503, 'no second of a key';
	is $status, 100, 'without a key no limit';
	ok end($_), 'and answered' for $a, $b, $free;
	$again->close;
};

subtest 'pipelined' => sub {
	my $c = $s->client;
	my $n = scaled(200);

	$c->send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n" x $n);
	is_deeply [map { $c->response->status } 1 .. $n], [(200) x $n],
		'requests of a connection are one at a time';
	$c->close;
};

$s->finish;
done_testing;
