# SPDX-License-Identifier: BSD-2-Clause
#
# SIGKILL of the master: workers finish what they hold and go, and the next
# start has the address and the control socket.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive);

my $sites = <<'E';
pid_file = "%%DIR%%/pid";
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; },
  { path = "/form"; handler = "respond"; body = "[${form.x}]"; } ); } );
E
my $s = Holdfast->start(conf => <<"E");
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "unix:%%DIR%%/s.sock"; }
);
$sites
E
my $port = $s->port;
my @workers = $s->workers;
my @idle = map { $s->client_of($_, '/') } @workers;
my $half = $s->client_of($workers[0], '/');

$half->send("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n"
	. "Content-Type: application/x-www-form-urlencoded\r\n\r\nx=");
my $start = now();

$s->signal('KILL');
# They say that they lost it; that is worth a warning, or not.
$s->allow_log(qr/worker \d+\[\d+\]: .*master/);
is $_->read_to_end, '', 'an idle connection is closed' for @idle;
is scalar(grep { $_->was_reset } @idle), 0, 'none by a reset';
wait_until { !alive($workers[1]) } 'the idle worker to end';
cmp_ok now() - $start, '<', 1 + slow(),
	'a worker without work is gone within a second of being idle';
ok alive($workers[0]), 'one with work is not';
$half->send('12345');
my $r = $half->response;

is $r->body, '[12345]', 'which it finishes';
ok $r->closes && $half->at_end, 'and then closes';
is $s->wait_end, 'signal 9', 'then nothing is left';

subtest 'the next start' => sub {
	# The same address now, by number; the socket files are still there.
	ok -e $s->control_path, 'the control socket is still there';
	$s->write_conf(<<"E");
listeners = (
  { address = "127.0.0.1:$port"; },
  { address = "unix:%%DIR%%/s.sock"; }
);
$sites
E
	$s->restart;
	my $status = $s->status;

	is $status->{pid}, $s->master, 'has the control socket';
	is(Holdfast::Client->new("127.0.0.1:$port")->get('/')->body, 'ok',
		'has the address');
	is(Holdfast::Client->new('unix:' . $s->path('s.sock'))->get('/')
		->body, 'ok', 'has the Unix socket');
	is $s->dir->read('pid'), $s->master . "\n", 'has the pid file';
};

subtest 'killed while it reloads' => sub {
	my $reload = $s->command('reload');

	$s->signal('KILL');
	$reload->wait;
	$s->wait_end;
	pass 'nothing is left';
	$s->restart;
	is(Holdfast::Client->new("127.0.0.1:$port")->get('/')->body, 'ok',
		'and it starts again');
};

# As the watchdog of systemd does it.
subtest 'it was stuck' => sub {
	my $master = $s->master;

	$s->signal('ABRT');
	is $s->wait_end, 'signal 6', 'it dies of SIGABRT';
	$s->expect_log(
		qr/^\S+Z error master\[$master\]: signal 6; the stack is:/,
		qr/^\S+Z error master\[$master\]: .*\bloop_run\b/);
	$s->allow_log(qr/^\S+Z error master\[$master\]: /);
	$s->restart;
	is(Holdfast::Client->new("127.0.0.1:$port")->get('/')->body, 'ok',
		'and it starts again');
};

$s->finish;
done_testing;
