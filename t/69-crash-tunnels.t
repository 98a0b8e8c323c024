# SPDX-License-Identifier: BSD-2-Clause
#
# Two workers crash in turn under quiet tunnels, as WebSockets are. None is lost,
# however often, nor what its client had sent and the worker had not read. One
# that is in the middle of something may be lost, but gets no wrong byte.
#
# HOLDFAST_TEST_LONG=1: 200 tunnels, a crash every 2 s for 60 s.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Socket qw(SOL_SOCKET SO_RCVBUF SO_SNDBUF);
use Test::More;
use Time::HiRes ();
use Holdfast;
use Holdfast::Backend;
use Holdfast::Proc qw(proc_state stop_process continue_process);

plan skip_all => 'AddressSanitizer has its own handler of SIGSEGV'
	if binary_has_sanitizers();

my $long = $ENV{HOLDFAST_TEST_LONG};
my ($quiet, $crashes, $pause) = $long ? (200, 30, 2) : (40, 6, 0);

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	setsockopt $socket, SOL_SOCKET, $_, 65536 for SO_RCVBUF, SO_SNDBUF;
	print {$socket} "HTTP/1.1 101 Switching Protocols\r\n"
		. "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n";
	while (sysread $socket, my $bytes, 65536) {
		print {$socket} $bytes;
	}
	return 0;
});

my $s = Holdfast->start(conf => <<"E");
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } );
  timeouts = { read = "300s"; }; } );
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
E

sub tunnel (%opt) {
	my $c = $s->client('http', %opt);

	$c->send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
		. "Upgrade: echo\r\n\r\n");
	like $c->read_until("\r\n\r\n"), qr{\AHTTP/1\.1 101 }, 'a tunnel'
		or BAIL_OUT('there is no tunnel');
	return $c;
}

my @tunnels = map { tunnel() } 1 .. $quiet;
my $serial = 0;

# Bytes by each; $before sending, and between that and receiving, $after.
sub all_answered ($what, $before = sub { }, $after = sub { }) {
	my $bytes = 'b' . ++$serial;

	$before->();
	$_->send($bytes) for @tunnels;
	$after->();
	is scalar(grep { (eval { $_->read_bytes(length $bytes) } // 'lost')
		ne $bytes } @tunnels), 0, "quiet tunnels: $what";
}

# Their clients read nothing: both ways are full of bytes.
my $pattern = join " ", 1 .. 1_000_000;
my @stuck = map { tunnel(rcvbuf => 4096) } 1 .. 4;

for my $c (@stuck) {
	my ($at, $last) = (0, now());

	$c->socket->blocking(0);
	while (now() < $last + 0.3) {
		# As often as there is room for it.
		my $n = syswrite $c->socket, $pattern, 65536,
			$at % length $pattern;

		($at, $last) = ($at + $n, now()) if $n;
		Time::HiRes::sleep(0.01) unless $n;
	}
	$c->socket->blocking(1);
	note "one is stuck after $at bytes";
}

all_answered('before');
$s->allow_log(qr/workers are dying at startup/);

for my $n (1 .. $crashes) {
	my $next = now() + $pause;

	# Each of the two slots in turn.
	my ($row) = grep { $_->{slot} == $n % 2 } $s->worker_rows;
	my $victim = $row->{pid};
	my $respawns = $s->status->{totals}{respawns};

	$s->allow_log(qr/^\S+Z? error worker \d+\[$victim\]: /);
	all_answered("crash $n", sub {
		# It has written what was read, and may still be at it.
		wait_until { proc_state($victim) eq 'S' } 'the worker to wait';
		# Stopped, it reads nothing and gives none away.
		stop_process($victim);
	}, sub {
		$s->kill_worker($victim, 'SEGV');
		continue_process($victim);
	});
	wait_until { $s->status->{totals}{respawns} > $respawns }
		'the worker to be replaced';
	$s->wait_workers(2);
	Time::HiRes::sleep($next - now()) if $next > now();
}
all_answered("after $crashes crashes");
for my $c (@stuck) {
	my $got = '';

	while (length $got < 100_000 && defined(my $n = sysread $c->socket,
			my $bytes, 65536)) {
		last if $n == 0;
		$got .= $bytes;
	}
	ok $got eq substr($pattern, 0, length $got),
		'a stuck one got right bytes only, ' . length $got;
}
is $b->connections, @tunnels + @stuck, 'and their servers saw nothing of it';
is $s->status->{totals}{handoff_damaged}, 0, 'no message was damaged';
is $s->status->{totals}{respawns}, $crashes, 'each was replaced';
$_->close for @tunnels, @stuck;
$s->finish;
done_testing;
