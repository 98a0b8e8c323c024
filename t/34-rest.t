# SPDX-License-Identifier: BSD-2-Clause
#
# A server at rest makes no system call: neither its workers nor the master,
# whatever connections are open, and whatever it did before. And it goes to
# rest soon after the last event.
#
# HOLDFAST_TEST_LONG=1: for 10 seconds each time, not only the last.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

plan skip_all => 'no strace here' unless has_program('strace');
plan skip_all => 'sanitizers make system calls of their own'
	if binary_has_sanitizers();

my $s = Holdfast->start(conf => <<'E', files => { 'www/a' => 'x' x 1024 },
log = { access = "%%DIR%%/log/access.log"; };
timeouts = { header = "8s"; keepalive = "120s"; watchdog = "2s"; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; },
  { path = "/f/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
	prepare => sub ($dir) { $dir->mkdir('log') });

# How often each of its threads has waited.
sub switches () {
	my $text = '';

	for my $file (map { glob "/proc/$_/task/*/status" } $s->processes) {
		open my $in, '<', $file or next;
		$text .= "$file $_" for grep { /ctxt_switches/ } readline $in;
	}
	return $text;
}

# strace of all its processes; undef where it may not trace.
sub attached () {
	my @pids = $s->processes;
	my $strace = Holdfast::Command->new(['strace', '-f', '-o',
		$s->path('strace'), map { ('-p', $_) } @pids]);

	wait_until {
		$strace->ended || @pids == (() = $strace->err =~ /attached/g);
	} 'strace to attach';
	return $strace->ended ? undef : $strace;
}

sub detach ($strace) {
	kill 'INT', $strace->pid;
	$strace->wait;
}

# The calls of all its processes within so many seconds.
sub calls_in ($seconds) {
	my $strace = attached();

	# It counts what happens in a time, so that has to pass.
	my $end = now() + $seconds;

	wait_until { now() > $end } 'the time to pass';
	detach($strace);
	# A call that was waiting before and waits on has no result.
	return grep { /\) += |resumed>/ } split /\n/, $s->dir->read('strace');
}

# 3 s are longer than any time-out that is to come while nothing happens.
sub rests ($what, $seconds = $ENV{HOLDFAST_TEST_LONG} ? 10 : 3) {
	my $start = now();
	my ($last, $since) = (switches(), now());

	ok eval { wait_until {
		my $now = switches();

		($last, $since) = ($now, now()) if $now ne $last;
		now() - $since > 2;
	} 'x', 30 * slow() }, "$what: it comes to rest" or diag switches();
	cmp_ok $since - $start, '<', 6 * slow(), sprintf
		'%s: after %.1f s', $what, $since - $start;
	my @calls = calls_in($seconds);

	is scalar(@calls), 0, "$what: no call in $seconds s" or diag join "\n", @calls;
}

if (my $strace = attached()) {
	detach($strace);
} else {
	$s->finish;
	plan skip_all => 'strace may not trace here';
}

my @clients = map { $s->client('http') } 1 .. 40;
my @echoes = map { $s->client('echo') } 1 .. 10;

sub answered ($target = '/') {
	$_->send(Holdfast::Client->request_text('GET', $target)) for @clients;
	$_->send('x') for @echoes;
	my $good = grep { $_->response->status == 200 } @clients;

	$good += grep { $_->read_bytes(1) eq 'x' } @echoes;
	return $good;
}

is answered(), 50, 'idle connections';
rests('serving');

is answered('/f/a'), 50, 'files, which stay open for a while';
rests('files');

$s->reload;
$s->wait_workers(2);
rests('a reload');

# One that the others have to learn of while nothing happens to them.
$s->signal('TTIN');
$s->wait_workers(3);
wait_until {
	!grep { $_->{connections} < 13 } $s->worker_rows
} 'the new worker to have its share';
rests('a worker more');

$_->close for splice @clients, 0, 25;
rests('clients that leave', 10);
is answered(), 25, 'and it serves';
$s->finish;
done_testing;
