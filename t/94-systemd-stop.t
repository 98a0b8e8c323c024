# SPDX-License-Identifier: BSD-2-Clause
#
# "systemctl stop" drains: what has begun is finished, what would never end is
# bounded by timeouts.drain, and the result is a success.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast::Proc qw(alive);
use Holdfast::Systemd;
use Holdfast::Wait;

my $systemd = Holdfast::Systemd->boot(conf => <<'CONF');
workers = 1;
timeouts = { drain = "2s"; };
listeners = (
	{ address = "127.0.0.1:80"; },
	{ address = "127.0.0.1:7"; protocol = "echo"; }
);
sites = ( { routes = (
	{ path = "/form"; handler = "respond"; body = "Thanks, ${form.name}."; }
); } );
CONF

is $systemd->systemctl('start', 'holdfast'), 0, 'starts';
my @old = $systemd->processes;

my $client = $systemd->client;
$client->send("POST /form HTTP/1.1\r\nHost: test\r\nContent-Length: 8\r\n"
	. "Content-Type: application/x-www-form-urlencoded\r\n"
	. "Expect: 100-continue\r\n\r\n");
is $client->response->status, 100, 'a request is under way';
is $systemd->systemctl('stop', '--no-block', 'holdfast'), 0, 'stop';
ok wait_until {
	$systemd->property('ActiveState') eq 'deactivating'
} 'the stop to begin';
$client->send('name=Ada');
is $client->response->body, 'Thanks, Ada.', 'the request is answered';
ok $client->at_end, 'and the connection ends there';
$client->close;
ok wait_until {
	$systemd->property('ActiveState') eq 'inactive'
} 'the service to stop';
is $systemd->property('Result'), 'success', 'successfully';
is $systemd->property('ExecMainStatus'), 0, 'the master exited with 0';
is_deeply [grep { alive($_) } @old], [], 'no process is left';

is $systemd->systemctl('start', 'holdfast'), 0, 'starts again';
my $echo = $systemd->client(7);
$echo->send("held\n");
is $echo->read_bytes(5), "held\n", 'a peer that never ends';
is $systemd->systemctl('stop', 'holdfast'), 0, 'stops all the same';
is $systemd->property('Result'), 'success', 'successfully';
is $systemd->property('ExecMainStatus'), 0, 'the master exited with 0';
is $echo->read_to_end, '', 'and the peer sees the end';

$systemd->finish;
done_testing;
