# SPDX-License-Identifier: BSD-2-Clause
#
# With timeouts.linger health checks fail first, and clients are still served;
# then the server quits.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use JSON::PP qw(decode_json);
use Holdfast;
use Holdfast::Proc qw(socket_holder);

my $s = Holdfast->start(conf => <<'E');
timeouts = { linger = "2500ms"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; },
	{ path = "/ready"; match = "exact"; handler = "ready"; },
	{ path = "/status"; match = "exact"; handler = "status"; }
); } );
E

my $r = $s->get('/ready');

is $r->status, 200, 'ready';
is $r->body, "ready\n", 'says so';
is $r->field('cache-control'), 'no-store', 'is not to be kept';

my $kept = $s->client;

is $kept->get('/')->body, 'served', 'a client';
ok wait_until {
	scalar(decode_json($s->get('/status')->body)->{workers}->@*) == 2
} 'both workers to have begun';
$r = $s->get('/status');
is $r->status, 200, 'status';
is $r->field('content-type'), 'application/json', 'is JSON';
my $status = decode_json($r->body);

is $status->{state}, 'serving', 'the server serves';
is scalar $status->{workers}->@*, 2, 'with two workers';
my $requests = 0;

$requests += $_->{requests} for $status->{workers}->@*;
cmp_ok $requests, '>=', 2, 'that count';
is $s->client->request('POST', '/ready', [], '')->status, 405, 'only GET and HEAD';

my ($reload) = $s->run('reload');

is $reload, 0, 'a reload';
is $s->get('/ready')->status, 200, 'is nothing to be told of';

my $quit = $s->command('quit');

$s->wait_log(qr/quitting in 2500 ms/);
ok wait_until { $s->get('/ready')->status == 503 } 'ready to say 503';
is $s->get('/ready')->body, "quitting\n", 'and why';
is decode_json($s->get('/status')->body)->{state}, 'quitting', 'so does status';
is $s->get('/')->body, 'served', 'a new client is served all the same';

# One that is replaced now has to know, too.
my @before = $s->workers;
my $holder = socket_holder($kept->socket, @before) // 0;
my ($victim) = grep { $_ != $holder } @before;

$s->kill_worker($victim);
$s->allow_log(qr/workers die young|workers are dying/);
my $new = wait_until {
	my ($pid) = grep {
		my $pid = $_;

		!grep { $_ == $pid } @before;
	} $s->workers;
	$pid;
} 'a worker to be replaced';

is $s->client_of($new, '/')->get('/ready')->status, 503,
	'a worker that comes now is not ready either';
is $kept->get('/')->body, 'served', 'so is one from before';
my ($exit) = $quit->wait;

is $exit, 0, 'then it quits';
ok $kept->at_end, 'the client is told by the end of its connection';
$s->finish;
done_testing;
