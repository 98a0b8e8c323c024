# SPDX-License-Identifier: BSD-2-Clause
#
# Two workers crash in turn under idle keep-alive clients, quiet echoes and busy
# clients. No connection that rests is lost. A request that is was in flight in
# the worker that died, and none is answered twice.
#
# HOLDFAST_TEST_LONG=1: 1,000 idle clients, 100 echoes, 20 busy clients, a crash
# every 2 s for 60 s.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(client_ports stop_process continue_process raise_nofile);

plan skip_all => 'AddressSanitizer has its own handler of SIGSEGV'
	if binary_has_sanitizers();

my $long = $ENV{HOLDFAST_TEST_LONG};
my ($idle, $echoes, $busy) = $long ? (1000, 100, 20) : (200, 40, 20);
my ($crashes, $pause) = $long ? (30, 2) : (6, 1);

plan skip_all => 'too few files may be open'
	if raise_nofile() < 2 * ($idle + $echoes + $busy);

my $s = Holdfast->start(conf => <<'E');
workers = 2;
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/q"; match = "exact"; handler = "respond"; body = "${query.x}"; }
); } );
E
my @idle = map { $s->client('http') } 1 .. $idle;
my @echoes = map { $s->client('echo') } 1 .. $echoes;
my @busy = map { $s->client('http') } 1 .. $busy;
my $serial = 0;

# What is wrong with what a client got for "/q?x=$token"; undef when nothing.
sub wrong ($client, $token) {
	my $r = eval { $client->response } // return "lost: $@";

	return $r->head if $r->status != 200 || $r->closes;
	return "\"$token\" was answered with \"" . $r->body . '"'
		if $r->body ne $token;
	return 'something follows the answer' if $client->buffered ne '';
	return undef;
}

sub ask ($client) {
	my $token = 't' . ++$serial;

	$client->send(Holdfast::Client->request_text('GET', "/q?x=$token"));
	return $token;
}

# A request by each; between sending and receiving, $meanwhile. The indexes of
# those that were lost.
my @wrong;

sub round ($meanwhile = sub { }) {
	my @tokens = map { ask($_) } @busy;
	my @lost;

	$meanwhile->();
	for my $i (0 .. $#busy) {
		my $wrong = wrong($busy[$i], $tokens[$i]) // next;

		if ($wrong =~ /^lost/) {
			push @lost, $i;
		} else {
			push @wrong, $wrong;
		}
	}
	return @lost;
}

sub all_answered ($what) {
	my @tokens = map { ask($_) } @idle;
	my @faults = grep { defined } map { wrong($idle[$_], $tokens[$_]) }
		0 .. $#idle;

	is_deeply \@faults, [], "idle clients: $what";
	$_->send("e$serial") for @echoes;
	is scalar(grep { $_->read_bytes(length "e$serial") ne "e$serial" }
		@echoes), 0, "echoes: $what";
	return !@faults;
}

all_answered('before');
$s->allow_log(qr/workers are dying at startup/);

my ($lost, $lost_elsewhere, $requests) = (0, 0, 0);

for my $n (1 .. $crashes) {
	my $next = now() + $pause;

	# Each of the two slots in turn.
	my ($row) = grep { $_->{slot} == $n % 2 } $s->worker_rows;
	my $victim = $row->{pid};
	my %doomed;

	$s->allow_log(qr/^\S+ error worker \d+\[$victim\]: /,
		qr/^\S+Z error worker \d+\[$victim\]: /);
	my @lost = round(sub {
		# Stopped, it takes no more and gives none away.
		stop_process($victim);
		$doomed{$_} = 1 for client_ports($victim);
		$s->kill_worker($victim, 'SEGV');
		continue_process($victim);
	});

	# The answer may have been sent right before.
	$s->wait_workers(2);
	push @lost, grep { my $i = $_; $busy[$i]->ended &&
		!grep { $_ == $i } @lost } 0 .. $#busy;
	$lost += @lost;
	$lost_elsewhere += grep { !$doomed{$busy[$_]->local_port} } @lost;
	$busy[$_] = $s->client('http') for @lost;
	while (now() < $next) {
		push @wrong, 'lost without a crash' if round();
		$requests += @busy;
	}
}
is $lost_elsewhere, 0, "of $lost lost requests each was in a worker that died";
is_deeply \@wrong, [], "all others were answered right and once ($requests)";
all_answered("after $crashes crashes");
is scalar($s->logged(qr/signal 11; the stack is:/)), $crashes,
	'each worker left its stack';
my $totals = $s->status->{totals};

is $totals->{handoff_damaged}, 0, 'no message was damaged';
is $totals->{respawns}, $crashes, 'each was replaced';

$s->finish;

# Without a peer the replacement takes what waits in the handoff.
my $alone = Holdfast->start(conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
my @clients = map { $alone->client } 1 .. 40;

$_->get('/') for @clients;
my ($only) = $alone->workers;

$alone->allow_log(qr/workers are dying at startup/,
	qr/^\S+Z error worker \d+\[$only\]: /);
$alone->kill_worker($only, 'SEGV');
is scalar(grep { $_->get('/')->body ne 'ok' } @clients), 0,
	'one worker: its replacement serves its connections';
$alone->finish;
done_testing;
