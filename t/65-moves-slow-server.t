# SPDX-License-Identifier: BSD-2-Clause
#
# An upload to a server that takes it slowly moves with what waits for that
# server: it is not cut when the time to drain is over, and every byte arrives.
use v5.36;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Background;
use Holdfast::Backend;
use Holdfast::Proc qw(alive);

my $size = 12_000_000;
my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my ($in, $n) = (${$request->{in}}, 0);
	my $md5 = Digest::MD5->new;

	while (1) {
		$md5->add($in);
		$n += length $in;
		last if $n >= $size;
		sleep 0.01; # 65536 bytes in it: 2 s or more for all
		sysread $socket, $in, 65536 or return 0;
	}
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n",
		$md5->hexdigest;
	return 0;
}, unread => 1);
my $conf = <<"E2";
workers = 1;
limits = { body = "20m"; };
timeouts = { drain = "1s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
E2
my $s = Holdfast->start(conf => $conf);
my $body = join '', map { sprintf "%07d\n", $_ } 1 .. $size / 8;
my @clients = map { $s->client } 1 .. 2;
my $up = Holdfast::Background->new(sub ($stopping) {
	my @answers;

	$clients[0]->send("POST /length HTTP/1.1\r\nHost: h\r\n"
		. "Content-Length: $size\r\n\r\n");
	$clients[0]->send($body);
	return { answer => eval { $clients[0]->response->body } // "$@" };
}, keep => [map { $_->socket } @clients]);

wait_until { $b->requests } 'the request';
my ($old) = $s->workers;

$s->reload($conf . "# again\n");
wait_until { !alive($old) } 'the old worker to go';
is $up->result->{answer}, md5_hex($body), 'every byte arrived';
is scalar($s->logged(qr/: cut: /)), 0, 'nobody was cut';
$s->finish;
done_testing;
