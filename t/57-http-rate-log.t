# SPDX-License-Identifier: BSD-2-Clause
#
# Each request that a limit refuses is counted by some line of the log, also those
# of the second after the last line, and of the last second of a worker.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { rate = "1/h"; rate_burst = 1; routes = (
  { path = "/"; handler = "respond"; body = "in"; } ); } );
E
my $c = $s->client;
my $refused = 0;

sub ask ($n) {
	for (1 .. $n) {
		$refused++ if $c->get('/')->status == 429;
	}
}

sub logged () {
	my $n = 0;

	$n++ for $s->logged(qr/answered with 429: over sites\[0\]\.rate, 1 in/);
	$n += $_ for $s->log_text
		=~ /: (\d+) more lines about requests over a limit were not/mg;
	return $n;
}

ask(60);
cmp_ok $refused, '>=', 58, 'some are refused';
cmp_ok logged(), '<', $refused, 'not each has a line';
wait_until { logged() == $refused } 'all of them are counted when the second is over';
ask(3);
wait_until { logged() == $refused } 'and those of another';
ask(60);
$c->close;
is(($s->run('quit'))[0], 0, 'it ends');
$s->wait_end;
is logged(), $refused, 'those of the last second are counted, too';
$s->finish;
done_testing;
