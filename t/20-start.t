# SPDX-License-Identifier: BSD-2-Clause
#
# A start: what is logged, what status says, who the processes are.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(children proc_status proc_uids);

my $conf = <<'E';
workers = 3;
pid_file = "%%DIR%%/pid";
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
# As started from a shell of root's: with groups of its own.
my $s = Holdfast->start(conf => $conf, before_exec => sub {
	$) = "$) 1 2 3" if $> == 0;
});

subtest 'the log' => sub {
	my @lines = $s->log_lines;

	is scalar(grep { $_->{level} eq 'foreign' } @lines), 0,
		'nothing but lines of the log';
	my $says = qr/^\S+ info master\[\d+\]: listening on/m;

	like $s->log_text, qr/$says 127\.0\.0\.1:[1-9]\d* \(http\)$/m,
		'a listener';
	like $s->log_text, qr/$says 127\.0\.0\.2:[1-9]\d* \(echo\)$/m,
		'the other';
	like $s->log_text,
		qr/info master\[\d+\]: generation 1 serves: 3 workers/,
		'ready';
	is scalar($s->logged(qr/generation \d+ serves/)), 1, 'once';
};

subtest 'it serves' => sub {
	is $s->client('http')->get('/')->body, 'ok', 'HTTP';
	my $echo = $s->client('echo');

	$echo->send("hello\n");
	is $echo->read_bytes(6), "hello\n", 'echo';
};

my $status = $s->status;

subtest 'status --json' => sub {
	is $status->{pid}, $s->master, 'pid';
	is $status->{generation}, 1, 'generation';
	is $status->{state}, 'serving', 'state';
	like $status->{version}, qr/^\d+\.\d+/, 'version';
	cmp_ok $status->{uptime_s}, '>=', 0, 'uptime';
	my @workers = $status->{workers}->@*;

	is_deeply [map { $_->{slot} } @workers], [0, 1, 2], 'slots';
	is_deeply [sort { $a <=> $b } map { $_->{pid} } @workers],
		[children($s->master)], 'pids are the children there are';
	is_deeply [map { $_->{state} } @workers], [('serving') x 3],
		'states';
	is_deeply [map { $_->{generation} } @workers], [1, 1, 1],
		'generations';
	for my $key (qw(connections accepted requests beat_age_ms age_s)) {
		is scalar(grep { ($_->{$key} // '') =~ /^\d/ } @workers), 3,
			$key;
	}
	is_deeply [sort map { "$_->{address} $_->{protocol}" }
		$status->{listeners}->@*],
		[sort $s->address('http') . ' http',
			$s->address('echo') . ' echo'],
		'listeners, with their real ports';
	for my $key (qw(accepted requests bytes_in bytes_out respawns
			accept_pauses temp_bodies kept_for_format
			handoff_damaged)) {
		like $status->{totals}{$key}, qr/^\d+$/, "totals.$key";
	}
	ok exists $status->{last_reload}, 'last_reload';
	is $status->{totals}{respawns}, 0, 'no respawns';
};

subtest 'the counters count' => sub {
	my $before = $s->status->{totals};
	my $c = $s->client('http');

	$c->get('/') for 1 .. 10;
	$c->get('/none?' . 'x' x 1000) for 1 .. 5;
	my $now = wait_until {
		my $totals = $s->status->{totals};

		$totals->{requests} - $before->{requests} >= 15 && $totals;
	} 'the requests in status';

	is $now->{requests} - $before->{requests}, 15, 'requests';
	is $now->{accepted} - $before->{accepted}, 1, 'accepted';
	cmp_ok $now->{bytes_in} - $before->{bytes_in}, '>', 5000,
		'bytes_in';
	cmp_ok $now->{bytes_out} - $before->{bytes_out}, '>', 1500,
		'bytes_out';
	is $now->{responses}{'2xx'} - $before->{responses}{'2xx'}, 15,
		'responses';
	is $s->status->{connections}, 1, 'open connections';
	my $latency = $s->status->{latency_us};

	cmp_ok $latency->{total}{count}, '>=', 15, 'latencies';
	cmp_ok $latency->{total}{p50}, '<=', $latency->{total}{p99},
		'in order';
	$c->close;
	wait_until { $s->status->{connections} == 0 } 'it to be closed';
	pass 'none after it is closed';
};

subtest 'status for people' => sub {
	my ($exit, $out, $err) = $s->run('status');

	is $exit, 0, 'exit status';
	is $err, '', 'no error';
	like $out, qr/serving/, 'the state';
	like $out, qr/\b$_\b/, "worker $_" for $s->workers;
	like $out, qr/\Q@{[$s->address('http')]}\E/, 'a listener';
};

subtest 'pid_file' => sub {
	is $s->dir->read('pid'), $s->master . "\n", 'holds the master';
};

subtest 'the control socket is for its owner only' => sub {
	my @stat = stat $s->control_path;

	is sprintf('%03o', $stat[2] & 077), '000', 'mode';
	is $stat[4], $>, 'owner';
};

subtest 'workers drop what they were started with' => sub {
	plan skip_all => 'not root' if $> != 0;
	my ($uid, $gid) = (getpwnam Holdfast::Server::some_user())[2, 3];

	for my $pid ($s->workers) {
		my ($uids, $gids, $groups) = proc_uids($pid);

		is_deeply $uids, [($uid) x 4], 'user, in every sense';
		is_deeply $gids, [($gid) x 4], 'group, in every sense';
		is_deeply [sort { $a <=> $b } @$groups],
			[sort { $a <=> $b } split ' ',
				qx(id -G @{[Holdfast::Server::some_user()]})],
			"the user's own groups, and no other";
	}
	is((proc_uids($s->master))[0][0], 0, 'the master stays root');
};

subtest 'no worker can gain privileges again' => sub {
	for my $pid ($s->workers) {
		like proc_status($pid), qr/^NoNewPrivs:\s+1$/m,
			'not by a set-user-ID program';
		like proc_status($pid), qr/^CapEff:\s+0+$/m,
			'and no capability is left';
	}
};

subtest 'what they are called' => sub {
	my $title = sub ($pid) {
		open my $in, '<', "/proc/$pid/cmdline" or return '';
		local $/;
		return (readline $in) =~ tr/\0/ /r;
	};

	like $title->($s->master), qr/holdfast/, 'the master';
	like $title->($_), qr/holdfast.*worker/, 'a worker'
		for ($s->workers)[0];
};

$s->finish;
ok !-e $s->path('pid'), 'the pid file goes away at the end';
ok !-e $s->control_path, 'and so does the control socket';

# --- a second life on the same directory ---------------------------------
$s->restart;
is $s->status->{generation}, 1, 'starts again';
$s->finish;

done_testing;
