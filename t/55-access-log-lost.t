# SPDX-License-Identifier: BSD-2-Clause
#
# An access log that cannot be written: requests are answered all the same,
# what is lost is counted, and it goes on when it can.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl qw(O_NONBLOCK O_RDONLY);
use POSIX qw(mkfifo);
use Test::More;
use Holdfast;

# Requests with long lines: fewer of them are too many.
my $agent = 'a' x 4000;

sub conf ($access) {
	return <<"E";
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
log = { access = "$access"; };
limits = { header = "32k"; };
sites = ( { routes = (
  { path = "/status"; handler = "status"; },
  { path = "/"; handler = "respond"; body = "a"; } ); } );
E
}

sub ask ($c, $n, $from = 0) {
	for (my $done = 0; $done < $n; $done += 50) {
		$c->send(join '', map { "GET /$_ HTTP/1.1\r\nHost: a\r\n"
			. "User-Agent: $agent\r\n\r\n" }
			$from + $done + 1 .. $from + $done + 50);
		$c->response->status == 200 or die 'not 200' for 1 .. 50;
	}
	return $n;
}

sub lost ($s) { return $s->status->{totals}{log_lost} }

# A server whose access log is a FIFO, and the end to read from.
sub start_fifo (%opt) {
	my $reader;
	my $s = Holdfast->start(conf => conf('%%DIR%%/fifo'),
		prepare => sub ($dir) {
			my $path = $dir->path('fifo');

			mkfifo($path, 0622) or die "mkfifo: $!";
			chmod 0666, $path or die "chmod: $!";
			sysopen $reader, $path, O_RDONLY | O_NONBLOCK
				or die "$path: $!";
		}, %opt);

	return ($s, $reader);
}

# The numbers of the requests in what there is to be read now.
sub numbers ($reader, $text) {
	1 while sysread $reader, $$text, 65536, length $$text;
	return $$text =~ m{"GET /(\d+) HTTP/1\.1" 200 1 "-" "a{4000}"\n}g;
}

subtest 'a reader that stops, and goes on' => sub {
	my ($s, $reader) = start_fifo();
	my $c = $s->client;
	my $sent = 0;

	# 4 MiB wait; the pipe itself has some more room.
	$sent += ask($c, 500, $sent) while lost($s) == 0 && $sent < 10_000;
	cmp_ok $sent, '>', 1000, 'much waits';
	cmp_ok lost($s), '>', 0, 'then lines are lost';
	is $s->get('/x')->status, 200, 'and requests are answered';
	$sent++; # that one is lost, too
	my $lost = lost($s);

	$s->expect_log(qr/warn worker.*not written fast enough, \d+ lines are lost/);
	$s->wait_log(qr/not written fast enough/);
	like $s->get('/status')->body, qr/"log_lost":[1-9]/, 'the status handler';
	$lost += 1;
	$sent++;
	like(($s->run('status'))[1], qr/log lost: \d+\n/, 'the command');
	my ($text, @got) = '';

	wait_until { (@got = numbers($reader, \$text)) + lost($s) >= $sent }
		'all that waited';
	is @got + lost($s), $sent, 'each line is written or counted';
	is_deeply [@got], [1 .. @got], 'in their order';
	$s->expect_log(qr/warn worker.*written again; \d+ lines were lost/);
	my $before = lost($s);

	ask($c, 50, 100_000);
	wait_until { (grep { $_ > 100_000 } numbers($reader, \$text)) == 50 }
		'the lines of what comes now';
	is lost($s), $before, 'nothing more is lost';
	$s->wait_log(qr/written again/);
	$s->finish;
};

subtest 'a worker that ends waits for what is left, and not for ever' => sub {
	my ($s, $reader) = start_fifo();
	my $c = $s->client;

	ask($c, 200);
	# A reload: the old worker writes before it is gone.
	$s->reload;
	my $text = '';

	wait_until { (() = numbers($reader, \$text)) == 200 } 'its lines';
	pass 'all are there';
	ask($c, 200, 200);
	my ($start, $quit) = (now(), $s->command('quit'));

	$s->expect_log(qr/the access log \(.*\) is stuck, up to \d+ lines are lost/);
	is(($quit->wait)[0], 0, 'quit');
	cmp_ok now() - $start, '<', 20 * slow(), 'in time';
	$s->wait_end;
	$s->finish;
};

subtest 'a stop is quicker' => sub {
	my ($s, $reader) = start_fifo();

	ask($s->client, 200);
	$s->allow_log(qr/the access log \(.*\) is stuck|was killed|killed by signal/);
	is(($s->run('stop'))[0], 0, 'stop');
	$s->wait_end;
	$s->finish;
};

subtest 'nobody reads from the FIFO when it is opened' => sub {
	my ($s, $reader) = start_fifo();

	close $reader;
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 1, 'a reload fails';
	like $err, qr/cannot open log\.access .*fifo": No such device/, 'and why';
	$s->allow_log(qr/cannot open log\.access|Broken pipe/);
	is $s->get('/1')->status, 200, 'it goes on';
	$s->finish;
};

subtest 'a full disk' => sub {
	plan skip_all => 'no prlimit' unless has_program('prlimit');
	# One of ours, so that we may limit it.
	my $s = Holdfast->start(
		conf => "user = \"root\";\n" . conf('%%DIR%%/log/access.log'),
		prepare => sub ($dir) { $dir->mkdir('log') });
	my ($worker) = $s->workers;
	my $c = $s->client;

	my $limit = sub ($limit) {
		system('prlimit', '--pid', $worker, "--fsize=$limit:") == 0
			or die 'prlimit';
	};

	$limit->(100_000);
	ask($c, 200);
	wait_until { lost($s) > 0 } 'lines to be lost';
	$s->expect_log(qr/warn.*cannot write the access log \(.*\), \d+ lines are lost: /);
	$s->wait_log(qr/cannot write the access log/);
	is $s->get('/x')->status, 200, 'it answers';
	wait_until {
		lost($s) + (() = $s->dir->read('log/access.log') =~ /\n/g) == 201
	} 'each line to be written or counted';
	$limit->('unlimited');
	ask($c, 100, 1000);
	$s->expect_log(qr/written again; \d+ lines were lost/);
	$s->wait_log(qr/written again/);
	$s->allow_log(qr/user is "root"/);
	$s->finish;
	my $text = $s->dir->read('log/access.log');
	my @after = $text =~ m{^127\.0\.0\.1 - - \[[^\]]+\] "GET /1(\d{3}) HTTP/1\.1" 200}mg;

	cmp_ok scalar @after, '>=', 99, 'and writes whole lines again';
};

done_testing;
