# SPDX-License-Identifier: BSD-2-Clause
#
# A request that crashes its worker is lost with it and goes nowhere else; what
# rests beside it is served on, whether the fault was in the loop, in another
# thread or in a loop without an end. A connection with bytes that may be the
# cause is closed after the second crash.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler build_module);
use Holdfast::Proc qw(socket_holder);

plan skip_all => 'no compiler here' unless has_compiler();
plan skip_all => 'AddressSanitizer has its own handler of SIGSEGV'
	if binary_has_sanitizers();

my $s = Holdfast->start(prepare => sub ($dir) {
	$dir->mkdir('modules');
	build_module($dir->path('modules/crash.so'), 'crash');
}, conf => <<'E');
workers = 2;
timeouts = { watchdog = "1s"; header = "60s"; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "module"; module = "modules/crash.so"; } ); } );
E
my @idle = map { $s->client('http') } 1 .. 40;
my @echoes = map { $s->client('echo') } 1 .. 10;

$s->allow_log(qr/workers are dying at startup/,
	qr/^\S+Z error worker \d+\[\d+\]: /);

sub all_served ($what) {
	is scalar(grep { $_->get('/')->body ne "ok\n" } @idle), 0,
		"$what: idle clients are served on";
	$_->send('x') for @echoes;
	is scalar(grep { $_->read_bytes(1) ne 'x' } @echoes), 0,
		"$what: echoes too";
}

all_served('before');

my $deaths = 0;

for my $fault (qw(here beside stuck)) {
	my $signal = $fault eq 'stuck' ? 6 : 11;
	my $poison = $s->client('http');

	$deaths++;
	$s->expect_log(qr/worker \d+ \(pid \d+\) died: killed by signal $signal/);
	$s->expect_log(qr/worker \d+ \(pid \d+\) is stuck/)
		if $fault eq 'stuck';
	$poison->send(Holdfast::Client->request_text('GET', "/$fault"));
	is $poison->read_to_end, '', "$fault: the poison's connection is closed";
	wait_until { $s->status->{totals}{respawns} >= $deaths }
		'the worker to be replaced';
	$s->wait_workers(2);
	all_served($fault);
	is $s->status->{totals}{respawns}, $deaths,
		"$fault: it has crashed one worker";
}

# The worker that has the connection of this client.
sub worker_of ($client) {
	return wait_until { socket_holder($client->socket, $s->workers) }
		'a worker to have the connection';
}

# Until it is seen that the worker has read that much.
sub send_read ($client, $text) {
	my $before = $s->status->{totals}{bytes_in};

	$client->send($text);
	wait_until { $s->status->{totals}{bytes_in} >= $before + length $text }
		'it to be read';
}

sub crash_worker_of ($client) {
	my $worker = worker_of($client);

	$deaths++;
	$s->kill_worker($worker, 'SEGV');
	wait_until { $s->status->{totals}{respawns} >= $deaths }
		'the worker to be replaced';
	$s->wait_workers(2);
}

# Half a request, that nobody knows the cause of.
my $half = $s->client('http');

send_read($half, "GET / HTTP/1.1\r\nHo");
crash_worker_of($half);
isnt worker_of($half), 0, 'half a head has moved';
$s->expect_log(
	qr/closing connection \d+ from 127\.0\.0\.1: 2 workers have crashed/);
crash_worker_of($half);
is $half->read_to_end, '', 'and is closed after the second crash';

# One that goes on in between is not suspected.
my $slow = $s->client('http');

for my $n (1 .. 3) {
	send_read($slow, "GET /$n HTTP/1.1\r\nHo");
	crash_worker_of($slow);
	$slow->send("st: x\r\n\r\n");
	is $slow->response->body, "ok\n", "a slow client is served, crash $n";
}
all_served('in the end');
is $s->status->{totals}{handoff_damaged}, 0, 'no message was damaged';

$s->finish;
done_testing;
