# SPDX-License-Identifier: BSD-2-Clause
#
# Totals never fall: not while workers die, not at a reload, not at an upgrade,
# at whatever moment they are read.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Background;
use Holdfast::Load qw(connect_load);
use Holdfast::Upgraded;
use Holdfast::Wait;
use JSON::PP ();

my $s = Holdfast::Upgraded->of(Holdfast->start(conf => <<'E'));
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "x"; } ); } );
E
my $address = $s->address;
my (%last, @fallen);
my $reads = 0;

# {name => number} of a hash that may have hashes in it.
sub flat ($hash, $prefix = '') {
	return map {
		ref $hash->{$_} ? flat($hash->{$_}, "$prefix$_.")
			: ("$prefix$_" => $hash->{$_})
	} keys $hash->%*;
}

sub look () {
	my %now = flat($s->status->{totals});

	$reads++;
	for my $key (sort keys %last) {
		push @fallen, "$key: $last{$key}, then " . ($now{$key} // 'none')
			if ($now{$key} // -1) < $last{$key};
	}
	%last = %now;
	return \%now;
}

# Reads them all the time while something happens.
sub during ($command) {
	look() until $command->ended;
	look() for 1 .. 20;
	return ($command->wait)[0];
}

my $load = Holdfast::Background->new(sub ($stopping) {
	return connect_load($stopping, '/', $address);
});

ok wait_until { look()->{requests} > 100 } 'a load';
for my $worker ($s->workers) {
	$s->kill_worker($worker);
	look() for 1 .. 10;
}
ok wait_until { look()->{respawns} >= 2 } 'two workers are replaced';
is during($s->command('reload')), 0, 'a reload' for 1 .. 3;
for (1 .. 3) {
	is during($s->command('upgrade')), 0, 'an upgrade';
	is $s->follow, 0, 'the old master ends';
	look() for 1 .. 10;
}
cmp_ok look()->{respawns}, '>=', 2, 'respawns are remembered';
$load->stop;
is_deeply \@fallen, [], "nothing falls in $reads reads";

my ($exit, $text) = $s->run('status');

for my $label ('connections accepted', 'requests', 'requests refused by a limit',
	'bodies in files', 'lines of the access log lost', 'respawns',
	'connections cut') {
	like $text, qr/^$label: \d+$/m, "status has its line \"$label\"";
}
like $text, qr/^responses: unanswered \d+, 1xx \d+, 2xx \d+,/m, 'classes';

my ($row) = $s->worker_rows;

ok exists $row->{$_}, "a worker's $_"
	for qw(accepted handed_in handed_out requests bytes_in bytes_out log_lost
	limited temp_bodies responses);
$s->allow_log(qr{killed by signal 9|dying at startup});
$s->finish;
done_testing;
