# SPDX-License-Identifier: BSD-2-Clause
#
# An address that a reload removes refuses connections at once, though a worker
# of before still sends to a client of it; who gets everything.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $size = 64 << 20;
my $sites = <<'E';
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my $both = <<"E";
listeners = ( { address = "127.0.0.1:%%PORT_one%%"; },
  { address = "127.0.0.2:%%PORT_two%%"; } );
$sites
E
my $s = Holdfast->start(conf => $both, prepare => sub ($dir) {
	truncate $dir->write('www/big', ''), $size or die $!;
	$dir->write('www/a', 'ok');
});
my $gone = $s->address('two');
my $c = Holdfast::Client->new($gone, rcvbuf => 8192);

$c->send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
like $c->read_until("\r\n\r\n"), qr/ 200 /, 'a client is being sent to';
$s->reload(<<"E");
listeners = ( { address = "127.0.0.1:%%PORT_one%%"; } );
$sites
E
# The command has waited: no worker accepts there any more.
ok !Holdfast::Client->try($gone), 'the address is closed';
is length $c->read_bytes($size), $size, 'the client gets everything';
my $last = $c->get('/a');

ok $last->closes && $c->at_end, 'and one answer more, the last';
is(Holdfast::Client->new($s->address('one'))->get('/a')->body, 'ok',
	'the other address serves');
$s->wait_workers(2);
$s->finish;
done_testing;
