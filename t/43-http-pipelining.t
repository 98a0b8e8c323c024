# SPDX-License-Identifier: BSD-2-Clause
#
# Pipelined requests are answered all, in order, however they are cut.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my %size = (0 => 0, 1 => 1, 2 => 1000, 3 => 16384, 4 => 70000, 5 => 300000);
my %content = map { my $n = $_; $n => join '', map { chr(33 + ($_ * 7 + $n)
	% 90) } 1 .. $size{$n} } keys %size;
my $s = Holdfast->start(
	files => { map { ("www/$_" => $content{$_}) } keys %size },
	conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/q"; handler = "respond"; body = "${query.n}"; },
  { path = "/f"; handler = "respond"; body = "${form.n}"; }
); } );
E

# The nth request and what answers it: [text, method, status, body].
sub nth ($n) {
	my $kind = $n % 8;

	return ["GET /$kind HTTP/1.1\r\nHost: a\r\n\r\n", 'GET', 200,
		$content{$kind}] if $kind <= 5;
	return ["POST /f HTTP/1.1\r\nHost: a\r\nContent-Type: "
		. "application/x-www-form-urlencoded\r\nContent-Length: "
		. length("n=$n") . "\r\n\r\nn=$n", 'POST', 200, $n]
		if $n % 16 == 6;
	return ["POST /f HTTP/1.1\r\nHost: a\r\nContent-Type: "
		. "application/x-www-form-urlencoded\r\nTransfer-Encoding: "
		. "chunked\r\n\r\n2\r\nn=\r\n" . sprintf('%x', length $n)
		. "\r\n$n\r\n0\r\n\r\n", 'POST', 200, $n] if $kind == 6;
	return ["HEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n", 'HEAD', 200, '']
		if $n % 3 == 0;
	return ["GET /none$n HTTP/1.1\r\nHost: a\r\n\r\n", 'GET', 404, undef]
		if $n % 3 == 1;
	return ["GET /q?n=$n HTTP/1.1\r\nHost: a\r\n\r\n", 'GET', 200, $n];
}

sub answers_ok ($c, $name, @requests) {
	my $good = 0;

	for my $request (@requests) {
		my (undef, $method, $status, $body) = @$request;
		my $r = $c->response($method);

		last if $r->status != $status;
		last if defined $body && $r->body ne $body;
		$good++;
	}
	is $good, scalar @requests, $name;
}

my @requests = map { nth($_) } 1 .. 100;
my $all = join '', map { $_->[0] } @requests;

subtest 'a hundred at once' => sub {
	my $c = $s->client;

	$c->send($all);
	answers_ok($c, 'all, in order', @requests);
	is $c->get('/q?n=end')->body, 'end', 'and in step';
};

subtest 'to a reader that starts late and has little room' => sub {
	my $c = $s->client(undef, rcvbuf => 4096);
	my $sent = 0;

	# Fill until the server takes no more, then read.
	my $still = now();

	while (now() - $still < 0.3 && $sent < 40 * length $all) {
		my $n = $c->send_some(substr $all x 2,
			$sent % length $all, 4096);

		$still = now() if $n;
		$sent += $n;
	}
	my $rest = (length($all) - $sent % length $all) % length $all;
	my $count = int(($sent + $rest) / length $all) * @requests;

	my $tail = $rest ? substr($all, -$rest) : '';
	my @expected = map { $requests[($_ - 1) % @requests] } 1 .. $count;
	# What is left of the last round goes out while we read: send() does.
	$c->send($tail);
	answers_ok($c, "$count requests, all answered in order", @expected);
};

subtest 'cut at every place of two' => sub {
	my @two = (nth(2), nth(22));
	my $text = join '', map { $_->[0] } @two;
	my $good = 0;

	for my $cut (1 .. length($text) - 1) {
		my $c = $s->client;

		$c->send(substr $text, 0, $cut);
		$c->send(substr $text, $cut);
		$good++ if eval { $c->response->body eq $two[0][3] } &&
			eval { $c->response->body eq $two[1][3] };
	}
	is $good, length($text) - 1, 'both answered wherever the cut is';
};

subtest 'byte by byte' => sub {
	my @some = map { nth($_) } 1 .. 24;
	my $c = $s->client;

	$c->send($_) for split //, join '', map { $_->[0] } @some;
	answers_ok($c, 'all, in order', @some);
};

subtest 'in pieces of odd sizes' => sub {
	for my $piece (7, 61, 1021, 4099) {
		my $c = $s->client;

		for (my $at = 0; $at < length $all; $at += $piece) {
			$c->send(substr $all, $at, $piece);
		}
		answers_ok($c, "$piece bytes", @requests);
	}
};

subtest 'a bad one in the middle ends it, after the good ones' => sub {
	my $c = $s->client;

	$c->send($requests[0][0] . $requests[1][0]
		. "BAD\r\n\r\n" . $requests[2][0]);
	answers_ok($c, 'what came before is answered', @requests[0, 1]);
	is $c->response->status, 400, 'then the bad one';
	ok $c->at_end, 'then the end';
};

$s->finish;
done_testing;
