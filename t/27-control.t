# SPDX-License-Identifier: BSD-2-Clause
#
# The control socket where things are not as they should be: a file of another
# kind is never removed, a folder of another user is not trusted, clients of
# another user are not answered, and neither many clients nor a lack of
# descriptors takes it away from the next one that asks.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use Holdfast;
use Holdfast::Proc qw(cpu_wanted fd_targets);

my $rest = <<'E';
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E

# It does not start, and names the path.
sub refused ($dir, $name) {
	my $s = Holdfast->start(dir => $dir, unready => 1,
		conf => qq(control = "%%DIR%%/$name";\n$rest));

	is $s->wait_end, 1, 'it does not start';
	like $s->log_text, qr/error master.*\Q$name\E/, 'and says why';
	$s->allow_log(qr/\Q$name\E/);
	$s->finish(exit => 1);
}

subtest 'an ordinary file' => sub {
	my $dir = Holdfast::Dir->new;

	$dir->write('precious', "precious\n");
	refused($dir, 'precious');
	is $dir->read('precious'), "precious\n", 'is as it was';

	my $s = Holdfast->start(conf => $rest);

	$s->dir->write('precious', "precious\n");
	my $path = $s->path('precious');

	# By a signal: the verb would look for the master at the new path.
	$s->write_conf(qq(control = "$path";\n$rest));
	$s->signal('HUP');
	$s->wait_log(qr/reload failed: .*precious/);
	$s->expect_log(qr/reload failed: .*precious/);
	is $s->dir->read('precious'), "precious\n",
		'is as it was after a reload, too';
	$s->write_conf($rest);
	$s->reload;
	is $s->get('/')->body, 'ok', 'and the server goes on';
	$s->finish;
};

subtest 'a folder of another user' => sub {
	plan skip_all => 'not root' if $> != 0;
	my $dir = Holdfast::Dir->new;
	my ($uid, $gid) = (getpwnam Holdfast::Server::some_user())[2, 3];

	chown $uid, $gid, $dir->mkdir('theirs') or die $!;
	refused($dir, 'theirs/c.sock');
	ok !-e $dir->path('theirs/c.sock'), 'nothing is left there';
};

my $s = Holdfast->start(conf => $rest);

# A client that has connected, and says what it has to say later.
sub caller_of ($s) {
	return Holdfast::Client->new('unix:' . $s->control_path);
}

sub is_answered ($client) {
	$client->send("status\n");
	return $client->read_to_end =~ /^ok\n/;
}

subtest 'clients of another user' => sub {
	plan skip_all => 'not root' if $> != 0;
	chmod 0666, $s->control_path or die $!;
	my ($uid) = (getpwnam Holdfast::Server::some_user())[2];
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		POSIX::setuid($uid);
		my $answered = eval { is_answered(caller_of($s)) } // 0;

		POSIX::_exit($answered ? 1 : 0);
	}
	waitpid $pid, 0;
	is $?, 0, 'are not answered, whatever the mode of the file';
	chmod 0600, $s->control_path;
	$s->expect_log(qr/refused a client of another user/);
	ok is_answered(caller_of($s)), 'our own is';
};

subtest 'many clients at once' => sub {
	my @callers = map { caller_of($s) } 1 .. 80;

	$s->expect_log(qr/refused a client: more than \d+ at once/);
	wait_until { grep { $_->ended } @callers }
		'some to be sent away';
	# The first to come are those that stay.
	my @there = @callers[0 .. 9];

	is scalar(grep { $_->ended } @there), 0, 'others are kept';
	is $s->get('/')->body, 'ok', 'the server serves meanwhile';
	is scalar(grep { is_answered($_) } @there), 10,
		'and answers them when they ask';
	$_->close for @callers;
	ok eval { wait_until { eval { is_answered(caller_of($s)) } } },
		'when they are gone, the next one is answered';
};

subtest 'no descriptors left' => sub {
	plan skip_all => 'needs prlimit' unless has_program('prlimit');
	my $master = $s->master;
	my $limit = sub ($n) {
		system('prlimit', '--pid', $master, "--nofile=$n:") == 0
			or die 'prlimit fails';
	};
	my $free = 0;	# the next that it would get
	my $open = fd_targets($master);

	$free++ while defined $open->{$free};
	$limit->($free);
	my $before = cpu_wanted($master);
	my $caller = caller_of($s);
	my $start = now();

	$caller->send("status\n");
	wait_until { now() - $start > 1 } 'a while to pass';
	ok !$caller->pull, 'a client has to wait';
	cmp_ok cpu_wanted($master) - $before, '<', 0.6 * (now() - $start),
		'without the master turning in circles';
	is $s->get('/')->body, 'ok', 'the server serves meanwhile';
	$limit->(1000);
	like $caller->read_to_end, qr/^ok\n/, 'and it is answered then';
};

$s->finish;
done_testing;
