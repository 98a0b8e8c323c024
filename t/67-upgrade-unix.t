# SPDX-License-Identifier: BSD-2-Clause
#
# The file of a Unix listener through upgrades: it stays where it is, the old
# master does not remove it, and it goes with the last; one that systemd made
# is systemd's for ever.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Socket;
use Test::More;
use Holdfast;
use Holdfast::Activation qw(pass_on);
use Holdfast::Upgraded;

my $sites = <<'E';
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E

sub answers ($path) {
	my $c = Holdfast::Client->try("unix:$path") // return "connect: $!";

	return $c->get('/', Connection => 'close')->body;
}

# Twice: the second master has the socket by way of the first.
sub upgrade_twice ($s, $path) {
	my $file = (stat $path)[1];

	for my $n (1, 2) {
		is +($s->run('upgrade'))[0], 0, "upgrade $n";
		is $s->follow, 0, 'the old master ends well';
		$s->wait_workers(2);
		is +(stat $path)[1], $file, 'the file is the same';
		is answers($path), 'ok', 'and clients are answered there';
	}
}

subtest 'a socket of ours' => sub {
	my $s = Holdfast::Upgraded->of(Holdfast->start(conf => <<"E"));
listeners = ( { address = "unix:%%DIR%%/s.sock"; } );
$sites
E
	my $path = $s->path('s.sock');
	my $kept = Holdfast::Client->new("unix:$path");

	is $kept->get('/')->body, 'ok', 'a client';
	upgrade_twice($s, $path);
	is $kept->get('/')->body, 'ok', 'the client noticed nothing';
	$kept->close;
	$s->finish;
	ok !-e $path, 'the last master removes the file';
};

subtest 'a socket of systemd' => sub {
	plan skip_all => 'built without libsystemd'
		unless Holdfast::Activation::is_supported();
	my $dir = Holdfast::Dir->new;
	my $path = $dir->path('s.sock');

	socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
	bind $socket, pack_sockaddr_un($path) or die "bind: $!";
	listen $socket, 100 or die "listen: $!";
	my $s = Holdfast::Upgraded->of(Holdfast->start(dir => $dir,
		before_exec => pass_on($socket), conf => <<"E"));
listeners = ( { address = "unix:%%DIR%%/s.sock"; mode = "0600"; } );
$sites
E
	my $mode = (stat $path)[2];

	is answers($path), 'ok', 'is listened on';
	upgrade_twice($s, $path);
	is +(stat $path)[2], $mode, 'its mode is for systemd to set';
	$s->finish;
	ok -S $path, 'and so is its end';
};

done_testing;
