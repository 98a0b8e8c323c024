# SPDX-License-Identifier: BSD-2-Clause
#
# Listeners of every kind of address: Unix sockets, IPv6, every address.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $conf = <<'E';
sites = ( { routes = (
  { path = "/"; handler = "respond";
    body = "${remote_addr} ${host}"; } ); } );
E

subtest 'a Unix socket' => sub {
	my $s = Holdfast->start(conf => $conf . <<'E');
listeners = (
  { address = "unix:%%DIR%%/http.sock"; mode = "0640"; },
  { address = "unix:%%DIR%%/echo.sock"; protocol = "echo"; }
);
E
	my $path = $s->path('http.sock');
	my $c = Holdfast::Client->new("unix:$path");

	is $c->get('/', Host => 'h')->body, 'unix h', 'HTTP on it';
	is $c->get('/', Host => 'h')->body, 'unix h', 'and again';
	is sprintf('%04o', (stat $path)[2] & 07777), '0640', 'its mode';
	is sprintf('%04o', (stat $s->path('echo.sock'))[2] & 07777), '0666',
		'the default mode';
	my $echo = Holdfast::Client->new('unix:' . $s->path('echo.sock'));

	$echo->send('hello');
	is $echo->read_bytes(5), 'hello', 'echo on it';
	$echo->close;
	like $s->log_text, qr/listening on unix:\Q$path\E \(http\)/,
		'the log says so';

	$s->reload;
	is Holdfast::Client->new("unix:$path")->get('/', Host => 'h')->body,
		'unix h', 'after a reload';
	$c->close;
	$s->finish;
	ok !-e $path, 'removed at the end';
};

subtest 'a socket file that a dead server left' => sub {
	my $dir = Holdfast::Dir->new;

	socket(my $stale, Socket::AF_UNIX(), Socket::SOCK_STREAM(), 0);
	bind $stale, Socket::pack_sockaddr_un($dir->path('s.sock'))
		or die "bind: $!";
	close $stale;
	my $s = Holdfast->start(dir => $dir, conf => $conf . <<'E');
listeners = ( { address = "unix:%%DIR%%/s.sock"; } );
E
	is Holdfast::Client->new('unix:' . $dir->path('s.sock'))
		->get('/', Host => 'h')->body, 'unix h', 'is replaced';
	$s->finish;
};

subtest 'a file that is no socket is not replaced' => sub {
	my $dir = Holdfast::Dir->new;

	$dir->write('s.sock', "precious\n");
	my $s = Holdfast->start(dir => $dir, unready => 1,
		conf => $conf . <<'E');
listeners = ( { address = "unix:%%DIR%%/s.sock"; } );
E
	is $s->wait_end, 1, 'it does not start';
	like $s->log_text, qr/\Qs.sock\E/, 'and names the file';
	is $dir->read('s.sock'), "precious\n", 'which is as it was';
	$s->allow_log(qr/s\.sock/);
	$s->finish(exit => 1);
};

# Has the machine the address?
sub has_loopback6 () {
	open my $in, '<', '/proc/net/if_inet6' or return 0;
	return scalar grep { /^0{31}1 / } readline $in;
}

subtest 'IPv6' => sub {
	plan skip_all => 'no ::1 here' unless has_loopback6();
	my $s = Holdfast->start(conf => $conf . <<'E');
listeners = ( { address = "[::1]:%%PORT_six%%"; } );
E
	is $s->get('/', Host => '[::1]')->body, '::1 [::1]', 'HTTP on it';
	$s->finish;
};

subtest 'every address' => sub {
	my $s = Holdfast->start(conf => $conf . <<'E');
listeners = ( { address = "*:%%PORT_all%%"; } );
E
	my $port = $s->port('all');

	is $s->get('/', Host => 'h')->body, '127.0.0.1 h',
		'IPv4, with its address as such';
	SKIP: {
		skip 'no ::1 here', 1 unless has_loopback6();
		my $six = Holdfast::Client->new("[::1]:$port");

		is $six->get('/', Host => 'h')->body, '::1 h', 'IPv6';
	}
	is(Holdfast::Client->new("127.8.9.10:$port")->get('/', Host => 'h')
		->status, 200, 'another address of the machine');
	$s->finish;
};

done_testing;
