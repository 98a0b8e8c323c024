# SPDX-License-Identifier: BSD-2-Clause
#
# A tunnel whose ends read nothing: both ways are full, with more bytes in the
# worker than a message has room for. It moves all the same, again and again, and
# when its ends read at last, every byte is right.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Socket qw(SOL_SOCKET SO_RCVBUF SO_SNDBUF);
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;
use Holdfast::Proc qw(alive);

alarm 120 * slow();

my $dir = Holdfast::Dir->new;
my $pattern = join ' ', 1 .. 1_000_000;

# The first $n bytes of it, over and over.
sub stream ($n) {
	return substr $pattern x (1 + $n / length $pattern), 0, $n;
}

# Sends as much of it as is taken; returns its length.
sub fill ($socket) {
	my ($at, $last) = (0, now());

	$socket->blocking(0);
	while (now() < $last + 0.5) {
		my $n = syswrite $socket, $pattern, 65536, $at % length $pattern;

		($at, $last) = ($at + $n, now()) if $n;
		sleep 0.01 unless $n;
	}
	$socket->blocking(1);
	return $at;
}

# The next $n bytes.
sub drain ($socket, $n) {
	my $got = '';

	while (length $got < $n) {
		sysread $socket, $got, $n - length $got, length $got or last;
	}
	return $got;
}

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $n = $request->{target} =~ s{^/}{}r;

	setsockopt $socket, SOL_SOCKET, $_, 65536 for SO_RCVBUF, SO_SNDBUF;
	print {$socket} "HTTP/1.1 101 Switching Protocols\r\n"
		. "Connection: Upgrade\r\nUpgrade: x\r\n\r\n";
	$dir->write("filled-$n.new", fill($socket));
	rename $dir->path("filled-$n.new"), $dir->path("filled-$n");
	wait_until { -e $dir->path("client-$n") } 'the client to have sent all';
	my $length = $dir->read("client-$n");
	my $got = drain($socket, $length);

	$dir->write("right-$n.new", $got eq stream($length)
		? "right\n" : 'wrong, ' . length $got);
	rename $dir->path("right-$n.new"), $dir->path("right-$n");
	return 0;
});

sub conf ($n) {
	return <<"E";
workers = 1;
timeouts = { drain = "500ms"; send = "300s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } );
  timeouts = { read = "300s"; send = "300s"; }; } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/g$n"; handler = "respond"; body = "$n"; } ); } );
E
}

my $s = Holdfast->start(conf => conf(0));
my $n_tunnels = 3;
my @tunnels = map {
	my $c = $s->client('http', rcvbuf => 65536);

	$c->send("GET /$_ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
		. "Upgrade: x\r\n\r\n");
	like $c->read_until("\r\n\r\n"), qr{\AHTTP/1\.1 101 }, 'a tunnel';
	$c;
} 1 .. $n_tunnels;
my @sent = map { fill($_->socket) } @tunnels;

for my $n (1 .. $n_tunnels) {
	wait_until { -e $dir->path("filled-$n") } 'its server to be stuck';
}

for my $n (1 .. 3) {
	my ($old) = $s->workers;

	$s->reload(conf($n));
	ok wait_until { !alive($old) } 'the old worker to end';
}
is $s->status->{totals}{handed_in}, 3 * $n_tunnels, 'all have moved each time';
is scalar($s->logged(qr/ cut: /)), 0, 'none was cut';
is scalar($s->logged(qr/served to their end/)), 0, 'none had to stay';

for my $n (1 .. $n_tunnels) {
	my $filled = $dir->read("filled-$n");
	my $socket = $tunnels[$n - 1]->socket;
	my $got = substr($tunnels[$n - 1]->buffered, 0);

	$dir->write("client-$n.new", $sent[$n - 1]);
	rename $dir->path("client-$n.new"), $dir->path("client-$n");
	$got .= drain($socket, $filled - length $got);
	ok $got eq stream($filled), "$filled bytes from the server";
	wait_until { -e $dir->path("right-$n") } 'the server to have read all';
	is $dir->read("right-$n"), "right\n", "$sent[$n - 1] bytes to it";
}
$_->close for @tunnels;
is $s->status->{totals}{handoff_damaged}, 0, 'no message was damaged';
$s->finish;
done_testing;
