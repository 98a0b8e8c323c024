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

	$n += $_ for $s->log_text =~ /: refused (\d+), the last from 127\.0\.0\.1$/mg;
	return $n;
}

ask(10);
cmp_ok $refused, '>=', 8, 'some are refused';
cmp_ok logged(), '<', $refused, 'not each has a line';
wait_until { logged() == $refused } 'all of them are counted when the second is over';
ask(3);
wait_until { logged() == $refused } 'and those of another';
ask(7);
$c->close;
is(($s->run('quit'))[0], 0, 'it ends');
$s->wait_end;
is logged(), $refused, 'those of the last second are counted, too';
$s->finish;
done_testing;
