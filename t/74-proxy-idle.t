# SPDX-License-Identifier: BSD-2-Clause
#
# Tunnels that are silent keep no buffers, neither of the client's connection
# nor of the server's.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Proc qw(anonymous_kb);

plan skip_all => 'sanitizers have memory of their own'
	if binary_has_sanitizers();

use constant { TUNNELS => 150, EACH_KB => 8 };

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	print {$socket} "HTTP/1.1 101 Switching Protocols\r\n",
		"Connection: upgrade\r\nUpgrade: echo\r\n\r\n";
	while (sysread $socket, my $bytes, 4096) {
		syswrite $socket, $bytes;
	}
	return 0;
});
my $s = Holdfast->start(conf => <<"E2");
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
E2
my ($worker) = $s->workers;
my $before = anonymous_kb($worker);
my @tunnels = map {
	my $c = $s->client;

	$c->send("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n"
		. "Upgrade: echo\r\n\r\n");
	$c->read_until("\r\n\r\n");
	$c->send("hello");
	$c->read_bytes(5);
	$c;
} 1 .. TUNNELS;

cmp_ok anonymous_kb($worker) - $before, '<', TUNNELS * EACH_KB,
	'a silent tunnel takes little';
for my $c (@tunnels[0, -1]) {
	$c->send("again");
	is $c->read_bytes(5), 'again', 'and goes on';
}
$_->close for @tunnels;
$s->finish;
done_testing;
