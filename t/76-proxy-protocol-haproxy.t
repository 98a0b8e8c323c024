# SPDX-License-Identifier: BSD-2-Clause
#
# The PROXY protocol with HAProxy in front, which sends it, and behind, which reads
# it: versions 1 and 2, also with a checksum.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Ordinary qw(ordinary ordinary_dir program_of free_port);

my $haproxy = program_of('haproxy');

plan skip_all => 'haproxy is missing' if !defined $haproxy;

my %port = map { $_ => free_port() } qw(v1 v2 crc behind);
my $s = Holdfast->start(conf => <<"E");
workers = 1;
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; proxy_protocol = [ "127.0.0.0/8" ]; },
  { address = "127.0.0.2:%%PORT_v1%%"; protocol = "stream"; upstream = "v1"; },
  { address = "127.0.0.3:%%PORT_v2%%"; protocol = "stream"; upstream = "v2"; },
  { address = "127.0.0.4:%%PORT_requests%%"; }
);
upstreams = (
  { name = "v1"; proxy_protocol = "v1"; servers = ( { address = "127.0.0.1:$port{behind}"; } ); },
  { name = "v2"; proxy_protocol = "v2"; servers = ( { address = "127.0.0.1:$port{behind}"; } ); }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "\${remote_addr} \${remote_port}"; },
  { path = "/v1"; handler = "proxy"; upstream = "v1"; },
  { path = "/v2"; handler = "proxy"; upstream = "v2"; } ); } );
E
my $dir = ordinary_dir();
my $http = $s->address('http');

$dir->write('haproxy.cfg', <<"E");
defaults
	timeout connect 10s
	timeout client 60s
	timeout server 60s
listen v1
	mode tcp
	bind 127.0.0.1:$port{v1}
	server s $http send-proxy
listen v2
	mode tcp
	bind 127.0.0.1:$port{v2}
	server s $http send-proxy-v2
listen crc
	mode tcp
	bind 127.0.0.1:$port{crc}
	server s $http send-proxy-v2 proxy-v2-options crc32c,unique-id
frontend behind
	mode http
	bind 127.0.0.1:$port{behind} accept-proxy
	http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"
E
my $proxy = Holdfast::Command->new([ordinary(), $haproxy, '-db', '-f',
	$dir->path('haproxy.cfg')]);

wait_until {
	die 'haproxy has ended: ', $proxy->err if $proxy->ended;
	Holdfast::Client->try("127.0.0.1:$port{behind}");
} 'haproxy';

for my $name (qw(v1 v2 crc)) {
	my $c = Holdfast::Client->new("127.0.0.1:$port{$name}");

	is $c->get('/')->body, '127.0.0.1 ' . $c->local_port, "in front: $name";
}
for my $name (qw(v1 v2)) {
	my $c = $s->client($name);

	is $c->get('/')->body, join(' ', '127.0.0.1', $c->local_port,
		split /:/, $s->address($name)), "behind a stream: $name";
	$c = $s->client('requests');
	is $c->get("/$name")->body, join(' ', '127.0.0.1', $c->local_port,
		split /:/, $s->address('requests')), "behind requests: $name";
}
kill 'TERM', $proxy->pid;
$proxy->wait;
$s->finish;
done_testing;
