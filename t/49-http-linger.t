# SPDX-License-Identifier: BSD-2-Clause
#
# After the last answer a client that goes on sending is read from for a
# while, so that a reset does not take the answer away; but not for ever.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;

plan skip_all => 'only with configure --enable-test-hooks'
	unless binary_has_hooks();

my $s = Holdfast->start(env => { HOLDFAST_TEST_LINGER_MAX_MS => 3000 },
	conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { body = "1k"; };
sites = ( { routes = (
  { path = "/"; handler = "respond"; methods = [ "POST" ];
    body = "[${form.x}]"; } ); } );
E
my $c = $s->client;
my $begin = now();

$c->send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n"
	. "Content-Type: application/x-www-form-urlencoded\r\n\r\n");
is $c->response->status, 413, 'a body that is too large is refused';
ok $c->at_end, 'and that is the last';
# Never silent for as long as a worker waits for more.
while (defined $c->send_some('x' x 1000) && now() < $begin + 30 * slow()) {
	sleep 0.1;
}
my $took = now() - $begin;

cmp_ok $took, '>', 2.5, 'the client can go on sending for a while';
cmp_ok $took, '<', 6 + 4 * slow(), 'but not for ever';
wait_until { $s->status->{connections} == 0 } 'it to be closed';
$s->finish;
done_testing;
