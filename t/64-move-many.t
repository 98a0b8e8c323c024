# SPDX-License-Identifier: BSD-2-Clause
#
# Thousands of idle connections move to the new workers of a reload in less
# than a second, and each works when it is used again.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(raise_nofile anonymous_kb alive);

my $limit = raise_nofile();
my $n = scaled(10_000);

$n = $limit - 200 if $n > $limit - 200;
plan skip_all => "only $limit files may be open" if $n < 200;

sub conf ($body) {
	return <<"E";
limits = { connections = 100000; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "$body \${query.x}"; } ); } );
E
}

my $s = Holdfast->start(conf => conf('old'));

# Milliseconds; of the same day, at least.
sub time_of ($line) {
	my ($h, $m, $s) = $line->{time} =~ /T(\d+):(\d+):([\d.]+)Z/;

	return (($h * 60 + $m) * 60 + $s) * 1000;
}

# One request on each, all at the same time: how many answers were right.
sub ask_all ($body, @clients) {
	my $good = 0;

	$clients[$_]->send(Holdfast::Client->request_text('GET', "/?x=$_"))
		for 0 .. $#clients;
	for my $i (0 .. $#clients) {
		my $r = $clients[$i]->response;

		$good++ if $r->body eq "$body $i" && !$r->closes;
	}
	return $good;
}

my @clients;

# In portions that the accept queue has room for.
while (@clients < $n) {
	my $more = $n - @clients > 1000 ? 1000 : $n - @clients;
	my @some = map { $s->client } 1 .. $more;

	ask_all('old', @some) == @some or die 'no good beginning';
	push @clients, @some;
}
is $s->status->{connections}, $n, "$n connections are open";
my @old = $s->workers;

my @took;

for my $generation (2 .. 4) {
	my @before = $s->workers;

	$s->reload(conf("new$generation"));
	my $from = $s->wait_log(qr/generation $generation serves/);
	my $gone = $s->wait_log(
		qr/generation @{[$generation - 1]} is gone/);

	push @took, (time_of($gone) - time_of($from)) % 86_400_000;
	is scalar(grep { alive($_) } @before), 0,
		"generation $generation: the old workers are gone";
	wait_until { $s->status->{connections} == $n }
		'all connections to be with the new';
	# No reload waits for requests; this one had none.
	last if $took[-1] < 1000;
}
my ($best) = sort { $a <=> $b } @took;

# A machine that is busy with other tests may need more than one trial.
cmp_ok $best, '<', 1000 * slow(), "$n connections moved in $best ms"
	or diag "@took";
my $body = 'new' . $s->status->{generation};

is ask_all($body, @clients), $n, 'the next request on each is answered';
is scalar(grep { $_->ended } @clients), 0, 'none was closed';
my @rows = $s->worker_rows;
my $handed = 0;

$handed += $_->{handed_in} for @rows;
cmp_ok $handed, '>=', $n, 'status says that they were handed in';
is $s->status->{totals}{accepted}, $n, 'and that none was accepted anew';

SKIP: {
	skip 'memory of sanitizers is not the server\'s', 1
		if binary_has_sanitizers();
	for my $row (@rows) {
		my $kb = anonymous_kb($row->{pid});

		# Under 256 bytes each, tables, and buffers that were in use.
		cmp_ok $kb, '<', 4096 + $row->{connections} * 0.6,
			"$row->{connections} connections in $kb kB";
	}
}
$_->close for @clients;
wait_until { $s->status->{connections} == 0 } 'all to be gone';

$s->finish;
done_testing;
