# SPDX-License-Identifier: BSD-2-Clause
#
# When limits.connections are open, new clients are served all the same: the
# connections that have been idle longest are closed for them. Nobody who waits
# for a response is, nor one whose protocol knows no idleness.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
workers = 1;
limits = { connections = 200; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; },
  { path = "/form"; methods = [ "POST" ]; handler = "respond";
    body = "${form.a}"; } ); } );
E
$s->expect_log(qr/limits\.connections \(200\) are open: closing those that have/);
$s->allow_log(qr/accepting is paused/);

my @echoes = map { $s->client('echo') } 1 .. 10;
my @busy = map { $s->client('http') } 1 .. 10;

$_->send("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n" .
	"Content-Type: application/x-www-form-urlencoded\r\n\r\na=") for @busy;
$_->send('x') for @echoes;
$_->read_bytes(1) for @echoes;
my @idle = map { $s->client('http') } 1 .. 180;

# In another order than that in which they have connected.
my @order = map { ($_ * 77) % 180 } 0 .. 179;

for my $i (@order) {
	$idle[$i]->get('/')->status == 200 or die 'no good beginning';
}
is $s->status->{connections}, 200, 'as many as may be';

# The last one leaves and comes again when the others have been idle for long
# enough to be closed: but nobody waits for their place.
my $rested = now() + 0.3;

$idle[$order[179]]->close;
wait_until { now() > $rested && $s->status->{connections} == 199 } 'one to go';
$idle[$order[179]] = $s->client('http');
is $idle[$order[179]]->get('/')->status, 200, 'the last one is served';
is $s->status->{connections}, 200, 'and nobody is closed for nobody';

my $start = now();
my @new = map { $s->client('http') } 1 .. 30;

is scalar(grep { $_->get('/')->status == 200 } @new), 30, 'new ones are served';
cmp_ok now() - $start, '<', 5 * slow(), 'without waiting for a time-out';
cmp_ok $s->status->{connections}, '<=', 200, 'never more than may be';

my @gone = grep { $idle[$order[$_]]->ended } 0 .. 179;
my $n = @gone;

cmp_ok $n, '>=', 30, "$n were closed for them";
cmp_ok $n, '<', 45, 'not many more than that';
is_deeply \@gone, [0 .. $n - 1], 'which are those that were idle longest';
is scalar(grep { $_->ended } @new), 0, 'no new one is';
$_->send('7') for @busy;
is scalar(grep { $_->response->body eq '7' } @busy), 10,
	'those that send a request go on';
$_->send('y') for @echoes;
is scalar(grep { $_->read_bytes(1) eq 'y' } @echoes), 10, 'and so do echoes';

# Silent ones, which have never asked for anything, are idle, too.
my @silent = map { $s->client('http') } 1 .. 400;

is $s->get('/')->body, 'ok', 'silent ones do not fill it';
$_->close for @silent, @new, @idle, @busy, @echoes;
$s->finish;
done_testing;
