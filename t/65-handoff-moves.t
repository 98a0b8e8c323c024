# SPDX-License-Identifier: BSD-2-Clause
#
# A connection moves in the middle of anything: after any byte of a request,
# of its head or its body, with bytes on their way in both directions. The
# workers that take over answer, with their own configuration, and the
# connection stays open.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(sum);
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive);

my $large = join '', map { sprintf "%07d\n", $_ } 0 .. 999_999;

sub conf ($name, $more = '') {
	return <<"E";
log = { access = "%%DIR%%/access.log"; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/get"; handler = "respond"; methods = [ "GET" ];
    body = "$name \${query.x}"; },
  { path = "/form"; handler = "respond"; methods = [ "POST" ];
    body = "$name \${form.x}"; },
  { path = "/f/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
$more
E
}

my $s = Holdfast->start(conf => conf('g1'),
	files => { 'www/large' => $large });
my $generation = 1;

# The workers that serve from now on say g2, g3, ...
sub begin_move ($more = '') {
	$s->reload(conf('g' . ++$generation, $more));
	return "g$generation";
}

sub move_all () {
	begin_move();
	$s->wait_workers(2);	# those before them have nothing left
	return "g$generation";
}

# The server has read all that was sent, so it is not in the kernel.
sub wait_read ($before, $n) {
	wait_until { $s->status->{totals}{bytes_in} >= $before + $n }
		'the server to read what was sent';
}

sub bytes_in () { return $s->status->{totals}{bytes_in} }

my $answered = 0;

# A response that is the one, from a connection that stays open.
sub answers ($client, $body) {
	my $r = eval { $client->response };

	$answered++ if $r;
	return $r && $r->status == 200 && $r->body eq $body && !$r->closes;
}

my $type = 'Content-Type: application/x-www-form-urlencoded';
my %requests = (
	'a GET' => ["GET /get?x=1 HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n"],
	'a body with Content-Length' => ["POST /form HTTP/1.1\r\nHost: a\r\n"
		. "Content-Length: 12\r\n$type\r\n\r\nx=0123456789",
		'0123456789'],
	'a chunked body' => ["POST /form HTTP/1.1\r\nHost: a\r\n"
		. "Transfer-Encoding: chunked\r\n$type\r\n\r\n"
		. "2\r\nx=\r\n00a;n=\"v\"\r\n0123456789\r\n1\r\n!\r\n"
		. "0\r\nTrailer: 1\r\n\r\n", '0123456789!'],
);

for my $name (sort keys %requests) {
	my ($text, $body) = $requests{$name}->@*;

	$body //= '1';
	subtest "after any byte of $name" => sub {
		my $last = length($text) - 1;
		my @clients = map { $s->client('http') } 0 .. $last;
		my $before = bytes_in();
		my $sent = 0;

		for my $at (0 .. $last) {
			$clients[$at]->send(substr $text, 0, $at);
			$sent += $at;
		}
		wait_read($before, $sent);
		move_all();
		# Once more, half of the rest later.
		$before = bytes_in();
		$sent = 0;
		for my $at (0 .. $last) {
			my $half = int(($last + 1 - $at) / 2);

			$clients[$at]->send(substr $text, $at, $half);
			$sent += $half;
		}
		wait_read($before, $sent);
		my $who = move_all();
		my @wrong;

		for my $at (0 .. $last) {
			my $half = int(($last + 1 - $at) / 2);

			$clients[$at]->send(substr $text, $at + $half);
			push @wrong, $at
				unless answers($clients[$at], "$who $body");
		}
		is "@wrong", '', 'the new workers answer';
		@wrong = grep {
			$clients[$_]->send($text);
			!answers($clients[$_], "$who $body");
		} 0 .. $last;
		is "@wrong", '', 'and each connection can be used again';
		is scalar($s->logged(qr/answered with 4/)), 0,
			'nothing looked broken';
	};
}

subtest 'a body that a client was asked for' => sub {
	my $c = $s->client('http');

	$c->send("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
		. "$type\r\nExpect: 100-continue\r\n\r\n");
	is $c->response->status, 100, 'it may send the body';
	my $who = move_all();

	$c->send('x=1');
	ok answers($c, "$who 1"), 'to other workers';
};

# Begins a form of 300,002 bytes; returns the client and what is left to send.
sub begin_large () {
	my $value = 'v' x 300_000;
	my $c = $s->client('http');
	my $before = bytes_in();
	my $text = "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 300002"
		. "\r\n$type\r\n\r\nx=" . substr $value, 0, 200_000;

	$c->send($text);
	wait_read($before, length $text);
	return ($c, substr($value, 200_000), $value);
}

subtest 'a body that is in a file' => sub {
	my ($c, $rest, $value) = begin_large();
	my $who = move_all();

	$c->send($rest);
	ok answers($c, "$who $value"), 'goes along';
	$c->send("GET /get?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
	ok answers($c, "$who 1"), 'and so does the next request';
};

subtest 'a body that is too much for one message' => sub {
	begin_move('limits = { body_memory = "1m"; };');
	$s->wait_workers(2);
	my ($c, $rest, $value) = begin_large();
	my $who = move_all();

	$c->send($rest);
	ok answers($c, "$who $value"), 'goes along in a file';
	$c->send("GET /get?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
	ok answers($c, "$who 1"), 'and the connection goes on';
};

subtest 'a body that nobody wants' => sub {
	my $c = $s->client('http');

	$c->send("POST /get HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
	my $r = $c->response;

	is $r->status, 405, 'it is refused';
	ok !$r->closes, 'politely';
	$answered++;
	my $who = begin_move();

	$c->send("def");
	$s->wait_workers(2);
	$c->send("GET /get?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
	ok answers($c, "$who 1"), 'the next request is found behind it, by the new workers';
};

subtest 'requests that wait behind one that is answered' => sub {
	my $c = $s->client('http', rcvbuf => 16384);
	my @old = $s->workers;
	my $text = join '', "GET /f/large HTTP/1.1\r\nHost: a\r\n\r\n",
		map { "GET /get?x=$_ HTTP/1.1\r\nHost: a\r\n\r\n" } 1 .. 8;

	$c->send($text);
	$c->more;
	my $who = begin_move();

	wait_until { !grep { alive($_) } @old } 'the old workers to go';
	ok answers($c, $large), 'which arrives whole';
	my @wrong = grep {
		my $r = $c->response;

		$answered++;
		$r->closes || $r->body ne "$who $_";
	} 1 .. 8;

	is "@wrong", '', 'those behind it are for the new, in their order';
};

subtest 'clients that have finished sending' => sub {
	my $c = $s->client('http', rcvbuf => 16384);
	my $echo = $s->client('echo', rcvbuf => 16384, sndbuf => 16384);

	$c->send("GET /f/large HTTP/1.1\r\nHost: a\r\n\r\n");
	$c->finish_sending;
	$c->more;
	my $sent = 0;

	# Until both directions are full.
	while (my $n = $echo->send_some(substr $large, $sent, 65536)) {
		$sent += $n;
		Time::HiRes::sleep(0.002);
	}
	$echo->finish_sending;
	begin_move();
	begin_move();
	ok answers($c, $large), 'a response arrives whole';
	ok $c->at_end, 'then the end';
	is $echo->read_to_end, substr($large, 0, $sent),
		"$sent bytes on their way come back, then the end";
	ok !$echo->was_reset, 'politely';
};

subtest 'echo in both directions' => sub {
	my @echo = map { $s->client('echo', rcvbuf => 16384,
		sndbuf => 16384) } 1 .. 8;
	my @sent = (0) x @echo;

	for my $round (1 .. 3) {
		for my $i (0 .. $#echo) {
			# Some stop in the middle, some are blocked.
			my $most = $sent[$i] + ($i % 2 ? 1000 * $i : 1 << 20);

			while ($sent[$i] < $most) {
				my $n = $echo[$i]->send_some(substr $large,
					$sent[$i], $most - $sent[$i]) or last;
				$sent[$i] += $n;
			}
		}
		move_all();
		# Some read a part.
		$echo[$_]->more for 0 .. 3;
	}
	my @wrong = grep {
		$echo[$_]->finish_sending;
		$echo[$_]->read_to_end ne substr $large, 0, $sent[$_];
	} 0 .. $#echo;

	is "@wrong", '', 'every byte comes back in its place';
	cmp_ok sum(@sent), '>', 100_000, 'they were many';
};

$s->wait_workers(2);
wait_until { $s->status->{connections} == 0 } 'all to be gone';
is $s->status->{totals}{requests}, $answered, 'each request counts once';
my $lines = () = ($s->dir->read('access.log') // '') =~ /^.*\n/mg;

is $lines, $answered, 'and has one line in the access log';
is $s->status->{totals}{respawns}, 0, 'no worker died';

$s->finish;
done_testing;
