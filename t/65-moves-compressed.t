# SPDX-License-Identifier: BSD-2-Clause
#
# What is passed on and compressed on the way cannot move. It is served to its
# end by the worker that has it, which timeouts.drain does not cut.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;
use Holdfast::Proc qw(alive);

eval { require Compress::Zlib } or plan skip_all => 'no Compress::Zlib';

my $dir = Holdfast::Dir->new;
my $text = join '', map { "line $_\n" } 1 .. 5000;
my $b = Holdfast::Backend->new(sub ($request, $socket) {
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n",
		substr $text, 0, 20_000;
	wait_until { -e $dir->path('more') } 'the rest to be asked for';
	print {$socket} substr $text, 20_000;
	return 0;
});
my $conf = <<"E";
workers = 1;
timeouts = { drain = "300ms"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app";
  compress = [ "gzip" ]; } ); } );
E
my $s = Holdfast->start(conf => $conf);
my $c = $s->client;

$c->send("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n");
wait_until { $b->requests } 'the request';
my ($old) = $s->workers;

$s->reload($conf . "# again\n");
sleep 1; # more than timeouts.drain
ok alive($old), 'the old worker goes on with it';
my ($line) = map { $_->{text} } $s->logged(qr/served to their end here/);

is $line, '1 connections are served to their end here: '
	. '1 compressed here on the way from a server', 'and says why';
$dir->write('more', '');
my $r = $c->response;

is $r->field('content-encoding'), 'gzip', 'it is compressed';
ok Compress::Zlib::memGunzip($r->body) eq $text, 'and whole';
ok wait_until { !alive($old) } 'then the old worker goes';
is scalar($s->logged(qr/: cut: /)), 0, 'nobody was cut';
$c->close;
$s->finish;
done_testing;
