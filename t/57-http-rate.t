# SPDX-License-Identifier: BSD-2-Clause
#
# rate: as many requests as it says and not one more, whichever worker they
# come to, over reloads and after a worker is killed.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
workers = 2;
real_ip = { from = [ "127.0.0.2" ]; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = (
  { hosts = [ "site.test" ]; rate = "1/h"; rate_burst = 9;
    routes = (
      { path = "/"; handler = "respond"; body = "root"; },
      { path = "/other"; handler = "respond"; body = "other"; },
      { path = "/own"; handler = "respond"; body = "own"; rate_burst = 2; },
      { path = "/free"; handler = "respond"; body = "free"; rate = "off"; }
    ); },
  { hosts = [ "key.test" ]; rate = "1/m"; rate_key = "${header.x-key}";
    routes = ( { path = "/"; handler = "respond"; body = "key"; } ); },
  { hosts = [ "fast.test" ]; rate = "20/s";
    routes = ( { path = "/"; handler = "respond"; body = "fast"; } ); },
  { hosts = [ "form.test" ]; rate = "1/h";
    routes = ( { path = "/"; handler = "respond"; body = "[${form.f}]"; } ); },
  { hosts = [ "many.test" ]; rate = "1/h"; rate_burst = 4;
    routes = ( { path = "/"; handler = "respond"; body = "many"; } ); }
);
E

# How many of `n` requests, each by a connection of its own, get which status.
sub tally ($n, $target, @fields) {
	my %seen;
	my @clients = map { $s->client } 1 .. $n;

	$_->send("GET $target HTTP/1.1\r\n"
		. join('', map { "$_\r\n" } @fields) . "\r\n") for @clients;
	$seen{$_->response->status}++ for @clients;
	$_->close for @clients;
	return \%seen;
}

is_deeply tally(40, '/', 'Host: site.test'), { 200 => 10, 429 => 30 },
	'the first, and a burst of nine, by two workers';
is_deeply tally(5, '/other', 'Host: site.test'), { 429 => 5 },
	'the routes of a site count together';
is_deeply tally(3, '/nowhere', 'Host: site.test'), { 429 => 3 },
	'and what no route answers';
is_deeply tally(8, '/own', 'Host: site.test'), { 200 => 3, 429 => 5 },
	'a route with one of its own has that';
is_deeply tally(8, '/free', 'Host: site.test'), { 200 => 8 },
	'or none';

subtest 'what is said' => sub {
	my $c = $s->client;
	my $r = $c->get('/', Host => 'site.test');

	is $r->status, 429, 'too many';
	is $r->reason, 'Too Many Requests', 'in words';
	my $wait = $r->field('retry-after');

	cmp_ok $wait, '>', 3500, 'Retry-After is in seconds';
	cmp_ok $wait, '<=', 3600, 'and when the next is due';
	ok !$r->closes, 'the connection goes on';
	$c->close;
	like $s->log_text, qr/info worker \d\[\d+\]: answered with 429: over sites\[\d\]\.rate, /,
		'the log says so';
	cmp_ok $s->status->{totals}{limited}, '>=', 44, 'and they are counted';
};

subtest 'keys' => sub {
	is_deeply tally(5, '/', 'Host: key.test', 'X-Key: a'),
		{ 200 => 1, 429 => 4 }, 'one';
	is_deeply tally(5, '/', 'Host: key.test', 'X-Key: b'),
		{ 200 => 1, 429 => 4 }, 'another';
	is_deeply tally(5, '/', 'Host: key.test'), { 200 => 5 }, 'none';
	is_deeply tally(3, '/', 'Host: key.test', 'X-Key: ' . 'a' x 9000),
		{ 200 => 1, 429 => 2 }, 'a huge one';
};

subtest 'addresses' => sub {
	my $c = $s->client('http', from => '127.0.0.2');
	my $status = sub ($said) {
		return $c->get('/', Host => 'many.test',
			'X-Forwarded-For' => $said)->status;
	};

	for my $said ('198.51.100.1', '198.51.100.2') {
		is_deeply [map { $status->($said) } 1 .. 6],
			[(200) x 5, 429], "of $said, its own";
	}
	is_deeply [map { $status->("2001:db8:1:2:$_\::1") } 1 .. 6],
		[(200) x 5, 429], 'of IPv6, a network of 64 bits has one';
	is $status->('2001:db8:1:3::1'), 200, 'and the next another';
	my $other = $s->client('http', from => '127.0.0.9');

	is_deeply [map { $other->get('/', Host => 'many.test',
		'X-Forwarded-For' => "203.0.113.$_")->status } 1 .. 6],
		[(200) x 5, 429], 'who says that he is many is one';
	$other->close;
	$c->close;
};

subtest 'it is there again after a while' => sub {
	my $c = $s->client;
	my $begin = now();
	my $passed = 0;

	wait_until {
		$passed += $c->get('/', Host => 'fast.test')->status == 200;
		$passed == 5;
	} 'five of twenty a second';
	cmp_ok now() - $begin, '>=', 4 / 20 - 0.01, 'not sooner';
	$c->close;
};

subtest 'a reload' => sub {
	my $c = $s->client;

	$c->send("POST / HTTP/1.1\r\nHost: form.test\r\n"
		. "Content-Type: application/x-www-form-urlencoded\r\n"
		. "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	is $c->response->status, 100, 'a request is let in';
	is $s->get('/', Host => 'form.test')->status, 429, 'and counted';
	$c->send('f=a');
	$s->reload;
	is_deeply tally(3, '/', 'Host: site.test'), { 429 => 3 },
		'begins nothing anew';
	$c->send('bc');
	is $c->response->body, '[abc]',
		'the request that moves is not counted again';
	$c->close;
};

subtest 'a worker that is killed' => sub {
	my ($pid) = $s->workers;

	$s->expect_log(qr/killed by signal 9/);
	$s->allow_log(qr/workers are dying at startup/);
	$s->kill_worker($pid);
	is_deeply tally(3, '/', 'Host: site.test'), { 429 => 3 },
		'begins nothing anew';
};

$s->finish;
done_testing;
