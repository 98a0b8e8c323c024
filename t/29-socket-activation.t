# SPDX-License-Identifier: BSD-2-Clause
#
# Listening sockets that systemd passes (LISTEN_FDS) are used for the
# listeners of their addresses; clients that came before are served.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Socket;
use Test::More;
use Holdfast;
use Holdfast::Activation qw(pass_on);
use Holdfast::Proc qw(fd_targets);

plan skip_all => 'built without libsystemd'
	unless Holdfast::Activation::is_supported();

# A listening socket: (socket, address).
sub listening ($ip) {
	socket(my $socket, AF_INET, SOCK_STREAM, 0) or die $!;
	bind $socket, pack_sockaddr_in(0, inet_aton($ip)) or die $!;
	listen $socket, 100 or die $!;
	my ($port) = unpack_sockaddr_in(getsockname $socket);

	return ($socket, "$ip:$port");
}

my $sites = <<'E';
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
my ($one, $address_one) = listening('127.0.0.1');
my ($two, $address_two) = listening('127.0.0.2');
my $conf = <<"E";
listeners = (
  { address = "127.0.0.3:%%PORT_own%%"; },
  { address = "$address_two"; protocol = "echo"; },
  { address = "$address_one"; }
);
$sites
E
# Before there is a server.
my $early = Holdfast::Client->new($address_one);

$early->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
my $s = Holdfast->start(before_exec => pass_on($one, $two), conf => $conf);

close $two;
is $early->response->body, 'ok', 'who came before is served';
is(Holdfast::Client->new($address_one)->get('/')->body, 'ok', 'the first');
my $echo = Holdfast::Client->new($address_two);

$echo->send('hello');
is $echo->read_bytes(5), 'hello', 'the second, by its address';
is $s->get('/')->body, 'ok', 'one that was not passed';

my $inode = readlink '/proc/self/fd/' . fileno $one;

is scalar(grep { $_ eq $inode } values fd_targets($s->master)->%*), 1,
	'it is the very socket, once';
$s->reload;
is(Holdfast::Client->new($address_one)->get('/')->body, 'ok',
	'after a reload');
$echo->close;
$s->finish;

# systemd holds the sockets on: who comes now waits for the next start.
my $between = Holdfast::Client->new($address_one);

$between->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
$s = Holdfast->start(before_exec => pass_on($one), conf => <<"E");
listeners = ( { address = "$address_one"; } );
$sites
E
is $between->response->body, 'ok', 'nobody is lost between two lives';
$between->close;
$s->finish;

subtest 'a socket that no listener asks for' => sub {
	my ($extra, $address) = listening('127.0.0.4');
	my $t = Holdfast->start(before_exec => pass_on($one, $extra),
		conf => <<"E");
listeners = ( { address = "$address_one"; } );
$sites
E
	$t->expect_log(qr/warn master\[\d+\]: .*\Q$address\E/);
	is(Holdfast::Client->new($address_one)->get('/')->body, 'ok',
		'does no harm');
	$t->finish;
};

subtest 'sockets for another process' => sub {
	my $t = Holdfast->start(before_exec => sub {
		pass_on($one)->();
		$ENV{LISTEN_PID} = $$ + 1;
	}, conf => <<"E");
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
$sites
E
	is $t->get('/')->body, 'ok', 'are left alone';
	$t->finish;
};

done_testing;
