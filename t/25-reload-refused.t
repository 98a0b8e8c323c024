# SPDX-License-Identifier: BSD-2-Clause
#
# A reload that cannot succeed changes nothing and says why.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Socket;
use Holdfast;
use Holdfast::Load qw(keepalive_load);
use Holdfast::Proc qw(children fds);

my $good = <<'E';
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my $s = Holdfast->start(files => { 'www/a' => "a\n", 'closed/a' => "b\n" },
	conf => $good);
my @workers = $s->workers;
my @clients = map { $s->client_of($_, '/a') } @workers;
my $load = Holdfast::Background->new(sub ($stopping) {
	return keepalive_load($stopping, '/a', @clients);
}, keep => [map { $_->socket } @clients]);
my $files = fds($s->master);
my $refusals = 0;

# Refuses `conf` with a reason that matches, and nothing has changed.
sub refused ($name, $conf, @reasons) {
	subtest $name => sub {
		$s->write_conf($conf);
		my ($exit, $out, $err) = $s->run('reload');

		is $exit, 1, 'exit status';
		is $out, '', 'nothing on standard output';
		like $err, $_, "says $_" for @reasons;
		is scalar(() = $s->logged(qr/error\ master.*reload\ failed:
			.*generation\ 1\ goes\ on/x)), ++$refusals,
			'the log says so too';
		my $status = $s->status;

		is $status->{generation}, 1, 'the generation is the same';
		is $status->{state}, 'serving', 'and serves';
		is_deeply [$s->workers], \@workers, 'the workers are the same';
		ok !$status->{last_reload}{ok}, 'status knows';
		isnt $status->{last_reload}{reason}, '', 'and why';
		wait_until { children($s->master) == @workers }
			'those of the attempt to be gone';
		wait_until { fds($s->master) == $files }
			'what it opened to be closed';
		is $s->get('/a')->body, "a\n", 'it serves as before';
	};
}

$s->expect_log(qr/error master.*reload failed/);
$s->allow_log(qr/\Q@{[$s->conf_path]}\E:\d+: /);
my $path = quotemeta $s->conf_path;

refused('errors in the file', <<'E', map { qr/^$path:$_: /m } 1, 3, 5, 5);
workers = 0;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
lisseners = 5;
sites = ( { routes = (
  { path = "x"; handler = "respnd"; } ); } );
E

# A file that cannot be read has no other settings either: it is not known
# which control socket is meant. Who has configured one sends SIGHUP.
subtest 'broken syntax' => sub {
	$s->write_conf("listeners = (\n");
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 1, 'exit status';
	like $err, qr/^$path:\d+: .*syntax/m, 'the error';
	$s->signal('HUP');
	$s->wait_log(qr/reload failed: $path:\d+: .*syntax/);
	is_deeply [$s->workers], \@workers, 'the workers are the same';
	$refusals++;
};

{
	# The kernel gives out no port twice that is in use.
	socket(my $other, AF_INET, SOCK_STREAM, 0);
	bind $other, pack_sockaddr_in(0, inet_aton('127.0.0.3')) or die $!;
	listen $other, 1;
	my ($port) = unpack_sockaddr_in(getsockname $other);

	refused('an address in use', <<"E",
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_new%%"; },
  { address = "127.0.0.3:$port"; }
);
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
		qr/\Q127.0.0.3:$port\E/, qr/in use/i);
}

# check sees a directory there; only the workers find that they cannot use it.
chmod 0000, $s->path('closed');
$s->allow_log(qr/worker \d+(?:\[\d+\]:)?.*(?:closed|\(pid \d+\) died)/);
refused('workers that cannot start', $good =~ s/www/closed/r,
	qr/\Q@{[$s->path('closed')]}\E/, qr/Permission denied/i);
{
	# A port that is ours, and that nobody listens on: so another may.
	socket(my $port, AF_INET, SOCK_STREAM, 0);
	setsockopt $port, SOL_SOCKET, SO_REUSEADDR, 1;
	bind $port, pack_sockaddr_in(0, inet_aton('127.0.0.2')) or die $!;
	my ($number) = unpack_sockaddr_in(getsockname $port);
	my $more = <<"E";
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:$number"; },
  { address = "unix:%%DIR%%/new.sock"; }
);
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/closed"; } ); } );
E
	refused('workers that cannot start, listeners more', $more,
		qr/closed/);
	ok !Holdfast::Client->try("127.0.0.2:$number"),
		'a listener of theirs is closed again';
	ok !-e $s->path('new.sock'), 'and a Unix socket removed';
	# Nothing of them is in the way of the next that tries.
	refused('the same once more', $more, qr/closed/);
}
chmod 0755, $s->path('closed');

subtest 'while the file is wrong' => sub {
	$s->write_conf("${good}nonsense = 1;\n");
	$s->signal('HUP');
	$s->wait_log(qr/reload failed/, ++$refusals);
	is_deeply [$s->workers], \@workers, 'SIGHUP is refused as well';
	for my $verb ('status', 'reopen') {
		my ($exit, $out, $err) = $s->run($verb);

		is $exit, 0, "$verb works all the same";
	}
};

my $result = $load->result;

is_deeply $result->{faults}, {}, 'clients noticed nothing of it all';
cmp_ok $result->{requests}, '>', 50, 'while they were busy';
$_->close for @clients;

subtest 'and when the file is right again' => sub {
	$s->reload($good =~ s/www/closed/r);
	is $s->get('/a')->body, "b\n", 'it is in effect';
	ok $s->status->{last_reload}{ok}, 'status knows';
	$s->wait_workers(2);
};

$s->finish;
done_testing;
