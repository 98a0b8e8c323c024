# SPDX-License-Identifier: BSD-2-Clause
#
# limits.connections: a worker takes no more, on no listener. Where none is
# idle that may be closed, further ones wait in the queue, and are served when
# others leave.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
workers = 1;
limits = { connections = 5; };
listeners = (
  { address = "127.0.0.1:%%PORT_one%%"; protocol = "echo"; },
  { address = "127.0.0.2:%%PORT_other%%"; protocol = "echo"; }
);
E
$s->allow_log(qr/connections/);
my @clients = map { $s->client($_ % 2 ? 'one' : 'other') } 1 .. 20;

$_->send('x') for @clients;

# Those that were answered; the rest waits.
sub answered () {
	return grep { $_->pull; $_->buffered ne '' } @clients;
}

wait_until { answered() == 5 } 'five answers';
my ($max, $good) = (0, 0);

while (@clients) {
	my $done = wait_until { (answered())[0] } 'the next answer';
	my $connections = $s->status->{connections};

	$max = $connections if $connections > $max;
	$good++ if $done->read_bytes(1) eq 'x' && !$done->ended;
	$done->close;
	@clients = grep { $_ != $done } @clients;
}
is $good, 20, 'all were served in the end';
is $max, 5, 'never more than five at a time';
my $more = $s->client('one');

$more->send('y');
is $more->read_bytes(1), 'y', 'and it accepts on';
$more->close;
$s->finish;
done_testing;
