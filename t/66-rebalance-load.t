# SPDX-License-Identifier: BSD-2-Clause
#
# Two workers with as many connections each, but all the busy ones are one
# worker's: some of those move to the other, and no client notices. Then they
# stay where they are.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use List::Util qw(sum);
use Test::More;
use Holdfast;

plan skip_all => 'no gcc here' unless has_program('gcc');

my $program = Holdfast::Dir->new->path('load');

system('gcc', '-std=gnu11', '-D_GNU_SOURCE', '-O2', '-o', $program,
	"$FindBin::Bin/../scripts/bench/load.c") == 0 or die 'no load';

my ($n, $n_busy) = (32, 8);
my $s = Holdfast->start(files => { 'www/a' => 'x' x 300_000 }, conf => <<'E');
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E

sub rows () { return $s->worker_rows }
sub even () { return abs((rows())[0]{connections} - $n / 2) <= 2 }

my $load = Holdfast::Command->new([$program, '-c', $n, '-u', '/a',
	split /:/, $s->address('http')], input => 'pipe');

# What it says next.
sub said () {
	state $seen = 0;
	my $line = wait_until {
		my @lines = split /^/, $load->out;

		@lines > $seen && $lines[$seen] =~ /\n/ ? $lines[$seen] : undef;
	} 'the load to say something';

	$seen++;
	return $line;
}

like said(), qr/ready/, "$n connections";
ok eval { wait_until { even() } 'x' }, 'each worker has as many';

# Which worker answers on which connection.
my @of = ([], []);

for my $i (0 .. $n - 1) {
	my @before = map { $_->{requests} } rows();

	$load->write("ask $i\n");
	like said(), qr/asked/ if $i == 0;
	said() if $i > 0;
	my @after = map { $_->{requests} } rows();

	push $of[$after[1] > $before[1]]->@*, $i;
}
cmp_ok scalar $of[0]->@*, '>=', $n_busy, 'one has enough to choose from';

# Two seconds of requests on the busy ones, and how many of them the other
# worker answered. Nobody may have noticed.
sub work () {
	my $before = (rows())[1]{requests};

	$load->write("seconds 2\ngo @{$of[0]}[0 .. $n_busy - 1]\n");
	my $r = JSON::PP::decode_json(said());

	is_deeply [map { $r->{$_} } qw(wrong lost closed told refused)],
		[0, 0, 0, 0, 0], "$r->{requests} requests that nobody noticed";
	return ((rows())[1]{requests} - $before) / $r->{requests};
}

# On a machine that others use, the clients may be what is slow.
my $share = 0;

for (1 .. 10) {
	last if ($share = work()) > 0.1;
}
cmp_ok $share, '>', 0.1, 'the other worker takes its part';

# While nobody works, the counts become even again; then nothing moves.
ok eval { wait_until { even() } 'x' }, 'each has as many again';
my $moved = sum map { $_->{handed_in} } rows();

work();
$moved = sum(map { $_->{handed_in} } rows()) - $moved;
cmp_ok $moved, '<', $n, "$moved moved later: they do not come and go";

$load->close_input;
$load->wait;
$s->finish;
done_testing;
