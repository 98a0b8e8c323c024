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
# What is compressed for each answer costs the server far more than the client,
# so that it is the server that is busy, also on a machine that others use.
my ($short, $text) = map { join ' ', map { $_ * $_ } 1 .. $_ } 300, 3000;
my $s = Holdfast->start(conf => <<"E");
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/short"; handler = "respond"; compress = [ "gzip" ];
    body = "$short"; },
  { path = "/text"; handler = "respond"; compress = [ "gzip" ];
    body = "$text"; } ); } );
E

sub rows () { return $s->worker_rows }
sub even () { return abs((rows())[0]{connections} - $n / 2) <= 2 }

# The clients, once each worker has as many as the other.
my $load;

sub start_load (@options) {
	$load = Holdfast::Command->new([$program, '-c', $n, @options,
		split /:/, $s->address('http')], input => 'pipe');
	like said(), qr/ready/, "$n connections";
	ok eval { wait_until { even() } 'x' }, 'each worker has as many';
}

sub end_load () {
	$load->close_input;
	$load->wait;
	wait_until { !grep { $_->{connections} } rows() } 'them to go';
}

# What it says next.
sub said () {
	state %seen;
	my $line = wait_until {
		my @lines = split /^/, $load->out;
		my $seen = $seen{$load->pid} // 0;

		@lines > $seen && $lines[$seen] =~ /\n/ ? $lines[$seen] : undef;
	} 'the load to say something';

	$seen{$load->pid}++;
	return $line;
}

# Some connections that the first worker answers.
sub choose_busy () {
	my @of = ([], []);

	for my $i (0 .. $n - 1) {
		my @before = map { $_->{requests} } rows();

		$load->write("ask $i\n");
		said() =~ /asked/ or die 'no answer';
		my @after = map { $_->{requests} } rows();

		push $of[$after[1] > $before[1]]->@*, $i;
	}
	cmp_ok scalar $of[0]->@*, '>=', $n_busy,
		'one has enough to choose from';
	return $of[0]->@[0 .. $n_busy - 1];
}

# Seconds of requests on these, and how many of them the other worker
# answered. Nobody may have noticed.
sub work ($seconds, @busy) {
	my $before = (rows())[1]{requests};

	$load->write("seconds $seconds\ngo @busy\n");
	my $r = JSON::PP::decode_json(said());

	is_deeply [map { $r->{$_} } qw(wrong lost closed told refused)],
		[0, 0, 0, 0, 0], "$r->{requests} requests that nobody noticed";
	return ((rows())[1]{requests} - $before) / $r->{requests};
}

my $share = 0;

start_load('-u', '/short', '-h', 'Accept-Encoding: gzip');
my @busy = choose_busy();

for (1 .. 10) {
	last if ($share = work(2, @busy)) > 0.1;
}
cmp_ok $share, '>', 0.1, 'the other worker takes its part';

# While nobody works, the counts become even again; then nothing moves.
ok eval { wait_until { even() } 'x' }, 'each has as many again';
my $moved = sum map { $_->{handed_in} } rows();

work(2, @busy);
$moved = sum(map { $_->{handed_in} } rows()) - $moved;
cmp_ok $moved, '<', $n, "$moved moved later: they do not come and go";

end_load();

# Far more than one worker can answer: whenever it looks, the next request is
# there on each of its connections. They move all the same.
start_load('-u', '/text', '-h', 'Accept-Encoding: gzip');
$load->write("rate 20000\n");
for (1 .. 10) {
	last if ($share = work(0.5, choose_busy())) > 0.3;
	wait_until { even() } 'them to be even';
}
cmp_ok $share, '>', 0.3, 'connections that are always busy move, too';
end_load();
$s->finish;
done_testing;
