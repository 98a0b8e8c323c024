# SPDX-License-Identifier: BSD-2-Clause
#
# limits.connections: a worker takes no more, on no listener; who is too many
# waits in the queue and is served when others leave.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
workers = 1;
limits = { connections = 5; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_other%%"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
$s->allow_log(qr/connections/);
my @clients = map { $s->client($_ % 2 ? 'http' : 'other') } 1 .. 20;

$_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @clients;

# Those who were answered; the rest waits.
sub answered () {
	return grep { $_->pull; $_->buffered ne '' } @clients;
}

wait_until { answered() == 5 } 'five answers';
my ($most, $good) = (0, 0);

while (@clients) {
	my $done = wait_until { (answered())[0] } 'the next answer';
	my $connections = $s->status->{connections};

	$most = $connections if $connections > $most;
	$good++ if $done->response->body eq 'ok';
	$done->close;
	@clients = grep { $_ != $done } @clients;
}
is $good, 20, 'everybody was served in the end';
is $most, 5, 'never more than five at a time';
is $s->get('/')->body, 'ok', 'and it accepts on';

$s->finish;
done_testing;
