# SPDX-License-Identifier: BSD-2-Clause
#
# Active checks: servers that fail them are not asked, one worker makes them
# for all, and what is known outlives that worker and the generation.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;

my $dir = Holdfast::Dir->new;

# Healthy unless the test says otherwise, by a file with the answer.
sub backend ($name) {
	return Holdfast::Backend->new(sub ($request, $socket) {
		my $bad = $dir->read("bad-$name") // '';

		if ($request->{target} eq '/stall') {
			1 while sysread $socket, my $bytes, 1;
			return 0;
		}

		if ($request->{target} ne '/healthz') {
			print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name";
			return 1;
		}
		print {$socket} $bad || "HTTP/1.1 200 OK\r\n"
			. "Transfer-Encoding: chunked\r\n\r\n"
			. "7\r\nall is \r\n4\r\nwell\r\n0\r\n\r\n";
		return 0;
	});
}
my ($a, $b) = map { backend($_) } 'a', 'b';

sub conf ($more = '') {
	return <<"E";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "app"; servers = ( { address = "$a->{address}"; },
      { address = "$b->{address}"; } );
    health = { path = "/healthz"; interval = "50ms"; fall = 2; rise = 2;
      expect_body = "is well"; host = "check.test"; }; },
  { name = "slow"; servers = ( { address = "$a->{address}";
      max_connections = 1; } );
    health = { path = "/stall"; interval = "50ms"; timeout = "20s"; }; },
  { name = "tcp"; servers = ( { address = "$a->{address}"; },
      { address = "127.0.0.1:1"; } );
    health = { type = "tcp"; interval = "50ms"; fall = 1; }; }
);
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/slow"; handler = "proxy"; upstream = "slow"; },
  { path = "/tcp"; handler = "proxy"; upstream = "tcp"; } ); } );
$more
E
}
my $s = Holdfast->start(conf => conf());

$s->expect_log(qr/down: \d checks in a row failed/);

# What n new connections, to any of the workers, are answered by.
sub answers ($n = 12, $path = '/') {
	my %by;

	$by{$s->client->get($path)->body}++ for 1 .. $n;
	return join '', sort keys %by;
}
sub checks ($of) { return grep { $_->{target} eq '/healthz' } $of->requests }

wait_until { checks($b) > 2 } 'checks';
is answers(), 'ab', 'both are healthy';
is Holdfast::Backend::field((checks($b))[0], 'host'), 'check.test', 'host';
wait_until { answers(12, '/tcp') eq 'a' } 'the server without a listener to be known';
$s->wait_log(qr/upstream tcp, server 127\.0\.0\.1:1: down: 1 checks in a row failed, the last one: Connection refused/);

wait_until { grep { $_->{target} eq '/stall' } $a->requests } 'a check that waits';
is $s->client->get('/slow')->status, 200,
	'a check does not count against max_connections' for 1 .. 4;

my $number = 0;

for my $case (
	['a status', "HTTP/1.1 503 No\r\nContent-Length: 11\r\n\r\nall is well",
		qr/it answers with 503/],
	['other content', "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
		qr/its content lacks expect_body/],
	['what is not HTTP', "nonsense\r\n\r\n", qr/does not begin as HTTP/],
) {
	my ($what, $answer, $why) = @$case;

	$number++;
	$dir->write('bad-b', $answer);
	wait_until { answers() eq 'a' } "$what: not asked any more";
	$s->wait_log(qr/server \Q$b->{address}\E: down: 2 checks .* $why/);
	unlink $dir->path('bad-b');
	wait_until { answers() eq 'ab' } "$what: asked again";
	$s->wait_log(qr/server \Q$b->{address}\E: healthy again: 2 checks/, $number);
	pass $what;
}

subtest 'one worker makes the checks' => sub {
	$b->forget;
	my $start = now();

	wait_until { checks($b) >= 20 } '20 checks';
	cmp_ok((now() - $start) / 20, '>', 0.04, 'at the interval, not twice');
};

subtest 'what is known outlives the worker and the generation' => sub {
	$dir->write('bad-b', "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
	wait_until { answers() eq 'a' } 'it to be down';
	$s->reload(conf());
	is answers(), 'a', 'a reload: from the first request on';
	$s->kill_worker(($s->workers)[0]);
	$s->allow_log(qr/dying at startup/);
	$s->expect_log(qr/signal 9|Killed/i);
	is answers(), 'a', 'a worker that was killed';
	my $before = checks($b);

	wait_until { checks($b) > $before + 2 } 'checks to go on';
	unlink $dir->path('bad-b');
	wait_until { answers() eq 'ab' } 'it to be asked again';
	pass 'and it comes back';
};

subtest 'all are down' => sub {
	$dir->write("bad-$_", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
		for 'a', 'b';
	$s->wait_log(qr/server \Q$a->{address}\E: down: 2/);
	wait_until { answers() eq 'ab' } 'both to be asked';
	pass 'so they are asked all the same';
};

$s->finish;
done_testing;
