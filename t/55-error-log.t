# SPDX-License-Identifier: BSD-2-Clause
#
# The error log: as JSON, with clients that try to fill it, and with a reader
# that has stopped.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK O_RDONLY);
use JSON::PP ();
use POSIX ();
use Test::More;
use Holdfast;

my $site = <<'E';
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "a"; } ); } );
E

subtest 'every line is JSON' => sub {
	my $s = Holdfast->start(conf => <<"E", unready => 1,
log = { error = "%%DIR%%/log/error.log"; error_format = "json"; };
$site
E
		prepare => sub ($dir) { $dir->mkdir('log') });

	$s->also_log('log/error.log');
	$s->wait_ready;
	my $bad = $s->client;

	$bad->send("\"\\\x01\xff\n\r\n\r\n");
	is $bad->response->status, 400, 'a bad request';
	$s->reload;
	my ($worker) = $s->workers;

	$s->allow_log(qr/signal 6; the stack|\[0x|died|are dying at startup/);
	$s->kill_worker($worker, 'ABRT');
	$s->wait_log(qr/died/);
	$s->wait_workers(2);
	$s->finish;
	my @lines = split /\n/, $s->dir->read('log/error.log');
	my %seen;

	for my $line (@lines) {
		my $row = eval { JSON::PP->new->utf8->decode($line) };

		my $wanted = $row && $row->{status}
			? 'client kind level pid process request_id sent status '
			. 'text time' : 'level pid process text time';

		if (!$row || join(' ', sort keys %$row) ne $wanted) {
			fail 'a line of JSON';
			diag $line;
			next;
		}
		$seen{"$1 $row->{level}"}++ if $row->{process} =~
			/\A(master|worker) ?\d*\z/;
		like $row->{time},
			qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/, 'time';
	}
	ok $seen{'master info'}, 'of the master';
	ok $seen{'worker info'}, 'of a worker';
	cmp_ok $seen{'worker error'} // 0, '>', 2, 'and its stack';
	like join("\n", @lines), qr/generation 2 serves/, 'after a reload too';
	is $s->dir->read('stderr'), '', 'nothing anywhere else';
};

subtest 'clients cannot fill it' => sub {
	my $s = Holdfast->start(conf => "workers = 1;\n$site");
	my $clients = 200;

	for (1 .. $clients) {
		my $c = $s->client;

		$c->send("BAD\r\n\r\n");
		is $c->response->status, 400, 'refused' if $_ == $clients;
	}
	# What was not logged is told, all in all; no line is lost otherwise.
	my $refused = 0;

	wait_until {
		my $more = 0;

		$more += $_->{text} =~ /^(\d+) more lines about malformed requests/
			? $1 : 0 for $s->log_lines;
		$refused = $s->logged(qr/answered with 400/);
		$refused + $more == $clients
	} 'the number of lines that were not logged';
	cmp_ok $refused, '>=', 20, 'some are logged';
	cmp_ok $refused, '<', $clients, 'but not all';
	$s->finish;
};

# A pipe that is full, as standard error of the server.
sub start_with_full_stderr ($writer) {
	my $flags = fcntl $writer, F_GETFL, 0;

	fcntl $writer, F_SETFL, $flags | O_NONBLOCK or die "fcntl: $!";
	1 while syswrite $writer, '#' x 4095 . "\n";
	fcntl $writer, F_SETFL, $flags or die "fcntl: $!";
	my $s = Holdfast->start(conf => <<"E", unready => 1,
log = { error = "stderr"; };
$site
E
		before_exec => sub { POSIX::dup2(fileno $writer, 2) });

	return $s;
}

subtest 'nobody reads it, and nobody waits' => sub {
	pipe my $reader, my $writer or die "pipe: $!";
	my $s = start_with_full_stderr($writer);

	# It says nothing that could be read: ask it.
	wait_until { ($s->run('status'))[0] eq '0' } 'it serves';
	is(($s->run('reload'))[0], '0', 'a reload');
	my $status = JSON::PP::decode_json(($s->run('status', '--json'))[1]);

	is $status->{generation}, 2, 'is done';
	$s->{names} = { http => $status->{listeners}[0]{address} =~ s/:\d+\z//r };
	my $c = Holdfast::Client->new($status->{listeners}[0]{address});

	$c->send("BAD\r\n\r\n");
	is $c->response->status, 400, 'a worker that has something to say';
	$c = Holdfast::Client->new($status->{listeners}[0]{address});
	is $c->get('/')->status, 200, 'answers';
	close $c->socket;
	# It reads again.
	fcntl $reader, F_SETFL, O_NONBLOCK or die "fcntl: $!";
	my $text = '';

	1 while sysread $reader, $text, 65536, length $text;
	unlike $text, qr/serves/, 'what did not fit is lost';
	is(($s->run('reload'))[0], '0', 'another reload');
	wait_until {
		sysread $reader, $text, 65536, length $text;
		$text =~ /generation 3 serves/
	} 'the log goes on';
	like $text, qr/warn master\[\d+\]: \d+ lines of this log were lost\n/,
		'and tells what is missing';
	ok !(fcntl($writer, F_GETFL, 0) & O_NONBLOCK),
		'what others have is as it was';
	is(($s->run('quit'))[0], '0', 'and it ends');
	$s->wait_end;
	$s->finish;
};

# The worker has two descriptors of such a log, and must keep both: what it
# says later would go to whatever has the number then, such as a client.
subtest 'a named pipe' => sub {
	my $reader;
	my $s = Holdfast->start(conf => <<"E", unready => 1,
workers = 1;
log = { error = "%%DIR%%/fifo"; level = "debug"; };
$site
E
		prepare => sub ($dir) {
			my $path = $dir->path('fifo');

			POSIX::mkfifo($path, 0622) or die "mkfifo: $!";
			chmod 0666, $path or die "chmod: $!";
			sysopen $reader, $path, O_RDONLY | O_NONBLOCK
				or die "$path: $!";
		});
	my $text = '';

	for my $generation (1, 2) {
		wait_until {
			sysread $reader, $text, 65536, length $text;
			$text =~ /generation $generation serves/
		} 'it serves';
		my ($address) = $text =~ /listening on (\S+) \(http\)/;
		my $c = Holdfast::Client->new($address);

		is $c->get('/')->body, 'a', 'a response has no lines of the log';
		$c->send("BAD\r\n\r\n");
		is $c->response->status, 400, 'nor has an error';
		wait_until {
			sysread $reader, $text, 65536, length $text;
			$text =~ /worker \d+\[\d+\]: answered with 400/
		} 'they are in the log';
		is(($s->run('reload'))[0], '0', 'a reload');
		$text =~ s/answered/was answered/;
	}
	is(($s->run('quit'))[0], '0', 'and it ends');
	$s->wait_end;
	$s->finish;
};

done_testing;
