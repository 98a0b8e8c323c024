# SPDX-License-Identifier: BSD-2-Clause
#
# concurrent: so many requests at a time and no more, in all workers together;
# who is gone is not counted, however it went.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

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
	like $s->log_text, qr/concurrent of a\.test: refused \d+, the last from/,
		'the log says so';
	cmp_ok $s->status->{totals}{limited}, '>=', 4, 'and they are counted';
};

subtest 'one that has its answer' => sub {
	ok end(shift @held), 'is answered';
	wait_until { $s->get('/', Host => 'a.test')->status == 200 }
		'a place to be free';
	is $s->get('/', Host => 'a.test')->status, 200, 'and again';
	my ($c, $status) = hold($second);

	is $status, 100, 'and taken';
	push @held, $c;
};

subtest 'a client that goes away' => sub {
	(shift @held)->close;
	wait_until { $s->get('/', Host => 'a.test')->status == 200 }
		'its place to be free';
	my ($c, $status) = hold();

	is $status, 100, 'and taken';
	push @held, $c;
};

subtest 'a reload' => sub {
	$s->reload;
	is $s->get('/', Host => 'a.test')->status, 503,
		'what moved is counted where it went';
	ok end($_), 'and answered' for splice @held;
	wait_until { $s->get('/', Host => 'a.test')->status == 200 }
		'the places to be free';
};

subtest 'a worker that is killed' => sub {
	my ($worker) = $s->workers;

	for (1 .. 4) {
		my ($c, $status) = hold($worker);

		is $status, 100, 'one more';
		push @held, $c;
	}
	is $s->get('/', Host => 'a.test')->status, 503, 'and no more';
	$s->expect_log(qr/killed by signal 9/);
	$s->allow_log(qr/workers die young/);
	$s->kill_worker($worker);
	wait_until { $s->get('/', Host => 'a.test')->status == 200 }
		'its places to be free';
	for (1 .. 4) {
		my ($c, $status) = hold();

		is $status, 100, 'all of them';
		push @held, $c;
	}
	ok end($_), 'and answered' for splice @held, 4;
	$_->close for splice @held;
};

subtest 'a route of its own' => sub {
	my ($a, $status_a) = hold(undef, '/own?k=a');
	my ($b, $status_b) = hold(undef, '/own?k=b');
	my ($again, $refused) = hold(undef, '/own?k=a');
	my ($free, $status_free) = hold(undef, '/own');

	is $status_a, 100, 'one of a key';
	is $status_b, 100, 'one of another';
	is $refused, 503, 'no second';
	is $status_free, 100, 'without a key no limit';
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
