# SPDX-License-Identifier: BSD-2-Clause
#
# An upgrade to a binary that cannot take over: the command says why, and the
# old master, its workers and their clients go on as if nothing had happened.
# Then an upgrade to a good one works.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive fds);
use Holdfast::Upgraded;

sub conf ($name, $more = '') {
	return <<"E";
pid_file = "%%DIR%%/pid";
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "$name"; } ); } );
$more
E
}

my $s = Holdfast::Upgraded->start(conf => conf('one'));
my $binary = $s->path('bin/holdfast');
my @pids = ($s->master, $s->workers);
my @idle = map { $s->client('http') } 1 .. 8;
my $echo = $s->client('echo');

$_->get('/') for @idle;
$echo->send('x');
is $echo->read_bytes(1), 'x', 'echo';
my $generation = $s->status->{generation};
my $files = fds($s->master);

# All is as it was.
sub goes_on () {
	my $status = $s->status;

	is_deeply [$s->master, $s->workers], \@pids,
		'the same processes serve';
	is $status->{state}, 'serving', 'nothing else is going on';
	is $s->dir->read('pid'), "$pids[0]\n", 'the pid file is right';
	is scalar(grep { $_->get('/')->body eq 'one' } @idle), 8,
		'with the connections that they had';
	$echo->send('again');
	is $echo->read_bytes(5), 'again', 'echo too';
	is eval { $s->get('/')->body }, 'one', 'and new ones are served';
	ok eval { wait_until {
		$s->processes == 3 && fds($s->master) <= $files
	} 'x', 10 * slow() }, 'nothing of the new one is left';
}

sub fails ($what, $prepare, $reason, %opt) {
	subtest $what => sub {
		$prepare->();
		$s->expect_log(qr/upgrade failed: .*$reason/);
		my $command = $s->command('upgrade');

		$opt{meanwhile}->($command) if $opt{meanwhile};
		my ($exit, $out, $err) = $command->wait;

		is $exit, 1, 'the command says that it failed';
		like $err, $reason, 'and why';
		goes_on();
		is $s->status->{generation}, $generation,
			'the generation is the same';
	};
}

fails('no binary', sub { unlink $binary or die "$binary: $!" },
	qr/cannot execute \Q$binary\E: No such file or directory/);
fails('one that may not be executed', sub { $s->install('#!/bin/sh', 0644) },
	qr/cannot execute \Q$binary\E: Permission denied/);
fails('one that is no program', sub { $s->install("not a program\n") },
	qr/cannot execute \Q$binary\E: Exec format error/);
fails('one that ends at once', sub { $s->install("#!/bin/sh\nexit 0\n") },
	qr/the new master ended before it was ready/);
fails('one that crashes', sub { $s->install("#!/bin/sh\nkill -SEGV \$\$\n") },
	qr/the new master ended before it was ready/);
fails('one that hangs, and is killed',
	sub { $s->install("#!/bin/sh\nexec sleep 1000\n") },
	qr/the new master ended before it was ready/,
	meanwhile => sub ($command) {
		my $new = wait_until {
			my ($pid) = grep {
				(readlink("/proc/$_/exe") // '') =~ m{/sleep$}
			} $s->processes;
			$pid;
		} 'the new master';

		is scalar(grep { $_->get('/')->body eq 'one' } @idle), 8,
			'clients are served meanwhile';
		is $s->status->{state}, 'upgrading', 'status says so';
		kill 'KILL', $new;
	});
fails('one that refuses the configuration', sub {
		$s->install;
		$s->write_conf(conf('two', 'wrokers = 3;'));
		$s->allow_log(qr/holdfast\.conf:\d+: .*wrokers/);
		$s->allow_log(qr{holdfast\.conf: 1 error$});
	}, qr/wrokers/);
fails('one whose workers are not ready', sub {
		$s->dir->mkdir('closed');
		$s->write_conf(conf('two') =~
			s/handler = "respond"; body = "two"/handler = "static"; root = "%%DIR%%\/closed"/r);
		chmod 0, $s->path('closed');
		$s->allow_log(qr/cannot start: .*closed|closed: /);
	}, qr/closed/);

subtest 'a good one' => sub {
	chmod 0755, $s->path('closed');
	$s->write_conf(conf('two'));
	my $before = $s->status->{totals};
	my @old = @pids;
	my ($exit, $out, $err) = $s->run('upgrade');

	is $exit, 0, 'the command says that it went well';
	is $err, '', 'with no error';
	is $s->follow, 0, 'the old master ends with status 0';
	like $out, qr/^master @{[$s->master]} serves now$/m,
		'and who serves now';
	is scalar(grep { alive($_) } @old), 0, 'with its workers';
	$s->wait_workers(2);
	is $s->dir->read('pid'), $s->master . "\n",
		'the pid file has followed';
	is $s->status->{pid}, $s->master, 'and the control socket';
	is $s->status->{generation}, $generation + 1,
		'generations are counted on';
	cmp_ok $s->status->{totals}{requests}, '>=', $before->{requests},
		'totals carry over';
	is $s->status->{totals}{accepted}, $before->{accepted},
		'no client had to connect again';
	is scalar(grep { $_->get('/')->body eq 'two' } @idle), 8,
		'the new workers have the connections';
	$echo->send('after');
	is $echo->read_bytes(5), 'after', 'echo too';
	is $s->get('/')->body, 'two', 'and new ones';
	is scalar($s->logged(qr/listening on/)), 4,
		'each master has said once where it listens';
};

subtest 'what there was before works after it' => sub {
	$s->reload(conf('three'));
	is $s->get('/')->body, 'three', 'reload';
	is +($s->run('reopen'))[0], 0, 'reopen';
	my ($victim) = $s->workers;

	wait_until { !grep { $_->{age_s} < 2 } $s->worker_rows }
		'workers to be old enough';
	$s->wait_workers(2);
	($victim) = $s->workers;
	$s->kill_worker($victim);
	wait_until { !grep { $_ == $victim } $s->workers } 'it to die';
	$s->wait_workers(2);
	is $s->get('/')->body, 'three', 'a worker is replaced';
	$s->signal('USR2');
	wait_until { $s->status->{pid} != $s->master } 'another master';
	is $s->follow, 0, 'SIGUSR2 upgrades, too';
	is $s->get('/')->body, 'three', 'and it serves';
};

$_->close for @idle, $echo;
$s->finish;
done_testing;
