# SPDX-License-Identifier: BSD-2-Clause
#
# A change of a server is answered truthfully: with failure while a worker has
# not heeded it, by anybody but the master's user not at all; and what has been
# checked is not, while a server is disabled.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use POSIX ();
use Test::More;
use Holdfast;
use Holdfast::Backend;

my ($a, $b) = map {
	my $name = $_;

	Holdfast::Backend->new(sub ($request, $socket) {
		if ($request->{target} eq '/tunnel') {
			print {$socket} "HTTP/1.1 101 Go\r\nUpgrade: echo\r\n"
				. "Connection: upgrade\r\n\r\n";
			while (sysread $socket, my $bytes, 100) {
				print {$socket} $bytes;
			}
			return 0;
		}
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name";
		return 1;
	});
} 'a', 'b';

my $s = Holdfast->start(env => { HOLDFAST_TEST_CHANGE_MS => 500 * slow() },
	conf => <<"E");
workers = 2;
timeouts = { watchdog = "5s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$a->{address}"; },
    { address = "$b->{address}"; } );
  health = { path = "/healthz"; interval = "20ms"; }; } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
E

sub checks ($of) { return grep { $_->{target} eq '/healthz' } $of->requests }

# One that was disabled begins with a tenth of its share.
sub served_by ($n = 8) {
	my %by;

	$by{$s->client->get('/')->body}++ for 1 .. $n;
	return join '', sort keys %by;
}

subtest 'checks of a disabled server' => sub {
	wait_until { checks($a) > 2 } 'checks';
	is +($s->run('upstream', 'app', $a->{address}, 'disable'))[0], 0;
	my ($before, $of_b) = (scalar checks($a), scalar checks($b));

	wait_until { checks($b) > $of_b + 5 } 'checks of the other one';
	cmp_ok checks($a) - $before, '<=', 1, 'none';
	is +($s->run('upstream', 'app', $a->{address}, 'enable'))[0], 0;
	wait_until { checks($a) > $before + 2 } 'checks again';
	is +($s->run('upstream', 'app', $a->{address}, 'drain'))[0], 0;
	$before = checks($a);
	wait_until { checks($a) > $before + 2 } 'checks of a drained one';
	is served_by(), 'b', 'which is not asked';
};

subtest 'a tunnel goes on' => sub {
	is +($s->run('upstream', 'app', $a->{address}, 'enable'))[0], 0;
	is +($s->run('upstream', 'app', $b->{address}, 'disable'))[0], 0;
	my $c = $s->client;

	$c->send("GET /tunnel HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n"
		. "Connection: upgrade\r\n\r\n");
	$c->read_until("\r\n\r\n");
	is +($s->run('upstream', 'app', $b->{address}, 'enable'))[0], 0;
	for my $change (['app', $a->{address}, 'drain'],
		['app', $a->{address}, 'disable'], ['app', 'remove', $a->{address}]) {
		is +($s->run('upstream', @$change))[0], 0, "@$change";
		$c->send('hello');
		is $c->read_bytes(5), 'hello', 'bytes go both ways';
	}
	is served_by(), 'b', 'but nothing new';
	$s->reload;
	$c->send('hello');
	is $c->read_bytes(5), 'hello', 'after a reload, too';
	$c->close;
	is +($s->run('upstream', 'app', 'add', $a->{address}))[0], 0;
	is served_by(60), 'ab', 'it comes back';
};

subtest 'another user' => sub {
	plan skip_all => 'not root' if $> != 0;
	chmod 0666, $s->control_path or die $!;
	my ($uid) = (getpwnam Holdfast::Server::some_user())[2];
	my $address = $a->{address};
	my $ask = sub ($line) {
		my $socket = IO::Socket::UNIX->new(Peer => $s->control_path)
			or return '';

		print {$socket} "$line\n";
		$socket->flush;
		local $/;
		return readline($socket) // '';
	};

	$s->reload($s->dir->read('holdfast.conf')
		=~ s/control = "(.*?)"/control = { path = "$1"; mode = "0666"; }/r);
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		POSIX::setuid($uid);
		my $sees = $ask->('upstream app') =~ /^ok\n.*\Q$address\E/s;
		my $may = $ask->("upstream app $address drain")
			!~ /^failed\nrefused: only root/;

		POSIX::_exit(($sees ? 0 : 1) + ($may ? 2 : 0));
	}
	waitpid $pid, 0;
	is $? >> 8, 0, 'sees, and may not change';
	is served_by(60), 'ab', 'nothing has changed';
};

SKIP: {
	skip 'a build without hooks', 1 unless binary_has_hooks();
	subtest 'a worker that is stuck' => sub {
		my ($stuck) = $s->workers;

		$s->expect_log(qr/.*/);
		kill 'USR2', $stuck;
		my ($exit, $out, $err) =
			$s->run('upstream', 'app', $a->{address}, 'drain');

		is $exit, 1, 'not all heed it';
		like $err, qr/worker \d+ \(pid $stuck\) has not confirmed/,
			'and it is said which';
		wait_until { !grep { $_ == $stuck } $s->workers } 'its end';
		$s->wait_workers(2);
		is served_by(16), 'b', 'the next one heeds it';
	};
}

$s->finish;
done_testing;
