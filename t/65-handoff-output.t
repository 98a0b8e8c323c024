# SPDX-License-Identifier: BSD-2-Clause
#
# What a worker has answered and the client has not yet taken goes along when
# the connection moves: a pipeline that is not read, ending in half a head.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive);

my $filler = join '', map { sprintf "%07d\n", $_ } 1 .. 1500;
my $conf = <<"E";
workers = 1;
timeouts = { send = "120s"; header = "120s"; };
listeners = ( { address = "unix:%%DIR%%/s.sock"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "\${query.x}\\n$filler"; } ); } );
E
my $s = Holdfast->start(conf => $conf =~ s/\n(?=\d)/\\n/gr);
# A Unix socket holds little.
my $c = Holdfast::Client->new('unix:' . $s->path('s.sock'));

sub totals () { return $s->status->{totals}->@{qw(requests bytes_out)} }

# Each in two halves: the second comes together with the first of the next,
# so that the worker has begun a head when it comes to sending.
sub halves ($n) {
	my $text = Holdfast::Client->request_text('GET', sprintf '/?x=%04d', $n);

	return (substr($text, 0, 20), substr $text, 20);
}

# Until an answer is no longer sent whole: nobody reads.
my ($n, $each, $stuck) = (0, 0, 0);

$c->send((halves(1))[0]);
until ($stuck || $n == 1000) {
	$n++;
	$c->send((halves($n))[1] . (halves($n + 1))[0]);
	wait_until { (totals())[0] == $n } "request $n to be answered";
	$each ||= wait_until { (totals())[1] } 'the first answer';
	$stuck = !eval { wait_until { (totals())[1] == $n * $each } 'x', 0.2 };
}
ok $stuck, "the client has room for less than $n answers";
cmp_ok $n * $each - (totals())[1], '<=', $each,
	'and the worker has the rest of the last';
my @old = $s->workers;

$s->reload;
$s->wait_workers(1);
is scalar(grep { alive($_) } @old), 0, 'the connection has moved';
my @wrong = grep {
	my $r = eval { $c->response };

	!$r || $r->body ne sprintf("%04d\n", $_) . $filler || $r->closes;
} 1 .. $n;

is "@wrong", '', 'every answer arrives whole';
$c->send((halves($n + 1))[1]);
is $c->response->body, sprintf("%04d\n", $n + 1) . $filler,
	'and the half head is one with the rest';
is((totals())[0], $n + 1, 'each request counts once');
$c->close;
$s->finish;
done_testing;
