# SPDX-License-Identifier: BSD-2-Clause
#
# A reload changes the mode and the backlog of a listener that stays.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Errno qw(EAGAIN);
use IO::Handle;
use Socket;
use Test::More;
use Holdfast;
use Holdfast::Proc qw(stop_process continue_process);

sub conf ($mode, $backlog) {
	return <<"E";
listeners = ( { address = "unix:%%DIR%%/s.sock"; mode = "$mode";
  backlog = $backlog; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
}

my $s = Holdfast->start(conf => conf('0600', 3));
my $path = $s->path('s.sock');

sub mode () { return sprintf '%04o', (stat $path)[2] & 07777 }

# How many connections wait when nobody accepts: one more than the backlog.
sub room () {
	my @workers = $s->workers;
	my @waiting;

	stop_process(@workers);
	while (@waiting < 100) {
		socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
		$socket->blocking(0);
		connect $socket, pack_sockaddr_un($path) or last;
		push @waiting, $socket;
	}
	die "connect: $!" if $! != EAGAIN;
	continue_process(@workers);
	return scalar @waiting;
}

is mode(), '0600', 'the mode at the start';
is room(), 4, 'and the backlog';
$s->reload(conf('0660', 20));
is mode(), '0660', 'the mode after a reload';
is room(), 21, 'a longer backlog';
$s->reload(conf('0606', 1));
is mode(), '0606', 'another mode';
is room(), 2, 'and a shorter backlog';
is(Holdfast::Client->new("unix:$path")->get('/')->body, 'ok', 'it serves');
$s->finish;
done_testing;
