# SPDX-License-Identifier: BSD-2-Clause
#
# `holdfast connect`: the interactive client, at the end of a pipe.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Socket;
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; },
  { address = "unix:%%DIR%%/echo.sock"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok\n"; } ); } );
E
my $echo = $s->address('echo');

sub connect_to ($target, $input = '', @options) {
	return holdfast('connect', @options, $target, { input => $input });
}

subtest 'a pipe' => sub {
	is_deeply [connect_to($echo, "hello\n")], [0, "hello\n", ''],
		'what goes in comes out';
	is_deeply [connect_to($echo, '')], [0, '', ''], 'nothing';
	is_deeply [connect_to($echo, 'no newline')], [0, 'no newline', ''],
		'a line that does not end';
	my $bytes = join '', map { chr($_ * 7 % 256) } 1 .. 2_000_003;
	my ($exit, $out, $err) = connect_to($echo, $bytes);

	is $exit, 0, 'two megabytes: exit status';
	ok $out eq $bytes, 'every byte of them';
	is_deeply [connect_to('unix:' . $s->path('echo.sock'), "unix\n")],
		[0, "unix\n", ''], 'a Unix socket';
	is_deeply [connect_to('localhost:' . $s->port('http'),
		"GET / HTTP/1.0\r\n\r\n")]->[0], 0, 'a name'
		if gethostbyname 'localhost';
};

subtest 'half-close' => sub {
	my ($exit, $out) = connect_to($s->address('http'),
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

	is $exit, 0, 'exit status';
	like $out, qr/\r\n\r\nok\n\z/,
		'the end of the input does not end the answer';
};

subtest 'line by line' => sub {
	my $command = Holdfast::Command->new([binary(), 'connect', $echo],
		input => 'pipe');

	for my $line ("one\n", "two\n", "three\n") {
		my $before = $command->out;

		$command->write($line);
		wait_until { $command->out eq "$before$line" }
			'the line to come back';
		pass "$line comes back before the next is typed" =~ s/\n//r;
	}
	ok !$command->ended, 'it goes on until the end of the input';
	$command->close_input;
	is(($command->wait)[0], 0, 'then it ends');
};

subtest '-v tells the time of each step' => sub {
	my ($exit, $out, $err) = connect_to($echo, "hello\n", '-v');

	is $exit, 0, 'exit status';
	is $out, "hello\n", 'the output is as without';
	like $err, qr/EINPROGRESS/, 'the connect under way';
	like $err, qr/EPOLLOUT/, 'writable';
	like $err, qr/connected/, 'connected';
	like $err, qr/first byte/, 'the first byte';
	my @times = map { /^\s*(\d+\.\d+)/ ? $1 : () } split /\n/, $err;

	cmp_ok scalar @times, '>=', 4, 'each with its time';
	is_deeply \@times, [sort { $a <=> $b } @times], 'in order';
};

# One clear line, and 1.
sub fails ($name, $target, $reason, $input = "x\n") {
	my ($exit, $out, $err) = connect_to($target, $input);

	is $exit, 1, "$name: exit status";
	is $out, '', "$name: no output";
	like $err, qr/\Aholdfast: connect \Q$target\E: .*$reason.*\n\z/i,
		"$name: one clear line";
}

{
	# A port that was just closed, and that nobody listens on.
	socket(my $closed, AF_INET, SOCK_STREAM, 0);
	bind $closed, pack_sockaddr_in(0, inet_aton('127.0.0.5')) or die $!;
	my ($port) = unpack_sockaddr_in(getsockname $closed);

	fails('refused', "127.0.0.5:$port", 'refused');
}
fails('no such socket', 'unix:' . $s->path('none.sock'), 'No such file');
# No route leads to a group for TCP, whatever the machine's routes are.
fails('unroutable', '224.0.0.1:9', 'unreachable');
fails('no such name', 'no-such-host.invalid:80', '\w');
{
	my ($exit, $out, $err) = connect_to('127.0.0.1', "x\n");

	is $exit, 2, 'no port: the command line is wrong';
	like $err, qr/\Aholdfast: .*no port\n/, 'and says so';
}
fails('a port that is none', '127.0.0.1:99999', 'from 1 to 65535');

subtest 'a server that does not answer the connect' => sub {
	# A full accept queue: the kernel drops what comes.
	socket(my $full, AF_INET, SOCK_STREAM, 0);
	bind $full, pack_sockaddr_in(0, inet_aton('127.0.0.6')) or die $!;
	listen $full, 0;
	my ($port) = unpack_sockaddr_in(getsockname $full);
	my @fill;

	for (1 .. 8) {
		socket(my $c, AF_INET, SOCK_STREAM, 0);
		$c->blocking(0);
		connect $c, pack_sockaddr_in($port, inet_aton('127.0.0.6'));
		push @fill, $c;
	}
	my $start = now();

	fails('timed out', "127.0.0.6:$port", 'timed out');
	cmp_ok now() - $start, '<', 15 + 5 * slow(), 'after ten seconds';
};

subtest 'a server that goes away' => sub {
	socket(my $listening, AF_INET, SOCK_STREAM, 0);
	bind $listening, pack_sockaddr_in(0, inet_aton('127.0.0.7')) or die;
	listen $listening, 10;
	my ($port) = unpack_sockaddr_in(getsockname $listening);
	my $command = Holdfast::Command->new(
		[binary(), 'connect', "127.0.0.7:$port"], input => 'pipe');

	accept(my $client, $listening) or die $!;
	syswrite $client, "bye\n";
	close $client;
	my ($exit, $out, $err) = $command->wait;

	is $exit, 0, 'its end is the end';
	is $out, "bye\n", 'after what it said';

	$command = Holdfast::Command->new(
		[binary(), 'connect', "127.0.0.7:$port"], input => 'pipe');
	accept($client, $listening) or die $!;
	setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
	close $client;
	($exit, $out, $err) = $command->wait;
	is $exit, 1, 'a reset is a failure';
	like $err, qr/\Aholdfast: connect .*reset.*\n\z/i, 'and said so';
};

subtest 'an output that closes' => sub {
	pipe my $in, my $out or die $!;
	my $pid = fork // die $!;

	if ($pid == 0) {
		POSIX::dup2(fileno $out, 1);
		open STDIN, '<', '/dev/zero';
		open STDERR, '>', '/dev/null';
		exec(binary(), 'connect', $echo) or POSIX::_exit(127);
	}
	close $out;
	sysread $in, my $some, 10;
	close $in;
	wait_until { waitpid($pid, POSIX::WNOHANG()) == $pid } 'it to end';
	pass 'ends it';
};

$s->finish;
done_testing;
