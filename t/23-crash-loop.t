# SPDX-License-Identifier: BSD-2-Clause
#
# Workers that cannot start are tried again ever more slowly, never given
# up, and come back by themselves when the cause is gone.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;

my $s = Holdfast->start(files => { 'www/a' => "a\n" }, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my $root = $s->path('www');
my $deaths = qr/warn master\[\d+\]: worker \d+ \(pid \d+\) died/;

sub deaths () { return scalar(() = $s->logged($deaths)) }

# All that comes of it may be said; how often is what is tested.
$s->allow_log($deaths, qr/warn master\[\d+\]: workers are dying at startup/,
	qr/(?:error|warn) worker \d+\[\d+\]: .*\Q$root\E/);
chmod 0000, $root;
my @victims = $s->workers;

kill 'KILL', @victims;
my $start = now();

wait_until { deaths() >= 4 } 'workers to fail at their start';
pass 'workers fail at their start';
is scalar($s->logged(qr/killed by signal 9/)), 2, 'after the kills';
like join("\n", map { $_->{raw} } $s->logged(qr/\Q$root\E/)),
	qr/Permission denied/, 'and say why';

# The bound is one of time: 10 seconds, in which the master stays awake.
my $slowest = 0;

while (now() - $start < 10) {
	my $asked = now();

	is $s->status->{pid}, $s->master, 'the master answers';
	$slowest = now() - $asked if now() - $asked > $slowest;
	sleep 1;
}
cmp_ok deaths(), '<', 20, 'fewer than 20 deaths in 10 seconds';
cmp_ok deaths(), '>=', 6, 'but it goes on trying';
cmp_ok $slowest, '<', 2 * slow(), 'and is never blocked';

subtest 'a reload in this state fails, truthfully' => sub {
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 1, 'exit status';
	isnt $err, '', 'with a reason';
	$s->expect_log(qr/error master.*reload failed/);
};

chmod 0755, $root;
$s->wait_workers(2);
is $s->get('/a')->body, "a\n", 'when the cause is gone it serves again';
cmp_ok $s->status->{totals}{respawns}, '>=', deaths(),
	'respawns are counted';

$s->finish;
done_testing;
