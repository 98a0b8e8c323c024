# SPDX-License-Identifier: BSD-2-Clause
#
# Ends: graceful (quit, QUIT, TERM) ones finish what was begun and serve the
# accept queue, within timeouts.drain; fast ones (stop, INT, a second TERM)
# do not wait.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(stop_process continue_process);

sub start ($drain = '60s') {
	return Holdfast->start(conf => <<"E");
timeouts = { drain = "$drain"; header = "120s"; body = "120s"; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; },
  { path = "/form"; handler = "respond"; body = "[\${form.x}]"; } ); } );
E
}

# A request that is half sent and whose head the server has for sure: it has
# said 100.
sub half ($s) {
	my $c = $s->client;

	$c->send("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n"
		. "Expect: 100-continue\r\n"
		. "Content-Type: application/x-www-form-urlencoded\r\n\r\n");
	$c->response->status == 100 or die 'no 100';
	$c->send('x=');
	return $c;
}

sub closed ($address) {
	wait_until { !Holdfast::Client->try($address) }
		"$address to be closed";
}

for my $way ('quit', '-s quit', 'QUIT', 'TERM') {
	subtest "graceful: $way" => sub {
		my $s = start();
		my $address = $s->address;
		my $half = half($s);
		my $idle = $s->client;
		my $echo = $s->client('echo');

		$idle->get('/');
		$echo->send('a');
		$echo->read_bytes(1);
		my $command = $way =~ /^[A-Z]/ ? undef
			: $s->command(split / /, $way);

		$s->signal($way) unless $command;
		my $echoed = 1;

		# It talks on, without a silence of half a second.
		wait_until {
			$echo->send('b');
			$echoed &&= $echo->read_bytes(1) eq 'b';
			!Holdfast::Client->try($address);
		} "$address to be closed";
		my $end = now() + 0.8;

		while (now() < $end) {
			$echo->send('c');
			$echoed &&= $echo->read_bytes(1) eq 'c';
			Time::HiRes::sleep(0.05);
		}
		ok $echoed, 'a busy echo connection goes on';
		is $idle->read_to_end, '', 'an idle connection is closed';
		ok !$idle->was_reset, 'without a reset';
		ok !$command->ended, 'the command waits' if $command;
		$half->send('12345');
		my $r = $half->response;

		is $r->body, '[12345]', 'a request under way is answered';
		ok $r->closes && $half->at_end, 'and its connection closed';
		is $echo->read_to_end, '', 'the echo connection ends';
		ok !$echo->was_reset, 'without a reset';
		is(($command->wait)[0], 0, 'the command succeeds')
			if $command;
		is $s->wait_end, 0, 'holdfast ends with status 0';
		$s->finish;
	};
}

subtest 'the accept queue is served' => sub {
	my $s = start();
	my @workers = $s->workers;

	stop_process(@workers);
	# More than a worker accepts in one tick.
	my @clients = map { $s->client } 1 .. 400;
	my $echo = $s->client('echo');

	$_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @clients;
	$echo->send('queued');
	my $quit = $s->command('quit');

	wait_until {
		(eval { $s->status->{state} } // 'gone') ne 'serving';
	} 'the master to begin to end';
	continue_process(@workers);
	my $answered = 0;

	for my $c (@clients) {
		my $r = eval { $c->response } or next;

		# A worker may accept and answer before it hears of the end:
		# without close then, and the end comes a bit later.
		$answered++ if $r->body eq 'ok' && $c->at_end;
	}
	is $answered, 400, 'every client in it is answered';
	is $echo->read_bytes(6), 'queued', 'the echo client too';
	$echo->close;
	is(($quit->wait)[0], 0, 'quit succeeds');
	is $s->wait_end, 0, 'and holdfast ends';
	$s->finish;
};

subtest 'the drain is bounded' => sub {
	my $s = start('400ms');
	my $half = half($s);

	$s->allow_log(qr/drain/);
	my $start = now();
	my ($exit) = $s->run('quit');

	cmp_ok now() - $start, '>=', 0.3, 'the time is given';
	cmp_ok now() - $start, '<', 0.4 + 5 * slow(), 'and no more';
	is $exit, 0, 'quit succeeds';
	is $s->wait_end, 0, 'holdfast ends with status 0';
	$s->finish;
};

for my $way ('stop', '-s stop', 'INT', 'TERM twice') {
	subtest "fast: $way" => sub {
		my $s = start();
		my $half = half($s);
		my $address = $s->address;
		my $start = now();

		$s->allow_log(qr/\bstop|connection/);
		if ($way eq 'TERM twice') {
			$s->signal('TERM');
			closed($address);
			# Two that come close together are one.
			wait_until { now() - $start > 0.3 } 'a while to pass';
			is $half->buffered, '', 'after the first it waits';
			# Sooner it would be the same request: 26-term-twice.t.
			select undef, undef, undef, 0.15;
			$start = now();
			$s->signal('TERM');
		} elsif ($way eq 'INT') {
			$s->signal('INT');
		} else {
			is(($s->run(split / /, $way))[0], 0,
				'the command succeeds');
		}
		is $s->wait_end, 0, 'holdfast ends with status 0';
		cmp_ok now() - $start, '<', 5 * slow(), 'at once';
		$half->read_to_end;
		ok $half->ended, 'what was under way is cut';
		$s->finish;
	};
}

subtest 'quit, then stop' => sub {
	my $s = start();
	my $half = half($s);
	my $quit = $s->command('quit');

	closed($s->address);
	is(($s->run('stop'))[0], 0, 'stop succeeds while quit waits');
	$s->wait_end;
	ok defined(($quit->wait(10 * slow()))[0]), 'quit does not hang';
	$s->allow_log(qr/\bstop|connection/);
	$s->finish;
};

subtest 'what an earlier reload has left to drain' => sub {
	my $s = start();
	my $idle = $s->client;

	$idle->get('/');
	$s->reload;
	my $start = now();

	is(($s->run('quit'))[0], 0, 'quit succeeds');
	is $s->wait_end, 0, 'and holdfast ends';
	cmp_ok now() - $start, '<', 10 * slow(),
		'without waiting for its idle connections';
	is $idle->read_to_end, '', 'which are closed';
	ok !$idle->was_reset, 'without a reset';
	$s->finish;
};

subtest 'while it ends' => sub {
	my $s = start();
	my $half = half($s);
	my $quit = $s->command('quit');

	closed($s->address);
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 1, 'a reload is refused';
	like $err, qr/\S/, 'with a reason';
	$s->allow_log(qr/reload/);
	($exit, $out) = $s->run('status');
	is $exit, 0, 'status is answered';
	$half->send('12345');
	is $half->response->body, '[12345]', 'what is under way is finished';
	is(($quit->wait)[0], 0, 'quit succeeds');
	$s->finish;
};

done_testing;
