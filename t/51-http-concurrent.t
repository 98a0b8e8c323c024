# SPDX-License-Identifier: BSD-2-Clause
#
# Two hundred clients at once that do different things: none sees another's
# bytes, none waits for ever.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Poll qw(POLLIN POLLOUT POLLHUP POLLERR);
use Test::More;
use Holdfast;
use Holdfast::Proc qw(raise_nofile);

my $large = join '', map { sprintf "%07d\n", $_ } 1 .. 40_000;
my $s = Holdfast->start(files => {
	'www/small' => "small\n",
	'www/large' => $large,
}, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/q"; handler = "respond"; body = "<${query.n}>"; },
  { path = "/f"; handler = "respond"; body = "[${form.n}]"; }
); } );
E

raise_nofile();
my $clients = scaled(200);
my $rounds = 20;

# What client $i asks in round $n, and all of what comes back but the heads:
# [request, [[method, status, body], ...], closes]
sub ask ($i, $n) {
	my $id = "$i-$n";
	my $get = sub ($target, @more) {
		return Holdfast::Client->request_text('GET', $target, \@more);
	};
	my $form = Holdfast::Client->request_text('POST', '/f',
		['Content-Type' => 'application/x-www-form-urlencoded'],
		"n=$id");

	return (
		sub { [$get->('/small'), [['GET', 200, "small\n"]]] },
		sub { [$get->('/large'), [['GET', 200, $large]]] },
		sub { [$get->("/q?n=$id"), [['GET', 200, "<$id>"]]] },
		sub { [$form, [['POST', 200, "[$id]"]]] },
		sub { [$get->("/none/$id"), [['GET', 404, undef]]] },
		sub { [Holdfast::Client->request_text('HEAD', '/large'),
			[['HEAD', 200, '']]] },
		sub { [$get->("/q?n=$id") . $form . $get->('/small'),
			[['GET', 200, "<$id>"], ['POST', 200, "[$id]"],
			 ['GET', 200, "small\n"]]] },
		sub { [$get->("/q?n=$id", Connection => 'close'),
			[['GET', 200, "<$id>"]], 1] },
	)[($i * 3 + $n) % 8]->();
}

my @clients = map { { id => $_, round => 0 } } 1 .. $clients;
my $poll = IO::Poll->new;
my %by_fd;
my ($answers, @faults) = (0);
my $left = @clients;

sub begin ($client) {
	if (!$client->{c}) {
		$client->{c} = $s->client;
		$by_fd{fileno $client->{c}->socket} = $client;
	}
	my ($text, $expected, $closes) = ask($client->{id},
		$client->{round})->@*;

	$client->{expected} = [@$expected];
	$client->{closes} = $closes;
	$client->{c}->send($text);
	$poll->mask($client->{c}->socket => POLLIN);
}

sub drop ($client) {
	$poll->remove($client->{c}->socket);
	delete $by_fd{fileno $client->{c}->socket};
	$client->{c}->close;
	delete $client->{c};
}

# A whole response is there, without waiting.
sub complete ($client) {
	my $in = $client->{c}->buffered;
	my $end = index $in, "\r\n\r\n";

	return 0 if $end < 0;
	return 1 if $client->{expected}[0][0] eq 'HEAD';
	my ($n) = substr($in, 0, $end) =~ /^Content-Length: (\d+)/mi;

	return length($in) >= $end + 4 + ($n // 0);
}

sub next_step ($client) {
	while ($client->{expected}->@* && complete($client)) {
		my ($method, $status, $body) =
			(shift $client->{expected}->@*)->@*;
		my $r = $client->{c}->response($method);

		$answers++;
		push @faults, "client $client->{id}, round $client->{round}: "
			. $r->head if $r->status != $status
			|| defined $body && $r->body ne $body;
	}
	return if $client->{expected}->@* && !$client->{c}->has_ended;
	if ($client->{expected}->@*) {
		push @faults, "client $client->{id}: closed early";
		$client->{round} = $rounds;
	} elsif ($client->{c}->buffered ne '') {
		push @faults, "client $client->{id}: more than asked";
	}
	drop($client) if $client->{closes} || $client->{c}->has_ended;
	if (++$client->{round} >= $rounds) {
		drop($client) if $client->{c};
		$left--;
	} else {
		begin($client);
	}
}

begin($_) for @clients;
my $end = now() + patience();

while ($left && now() < $end) {
	$poll->poll(1) > 0 or next;
	for my $socket ($poll->handles(POLLIN | POLLHUP | POLLERR)) {
		my $fd = fileno $socket // next;	# closed meanwhile
		my $client = $by_fd{$fd} // next;

		1 while $client->{c}->pull;
		next_step($client);
	}
}
is $left, 0, 'every client got to its end';
is scalar @faults, 0, "$answers answers, all right"
	or diag join "\n", @faults[0 .. ($#faults < 9 ? $#faults : 9)];
wait_until { $s->status->{connections} == 0 } 'no connection to be left';
pass 'no connection is left';
my $totals = $s->status->{totals};

is $totals->{requests}, $answers, 'the server counted as many requests';

$s->finish;
done_testing;
