# SPDX-License-Identifier: BSD-2-Clause
#
# Thirty SIGHUPs in a row, some while a reload is under way: in the end the
# last configuration serves, with as many workers as it says, and nothing of
# the others is left - no process, no file descriptor.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Proc qw(fd_targets children);

sub conf ($body) {
	return <<"E";
pid_file = "%%DIR%%/pid";
log = { access = "%%DIR%%/access.log"; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "$body"; },
  { path = "/f/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
}

my $s = Holdfast->start(conf => conf('start'),
	files => { 'www/a' => "a\n" });
my $address = $s->address('http');

sub body () {
	return Holdfast::Client->new($address)->get('/')->body;
}

# What a process has open, without numbers that differ from one time to the
# next: sockets of the worker's own channel, for one.
sub open_files ($pid) {
	my %count;

	$count{s/\[\d+\]|:\d+//gr}++ for values fd_targets($pid)->%*;
	# Threads have one each from their first job on, which may come later.
	delete $count{'anon_inode:eventfd'};
	delete $count{'anon_inode:[eventfd]'};
	return \%count;
}

# The caches and channels of a generation are there after it was used.
sub settled () {
	$s->wait_workers(2);
	my @workers = $s->workers;

	$s->client_of_http($_) for @workers;
	return { master => open_files($s->master),
		map { ("worker $_" => open_files($workers[$_])) } 0, 1 };
}

sub Holdfast::Server::client_of_http ($self, $worker) {
	my @others = grep { $_ != $worker } $self->workers;

	Holdfast::Proc::stop_process(@others);
	my $r = eval { Holdfast::Client->new($address)->get('/f/a') };

	Holdfast::Proc::continue_process(@others);
	wait_until { $self->status->{connections} == 0 } 'it to be closed';
}

# On a slow machine the old ones may not be gone before the fourth comes.
$s->allow_log(qr/generations at once: cutting/);
$s->reload for 1 .. 3;
my $before = settled();

for my $n (1 .. 30) {
	$s->write_conf(conf("hup $n"));
	$s->signal('HUP');
	# Some all at once, some with time to begin.
	sleep 0.01 * ($n % 4);
}
wait_until { body() eq 'hup 30' } 'the last configuration to serve';
pass 'the last configuration serves';
$s->wait_workers(2);
is scalar(children($s->master)), 2, 'two workers, and no other child';
cmp_ok $s->status->{generation}, '>', 4, 'generations went by';
is scalar($s->logged(qr/reload failed|died/)), 0, 'none failed';

$s->reload for 1 .. 20;
is_deeply settled(), $before,
	'after 50 reloads nothing more is open than before';
is $s->address('http'), $address, 'the address is the same';

$s->finish;
done_testing;
