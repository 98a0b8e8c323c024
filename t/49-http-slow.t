# SPDX-License-Identifier: BSD-2-Clause
#
# Hundreds of clients that are as slow as they can: with heads (Slowloris),
# with bodies (RUDY) and in reading. Each is closed in time, and somebody else
# is served beside them as if they were not there.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Background;
use Holdfast::Proc qw(raise_nofile);

my $n = scaled(300);

raise_nofile() > $n + 200 or plan skip_all => 'too few files may be open';

my $s = Holdfast->start(files => { 'www/a' => "a\n" },
	prepare => sub ($dir) {
		my $path = $dir->write('www/big', '');

		truncate $path, 64 << 20;
	}, conf => <<'E2');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
timeouts = { header = "1500ms"; body = "1500ms"; send = "1500ms"; };
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/form"; handler = "respond"; body = "[${form.x}]"; }
); } );
E2

# What each kind sends at first, and then ten times a second; or what it reads.
my %kinds = (
	'slow heads' => { begin => "GET /a HTTP/1.1\r\nHost: a\r\n",
		piece => "X-a: b\r\n", told => qr/^HTTP\/1\.1 408 / },
	'slow bodies' => { begin => "POST /form HTTP/1.1\r\nHost: a\r\n"
		. "Content-Type: application/x-www-form-urlencoded\r\n"
		. "Content-Length: 8192\r\n\r\n",
		piece => 'x', told => qr/^HTTP\/1\.1 408 / },
	'slow chunks' => { begin => "POST /form HTTP/1.1\r\nHost: a\r\n"
		. "Content-Type: application/x-www-form-urlencoded\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n",
		piece => "1\r\nx\r\n", told => qr/^HTTP\/1\.1 408 / },
	'slow reading' => { begin => "GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
		reads => 1 },
);

# All attackers of a kind, in a process of their own: how long the last was
# let live, and how many were told why.
sub attack ($kind, $stopping) {
	my ($begin, $piece, $told) = $kind->@{qw(begin piece told)};
	my $start = now();
	my @left = map { $s->client(undef, rcvbuf => 4096) } 1 .. $n;
	my $n_told = 0;

	$_->send_some($begin) for @left;
	while (@left && !$stopping->() && now() < $start + patience()) {
		sleep 0.1;
		for my $c (@left) {
			if ($kind->{reads}) {
				sysread $c->socket, my $byte, 1;
				next;
			}
			$c->send_some($piece);
			$c->pull;
		}
		for my $c (grep { $_->has_ended } @left) {
			$n_told++ if $told && $c->buffered =~ $told;
			$c->close;
		}
		@left = grep { !$_->has_ended } @left;
		# Who reads does not see an end that is far off.
		last if $kind->{reads} && $s->status->{connections} < 2;
	}
	return { took => now() - $start, left => scalar @left,
		told => $n_told };
}

# Milliseconds of requests one after another, in order.
sub latencies ($c, $goes_on) {
	my @ms;
	my $end = now() + patience();

	while (@ms % 20 || @ms < 100 || $goes_on->()) {
		my $start = now();

		$c->get('/a')->status == 200 or die "not served\n";
		push @ms, (now() - $start) * 1000;
		die "the attackers are not closed\n" if now() > $end;
		sleep 0.002;
	}
	return sort { $a <=> $b } @ms;
}

for my $name (sort keys %kinds) {
	my $kind = $kinds{$name};
	my $c = $s->client;
	my $until = now() + 0.3;
	my @before = latencies($c, sub { now() < $until });
	my $attack = Holdfast::Background->new(
		sub ($stopping) { attack($kind, $stopping) });

	wait_until { $s->status->{connections} > $n } "$name to begin";
	my @beside = latencies($c, sub { $s->status->{connections} > 1 });
	my $result = $attack->finished;
	my ($p50, $p99) = map { $beside[$_ * $#beside] } 0.5, 0.99;

	diag sprintf '%s: p50 %.2f ms, p99 %.2f ms; without %.2f, %.2f',
		$name, $p50, $p99, map { $before[$_ * $#before] } 0.5, 0.99
		if $ENV{HOLDFAST_TEST_VERBOSE};
	cmp_ok $result->{took}, '<', 4 + 4 * slow(), "$name: $n are closed";
	is $result->{told}, $n, 'and were told' if $kind->{told};
	# Room for a busy machine; not for waiting until one of them ends.
	cmp_ok $p50, '<', 5 * slow(), 'another is served meanwhile';
	cmp_ok $p99, '<', 200 * slow(), 'every time';
	$c->close;
	wait_until { $s->status->{connections} == 0 } 'all to be gone';
}

$s->finish;
done_testing;
