# SPDX-License-Identifier: BSD-2-Clause
#
# TCP_DEFER_ACCEPT is set on the listening sockets of a generation that serves,
# systemd's too; it stays as it is when a reload fails, and is taken back when a
# listener goes.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Fcntl qw(F_DUPFD);
use Socket qw(:DEFAULT IPPROTO_TCP);
use Test::More;
use Holdfast;

use constant TCP_DEFER_ACCEPT => 9;

plan skip_all => 'built without libsystemd'
	unless grep { /libsystemd/ } qx(ldd @{[binary()]});

# A listening socket: (socket, address).
sub listening ($ip) {
	socket(my $socket, AF_INET, SOCK_STREAM, 0) or die $!;
	bind $socket, pack_sockaddr_in(0, inet_aton($ip)) or die $!;
	listen $socket, 100 or die $!;
	my ($port) = unpack_sockaddr_in(getsockname $socket);

	return ($socket, "$ip:$port");
}

# We have the sockets, too, and see what is set on them.
sub deferred ($socket) {
	return unpack 'i', getsockopt $socket, IPPROTO_TCP, TCP_DEFER_ACCEPT;
}

my ($http, $http_address) = listening('127.0.0.1');
my ($echo, $echo_address) = listening('127.0.0.2');
my $sites = <<'E';
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
my $both = <<"E";
listeners = (
  { address = "$http_address"; },
  { address = "$echo_address"; protocol = "echo"; }
);
$sites
E
my $one = <<"E";
listeners = ( { address = "$http_address"; } );
$sites
E

is deferred($_), 0, 'not set by who made it' for $http, $echo;
my $s = Holdfast->start(conf => $both, before_exec => sub {
	my @high = map { fcntl($_, F_DUPFD, 50) + 0 } $http, $echo;

	POSIX::dup2($high[$_], 3 + $_) for 0 .. $#high;
	POSIX::close($_) for @high;
	$ENV{LISTEN_FDS} = @high;
	$ENV{LISTEN_PID} = $$;
});

is deferred($_), 1, 'set when the server serves' for $http, $echo;

$s->write_conf(($one =~ s/handler = "respond"; body = "ok";/handler = "static"; root = "\/nowhere";/r));
$s->allow_log(qr{/nowhere});
my (undef, undef, $err) = $s->run('reload');

like $err, qr{/nowhere}, 'a reload that fails';
is deferred($_), 1, 'leaves it' for $http, $echo;

$s->reload($one);
is deferred($http), 1, 'a listener that stays keeps it';
is deferred($echo), 0, 'one that goes gives it up';
$s->reload($both);
is deferred($echo), 1, 'and has it again when it comes back';
$s->run('quit');
is $s->wait_end, 0, 'the server ends';
is deferred($_), 0, 'and nothing of it stays' for $http, $echo;

$s->finish;
done_testing;
