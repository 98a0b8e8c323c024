# SPDX-License-Identifier: BSD-2-Clause
#
# 2,000 echo clients at once with 1 MB each: every byte comes back.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(raise_nofile rss_kb);

# t/tools/echo_load.c, as the build made it, or made here.
sub generator () {
	my $built = (Holdfast::build() // '') . '/t/tools/echo_load';

	return $built if -x $built;
	my $cc = $ENV{CC} // 'cc';

	return undef unless has_program($cc =~ s/ .*//r);
	my $made = Holdfast::Dir->new->path('echo_load');

	system("$cc -O2 -o $made " . Holdfast::top()
		. '/t/tools/echo_load.c') == 0 or return undef;
	return $made;
}

my $generator = generator() // plan skip_all => 'no compiler here';
my $files = raise_nofile();
my $clients = scaled(2000);

$clients = $files - 100 if $clients > $files - 100;
my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_echo%%"; protocol = "echo"; } );
E
my @before = map { rss_kb($_) } $s->workers;
my ($exit, $out, $err) = Holdfast::Command->new(
	[$generator, '127.0.0.1', $s->port, $clients, 1_000_000])
	->wait(4 * patience());

is $exit, 0, "$clients clients, 1 MB each" or diag $err;
like $out, qr/all back/, 'all back';
diag $out =~ s/\n//r;

# Each has a buffer or none; not its megabyte.
my @after = map { rss_kb($_) } $s->workers;

for my $i (0 .. $#after) {
	cmp_ok $after[$i] - $before[$i], '<', 400_000 * slow(),
		'a worker holds buffers, not contents';
}
my $totals = $s->status->{totals};

is $totals->{bytes_in}, $clients * 1_000_000, 'counted as it came';
is $totals->{bytes_out}, $clients * 1_000_000, 'counted as it went';
is $s->status->{connections}, 0, 'nobody is left';
is $totals->{respawns}, 0, 'no worker died';

$s->finish;
done_testing;
