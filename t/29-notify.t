# SPDX-License-Identifier: BSD-2-Clause
#
# What systemd is told through NOTIFY_SOCKET: ready, reloading, stopping, and
# that the master is alive.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Poll qw(POLLIN);
use Socket;
use Test::More;
use Holdfast;

plan skip_all => 'built without libsystemd'
	unless grep { /libsystemd/ } qx(ldd @{[binary()]});

my $socket;
my @messages;

sub listen_at ($path) {
	socket($socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
	bind $socket, pack_sockaddr_un($path) or die "$path: $!";
	$socket->blocking(0);
	@messages = ();
}

# The next message that matches, as {NAME => value}; others before it are
# dropped.
sub told ($pattern) {
	my $found;

	wait_until {
		my $bytes;

		while (defined recv $socket, $bytes, 4096, 0) {
			push @messages, $bytes;
		}
		while (@messages) {
			my $message = shift @messages;

			next unless $message =~ $pattern;
			$found = $message;
			last;
		}
		defined $found;
	} "a message like $pattern";
	return { map { /^([A-Z_]+)=(.*)$/ ? ($1, $2) : () }
		split /\n/, $found };
}

my $conf = <<'E';
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
my $dir = Holdfast::Dir->new;

listen_at($dir->path('notify'));
my $s = Holdfast->start(dir => $dir, conf => $conf,
	env => { NOTIFY_SOCKET => $dir->path('notify') });

my $told = told(qr/^READY=1$/m);
like $told->{STATUS} // '', qr/generation 1 serves: 2 workers/,
	'ready, with a status';

sub monotonic_us () {
	return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC())
		* 1e6;
}

my $before = monotonic_us();

$s->reload;
$told = told(qr/^RELOADING=1$/m);
cmp_ok $told->{MONOTONIC_USEC}, '>=', int($before) - 1000,
	'reloading, with its time';
cmp_ok $told->{MONOTONIC_USEC}, '<=', monotonic_us() + 1000,
	'by the monotonic clock';
$told = told(qr/^READY=1$/m);
like $told->{STATUS}, qr/generation 2 serves/, 'ready again, with a status';

$s->write_conf("${conf}nonsense = 1;\n");
$s->signal('HUP');
$s->expect_log(qr/nonsense|reload failed/);
$told = told(qr/^RELOADING=1$/m);
ok $told->{MONOTONIC_USEC}, 'reloading what is wrong';
$told = told(qr/^READY=1$/m);
like $told->{STATUS}, qr/generation 2 .*nonsense/,
	'ready again, with the reason why it failed';

is +($s->run('upgrade'))[0], 1, 'an upgrade to what is wrong';
$s->expect_log(qr/upgrade failed/);
$s->allow_log(qr/: 1 error$/);
$told = told(qr/last upgrade failed/);
like $told->{STATUS}, qr/generation 2 serves.*; last upgrade failed: .*nonsense/,
	'is in the status, too';

my $half = $s->client;

$half->send("GET / HTTP/1.1\r\n");
wait_until { $s->status->{connections} == 1 } 'it to be accepted';
$s->signal('TERM');
told(qr/^STOPPING=1$/m);
pass 'stopping, when the drain begins';
$half->send("Host: a\r\n\r\n");
is $half->response->body, 'ok', 'not when it has ended';
$s->finish;

subtest 'the watchdog' => sub {
	my $name = "\0holdfast-test-$$";

	socket($socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
	bind $socket, pack_sockaddr_un($name) or die "abstract: $!";
	$socket->blocking(0);
	@messages = ();
	my $w = Holdfast->start(conf => $conf,
		env => { NOTIFY_SOCKET => "\@holdfast-test-$$",
			WATCHDOG_USEC => 200_000 },
		before_exec => sub { $ENV{WATCHDOG_PID} = $$ });

	told(qr/^READY=1$/m);
	pass 'at an abstract address';
	my $start = now();

	told(qr/^WATCHDOG=1$/m) for 1 .. 5;
	my $pace = (now() - $start) / 5;

	cmp_ok $pace, '<', 0.2 * slow(), 'is fed in time';
	cmp_ok $pace, '>', 0.02, 'and not in a frenzy';
	$w->reload;
	told(qr/^WATCHDOG=1$/m) for 1 .. 3;
	pass 'after a reload too';
	$w->finish;
};

subtest 'without a watchdog' => sub {
	my $d = Holdfast::Dir->new;

	listen_at($d->path('notify'));
	my $w = Holdfast->start(dir => $d, conf => $conf,
		env => { NOTIFY_SOCKET => $d->path('notify'),
			WATCHDOG_USEC => 100_000, WATCHDOG_PID => 1 });

	$w->reload for 1 .. 3;
	$w->finish;
	my ($bytes, $n) = (undef, 0);

	while (defined recv $socket, $bytes, 4096, 0) {
		$n++ if $bytes =~ /WATCHDOG=1/;
	}
	is $n, 0, 'nothing is sent for another process';
};

done_testing;
