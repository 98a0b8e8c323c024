# SPDX-License-Identifier: BSD-2-Clause
#
# A worker that is killed is replaced at once; clients of the others notice
# nothing, and neither do new clients.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Load qw(keepalive_load);
use Holdfast::Proc qw(stop_process socket_holder);

my $s = Holdfast->start(files => { 'www/a' => 'x' x 1024 }, conf => <<'E');
workers = 4;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E

# A worker that dies younger than a second is a crash at start, which waits.
wait_until { !grep { $_->{age_s} < 2 } $s->worker_rows }
	'workers to be old enough';

my @workers = $s->workers;
my @clients = map { my $worker = $_; map { $s->client_of($worker, '/a') }
	1 .. 6 } @workers;
my $load = Holdfast::Background->new(
	sub ($stopping) {
		return keepalive_load($stopping, '/a', @clients);
	}, keep => [map { $_->socket } @clients]);

# Three in turn; one that is replaced within 100 ms shows that the master
# needs no more. All of them would have to be unlucky with this machine's
# other work. Connections move between workers: which ones a worker holds is
# seen when it stands still.
my (@took, %doomed);

for my $victim (@workers[0 .. 2]) {
	stop_process($victim);
	$doomed{$_} = 1 for grep {
		defined socket_holder($clients[$_]->socket, $victim)
	} 0 .. $#clients;
	my $start = now();

	$s->kill_worker($victim);
	wait_until {
		my @now = $s->workers;

		@now == 4 && !grep { $_ == $victim } @now;
	} 'another in its place';
	push @took, now() - $start;
	is $s->get('/a')->status, 200, 'new clients are served';
}
my ($best) = sort { $a <=> $b } @took;

cmp_ok $best, '<', 0.1 * slow(), 'replaced within 100 ms'
	or diag "@took";

my $result = $load->result;
my @faults = map { "client $_: $result->{faults}{$_}" }
	grep { !$doomed{$_} } sort keys $result->{faults}->%*;

is_deeply \@faults, [], 'clients of other workers noticed nothing in '
	. "$result->{requests} requests";
cmp_ok scalar(keys %doomed), '>', 0, 'the killed ones had clients';
cmp_ok scalar(keys %doomed), '<', scalar @clients, 'and not all';
cmp_ok $result->{requests}, '>', 100, 'while they were busy';
is scalar(grep { $_ == $workers[3] } $s->workers), 1,
	'the other worker is the same';
is $s->status->{totals}{respawns}, 3, 'respawns are counted';
is scalar($s->logged(qr/warn master.*worker \d+ \(pid \d+\) died/)), 3,
	'one line for each death';

subtest 'other ways to die are told apart' => sub {
	my ($victim) = $s->workers;

	wait_until { !grep { $_->{age_s} < 2 } $s->worker_rows }
		'workers to be old enough';
	# One that neither holdfast nor a sanitizer has a handler for.
	$s->kill_worker($victim, 'ALRM');
	$s->wait_log(qr/\(pid $victim\) died: killed by signal 14/);
	$s->wait_workers(4);
	pass 'by its signal';
};

$_->close for @clients;
$s->finish;
done_testing;
