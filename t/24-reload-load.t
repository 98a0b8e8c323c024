# SPDX-License-Identifier: BSD-2-Clause
#
# Ten reloads under load: no request is lost, neither on connections that
# stay open nor on new ones, and none of those that stay open is closed.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Load qw(polite_load connect_load);

my $conf = <<'E';
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my $s = Holdfast->start(files => { 'www/a' => 'x' x 1024 }, conf => $conf);
my $address = $s->address;
my $polite = Holdfast::Background->new(sub ($stopping) {
	return polite_load($stopping, '/a', $address, 32);
});
my $fresh = Holdfast::Background->new(sub ($stopping) {
	return connect_load($stopping, '/a', $address);
});

for my $n (1 .. 10) {
	my $before = $s->status->{totals}{requests};

	$s->reload;
	# Load on each generation, not only on the first and the last.
	wait_until { $s->status->{totals}{requests} > $before + 100 }
		'requests on the new generation';
}

for my $load (['kept open', $polite], ['one for each request', $fresh]) {
	my ($name, $background) = @$load;
	my $result = $background->result;

	is scalar $result->{faults}->@*, 0,
		"connections $name: none of $result->{requests} lost"
		or diag explain $result->{faults};
	# Of a thousand and more requests, by the loop above.
	cmp_ok $result->{requests}, '>', 100, "connections $name: busy";
	next unless defined $result->{closes};
	is $result->{closes}, 0, "connections $name: none closed";
	is $result->{raced}, 0, "connections $name: none idle closed";
}
$s->wait_workers(2);
is $s->status->{generation}, 11, 'ten generations later';
is scalar($s->logged(qr/died|failed/)), 0, 'nothing went wrong';

$s->finish;
done_testing;
