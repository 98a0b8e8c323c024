# SPDX-License-Identifier: BSD-2-Clause
#
# Bodies of requests that a module takes in pieces: however they are framed and
# cut, with pauses, with answers before they are read, and with clients that go.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler build_module);
use Holdfast::Proc qw(rss_kb);

plan skip_all => 'no C compiler here' unless has_compiler();

my $s = Holdfast->start(prepare => sub ($dir) {
	build_module($dir->path('probe.so'), 'probe');
	$dir->write('users', 'ada:' . crypt('lovelace', '$5$salt$') . "\n");
}, conf => <<'E');
workers = 1;
limits = { body = "64m"; };
timeouts = { body = "2s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/m"; handler = "module"; module = "./probe.so"; },
  { path = "/a"; handler = "module"; module = "./probe.so";
    auth_file = "users"; auth_realm = "a"; },
  { path = "/r"; handler = "respond"; body = "canary"; }
); } );
E
my ($worker) = $s->workers;
my $c = $s->client;

sub canary ($name, $client = $c) {
	is $client->get('/r')->body, 'canary', "$name: in step";
}

sub chunked ($target, $body, $size, @fields) {
	my $text = "POST $target HTTP/1.1\r\nHost: a\r\n" .
		join('', map { "$_\r\n" } @fields) .
		"Transfer-Encoding: chunked\r\n\r\n";

	for (my $at = 0; $at < length $body; $at += $size) {
		my $piece = substr $body, $at, $size;

		$text .= sprintf "%x\r\n%s\r\n", length $piece, $piece;
	}
	return "${text}0\r\n\r\n";
}

sub sum ($body) {
	my $sum = 0;

	$sum = ($sum * 31 + $_) % 1000000007 for unpack 'C*', $body;
	return length($body) . " $sum\n";
}

# How many requests the module holds, this one not counted.
sub held () { return $s->get('/m/held')->body - 1 }

my $large = join '', map { chr($_ * 7 % 251) } 1 .. 150_000;

# Pauses after so many pieces: none, each, every third; continued by a timer,
# or in the call that says that it pauses.
for my $how ('', 'pauses=1', 'pauses=3', 'pauses=1&at_once=1') {
	my $target = "/m/echo?$how";

	for my $body ('', 'x', 'two words', $large) {
		my $name = "echo of " . length($body) . " bytes, '$how'";

		is $c->request('POST', $target, [], $body)->body, $body,
			"$name, with a length";
		for my $size (1, 1000, 40000) {
			next if $size == 1 && length $body > 1000;
			$c->send(chunked($target, $body, $size));
			is $c->response->body, $body, "$name, chunks of $size";
		}
	}
	canary("echo '$how'");
}
is $c->request('PUT', '/m/sum', [], $large)->body, sum($large),
	'the sum of it';
is $c->get('/m/echo')->body, '', 'GET has none, and body_end() is called';

subtest 'behind a password' => sub {
	my $good = 'Basic ' . encode_base64('ada:lovelace', '');

	for my $body ('', 'two words', $large) {
		is $c->request('POST', '/a/echo?pauses=1',
			[Authorization => $good], $body)->body, $body,
			length($body) . ' bytes';
		$c->send(chunked('/a/echo', $body, 1000,
			"Authorization: $good"));
		is $c->response->body, $body, 'in chunks';
		is $c->request('POST', '/a/echo', [], $body)->status, 401,
			'or not';
		canary('password');
	}
};

subtest 'byte by byte' => sub {
	my $slow = $s->client;
	my $body = 'a slow body';

	for my $text ($slow->request_text('POST', '/m/echo?pauses=1', [], $body),
		      chunked('/m/echo?pauses=2', $body, 4)) {
		$slow->send($_) for split //, $text;
		is $slow->response->body, $body, 'it arrives';
	}
	canary('slow', $slow);
};

subtest 'in a pipeline' => sub {
	my @bodies = map { substr $large, 0, $_ * 997 } 1 .. 30;

	$c->send(join '', map {
		$_ % 2 ? chunked('/m/echo?pauses=2', $bodies[$_], 500)
		       : $c->request_text('POST', '/m/echo', [], $bodies[$_])
	} 0 .. $#bodies);
	my $good = 0;

	for my $body (@bodies) {
		$good++ if $c->response->body eq $body;
	}
	is $good, scalar @bodies, 'each its own';
	canary('pipeline');
};

# What was answered before a body that is not taken any further is sent.
subtest 'behind another request, and held' => sub {
	my $p = $s->client;

	$p->send($p->request_text('GET', '/r') . $p->request_text('POST',
		'/m/echo?pauses=1&forever=1', ['Content-Length' => 6]) . 'abc');
	is $p->response->body, 'canary', 'the answer to the first comes';
	$p->reset;
	canary('held');
};

subtest 'answered before it is read' => sub {
	for my $text ($c->request_text('POST', '/m/early', [], $large),
		      chunked('/m/early', $large, 9999)) {
		$c->send($text);
		is $c->response->status, 403, 'status';
		canary('early');
	}
	for my $text ($c->request_text('POST', '/m/first', [], $large),
		      chunked('/m/first', $large, 9999)) {
		$c->send($text);
		is $c->response->body, "at the first piece\n", 'in the middle';
		canary('middle');
	}
	# While the body is waited for, by a timer.
	my $e = $s->client;

	$e->send($e->request_text('POST', '/m/later?ms=20',
		['Content-Length' => 5]) . 'ab');
	is $e->response->body, "later\n", 'while it is coming';
	$e->send('cde');
	canary('later', $e);
};

subtest 'Expect: 100-continue' => sub {
	my @expect = (Expect => '100-continue', 'Content-Length' => 3);
	my $e = $s->client;

	$e->send($e->request_text('POST', '/m/echo', \@expect));
	is $e->response->status, 100, 'it is wanted';
	$e->send('abc');
	is $e->response->body, 'abc', 'and echoed';
	canary('100', $e);

	$e->send($e->request_text('POST', '/m/early', \@expect));
	my $r = $e->response;

	is $r->status, 403, 'answered early: no 100';
	ok $r->closes && $e->at_end, 'and closed';
};

subtest 'what is too long, or no chunk' => sub {
	my $e = $s->client;

	$e->send($e->request_text('POST', '/m/echo',
		['Content-Length' => (64 << 20) + 1]));
	my $r = $e->response;

	is $r->status, 413, 'by its length: the module does not see it';
	ok $r->closes, 'closed';
	$e = $s->client;
	$e->send(chunked('/m/sum', 'abc', 1) =~ s/0\r\n\r\n\z/x\r\n/r);
	is $e->response->status, 400, 'a bad chunk';
	like $s->wait_log(qr/ended \/sum cut/)->{text}, qr/cut/,
		'the module hears of it';
	$e = $s->client;
	$e->send($e->request_text('POST', '/m/sum', ['Content-Length' => 9]) .
		'abc');
	my $late = $e->response;

	is $late->status, 408, 'the rest does not come';
	is $late->field('x-sum'), undef, 'the fields of the module do not go out';
	$s->wait_log(qr/ended \/sum cut/, 2);
	is held(), 0, 'nothing is held';
};

subtest 'a pause is not the fault of the client' => sub {
	my $e = $s->client;

	# Longer than timeouts.body.
	$e->send($e->request_text('POST', '/m/sum?pauses=1&ms=2500', [],
		'abc'));
	is $e->response->body, sum('abc'), 'it has no limit';
	canary('pause', $e);
};

subtest 'clients that go' => sub {
	for my $how (qw(reset close)) {
		my $e = $s->client;
		my $n = () = $s->logged(qr/ended \/sum cut/);

		$e->send($e->request_text('POST', '/m/sum',
			['Content-Length' => 9]) . 'abc');
		wait_until { held() == 1 } 'it to be held';
		$e->$how;
		$s->wait_log(qr/ended \/sum cut/, $n + 1);
		pass "$how while the body is read";

		$e = $s->client;
		$e->send($e->request_text('POST', '/m/sum?pauses=1&forever=1',
			[], 'abc'));
		wait_until { held() == 1 } 'it to be held';
		$e->$how;
		$s->wait_log(qr/ended \/sum cut/, $n + 2);
		pass "$how while it is paused";
		is held(), 0, 'nothing is held';
	}
};

subtest 'a large one, with pauses, in little memory' => sub {
	my $size = scaled(50 << 20);
	my $block = substr $large, 0, 65536;
	my $blocks = int $size / length $block;
	my $before = rss_kb($worker);
	my $most = 0;
	my $e = $s->client;

	$e->send($e->request_text('POST', '/m/sum?pauses=20&ms=1',
		['Content-Length' => $blocks * length $block]));
	for my $n (1 .. $blocks) {
		$e->send($block);
		next if $n % 50;
		my $now = rss_kb($worker);

		$most = $now if $now > $most;
	}
	like $e->response->body, qr/^@{[$blocks * length $block]} \d+$/,
		'all of it came';
	SKIP: {
		skip 'memory of sanitizers is not the server\'s', 1
			if binary_has_sanitizers();
		cmp_ok $most - $before, '<', 2048, 'the worker did not grow';
	}
	canary('large', $e);

	# A paused body is not read, and the client has to wait.
	$e = $s->client(undef, sndbuf => 65536);
	$e->send($e->request_text('POST', '/m/sum?pauses=1&forever=1',
		['Content-Length' => 60 << 20]));
	my ($sent, $still) = (0, now());

	while (now() - $still < 0.5) {
		my $n = $e->send_some($block);

		$still = now() if $n;
		$sent += $n;
	}
	cmp_ok $sent, '<', 20 << 20, 'back-pressure';
	$e->reset;
	wait_until { held() == 0 } 'it to be let go';
};

canary('the end');
$s->finish;
done_testing;
