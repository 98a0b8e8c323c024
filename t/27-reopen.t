# SPDX-License-Identifier: BSD-2-Clause
#
# Log files are opened again by `reopen` and SIGUSR1, as logrotate wants it:
# renamed, then opened; no line is lost.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Load qw(connect_load);

my $s = Holdfast->start(files => { 'www/a' => "a\n" },
	prepare => sub ($dir) { $dir->mkdir('log') }, unready => 1,
	conf => <<'E');
log = { error = "%%DIR%%/log/error.log"; access = "%%DIR%%/log/access.log"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
$s->also_log('log/error.log', map { "log/error.log.$_" } 1 .. 3);
$s->wait_ready;

sub text ($name) { return $s->dir->read("log/$name") // '' }

like text('error.log'), qr/generation 1 serves/, 'the log is in its file';
my $address = $s->address;
my @workers = $s->workers;
my $sent = 0;

# One request that is told from all others.
sub request ($name) {
	$s->get("/a?$name");
	$sent++;
}

for my $n (1 .. 3) {
	subtest $n == 3 ? 'by a signal' : 'by the command' => sub {
		request("before$n");
		wait_until { text('access.log') =~ /before$n / } 'its line';
		my $load = Holdfast::Background->new(sub ($stopping) {
			return connect_load($stopping, '/a?load', $address);
		});

		rename $s->path("log/$_.log"), $s->path("log/$_.log.$n")
			or die $! for 'access', 'error';
		if ($n == 3) {
			$s->signal('USR1');
			wait_until { -e $s->path('log/access.log') }
				'the new file';
		} else {
			is(($s->run('reopen'))[0], 0, 'exit status');
		}
		# Every worker has it once it has this.
		for my $worker (@workers) {
			$s->client_of($worker, "/a?after$n-$worker")->close;
			$sent++;
			wait_until { text('access.log') =~
				/after$n-$worker / } 'the line in the new file';
			pass 'a worker writes to the new file';
		}
		my $old = -s $s->path("log/access.log.$n");

		$sent += $load->result->{requests};
		request("last$n");
		wait_until { text('access.log') =~ /last$n / } 'its line';
		is -s $s->path("log/access.log.$n"), $old,
			'nothing more to the old one';
		ok -e $s->path('log/error.log'), 'the error log is there too';
	};
}

# Lines wait in a worker for half a second, and what waits in one that is
# killed is lost with it.
sub lines () {
	my $lines = 0;

	for my $name ('access.log', map { "access.log.$_" } 1 .. 3) {
		$lines += () = text($name) =~ /\n/g;
	}
	return $lines;
}

wait_until { lines() == $sent } 'the lines of what was answered';
$s->kill_worker($workers[0]);
wait_until { text('error.log') =~ /died/ } 'a line in the new error log';
pass 'errors go to the new file';
unlike text("error.log.$_"), qr/died/, 'and not to an old one' for 1 .. 3;
is_deeply [($s->workers)[-1]], [$workers[1]], 'workers are the same';

subtest 'a new file that cannot be made' => sub {
	rename $s->path('log'), $s->path('moved') or die $!;
	my ($exit, $out, $err) = $s->run('reopen');

	is $exit, 1, 'the command fails';
	like $err, qr{\Qlog/error.log\E|\Qlog/access.log\E}, 'and says which';
	rename $s->path('moved'), $s->path('log') or die $!;
	$s->allow_log(qr{log/(?:error|access)\.log});
	is $s->get('/a')->status, 200, 'it goes on';
	$sent++;
};

$s->finish;
is lines(), $sent, 'a line for each request, somewhere';
done_testing;
