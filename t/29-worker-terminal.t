# SPDX-License-Identifier: BSD-2-Clause
#
# A worker has nothing to do with the terminal that the server was started from:
# it has a session of its own, so that what it types there (TIOCSTI) is refused,
# and what is typed there is not for it to read.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl qw(O_RDWR);
use POSIX ();
use Test::More;
use Holdfast;
use Holdfast::Proc qw(fd_targets);

# The session of a process and its terminal.
sub session ($pid) {
	open my $in, '<', "/proc/$pid/stat" or return;
	return (split ' ', readline($in) =~ s/.*\) //sr)[3, 4];
}

# A terminal, and its number for the kernel; none where there are none.
sub terminal () {
	sysopen my $master, '/dev/ptmx', O_RDWR or return;
	my ($unlocked, $number) = (pack('i', 0), pack('i', 0));

	ioctl $master, 0x40045431, $unlocked or return;	# TIOCSPTLCK
	ioctl $master, 0x80045430, $number or return;	# TIOCGPTN
	return ($master, '/dev/pts/' . unpack 'i', $number);
}

my ($terminal, $path) = terminal();

plan skip_all => 'no terminals here' unless $terminal && -e $path;
plan skip_all => 'no setsid here' unless has_program('setsid');

my $s = Holdfast->start(conf => <<'E',
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
	# Its standard input is the terminal, which becomes its own.
	wrap => ['setsid', '--ctty', '--wait'],
	before_exec => sub { open STDIN, '<', $path or POSIX::_exit(126) });

isnt +(session($s->master))[1], 0, 'the master has a terminal';
$s->reload;
$s->wait_workers(2);
for my $worker ($s->workers) {
	my ($session, $tty) = session($worker);

	is $session, $worker, 'a worker has a session of its own';
	is $tty, 0, 'and no terminal';
	is fd_targets($worker)->{0}, '/dev/null', 'nor does it read from one';
}
$s->finish;
done_testing;
