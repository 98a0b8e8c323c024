# SPDX-License-Identifier: BSD-2-Clause
#
# A client that connects and says nothing is held back by the kernel for a
# second; then it is a connection like any other, counted and bounded by
# timeouts.header.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
timeouts = { header = "1500ms"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E

my $silent = $s->client;

is $s->get('/')->body, 'ok', 'others are served';
wait_until { $s->status->{connections} == 1 } 'the silent one to be let in';
pass 'a silent client is counted';
my $in = now();

is $silent->read_to_end, '', 'then closed without a word';
ok !$silent->was_reset, 'but not reset,';
my $took = now() - $in;

cmp_ok $took, '>', 1, 'after timeouts.header,';
cmp_ok $took, '<', 1.5 + 5 * slow(), 'and not long after';
wait_until { $s->status->{connections} == 0 } 'it to be gone';

$s->finish;
done_testing;
