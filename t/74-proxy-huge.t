# SPDX-License-Identifier: BSD-2-Clause
#
# Much content, however it is framed, in both directions, past a side that is
# slow: the worker keeps no more of it than its buffers hold.
#
# HOLDFAST_TEST_LONG=1: 2 GiB down, 512 MiB up.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Backend;
use Holdfast::Proc qw(anonymous_kb);

plan skip_all => 'sanitizers have memory of their own' if binary_has_sanitizers();

my $long = $ENV{HOLDFAST_TEST_LONG};
my $piece = join '', map { sprintf "%07d\n", $_ } 1 .. 8192;	# 64 KiB
my $n_down = $long ? 32768 : 512;	# pieces
my $n_up = $long ? 8192 : 256;

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $target = $request->{target};

	if ($target eq '/up') { # read slowly
		my ($in, $left, $n) = (${$request->{in}}, $n_up * length $piece, 0);
		my $ok = 1;

		while ($left > 0) {
			length $in >= length $piece or
				sysread $socket, $in, 262144, length $in or return 0;
			while (length $in >= length $piece) {
				$ok &&= substr($in, 0, length $piece, '') eq $piece;
				$left -= length $piece;
				sleep 0.01 if ++$n % 16 == 0;
			}
		}
		${$request->{in}} = $in;
		my $text = $ok ? 'right' : 'wrong';

		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n$text";
		return 1;
	}
	print {$socket} "HTTP/1.1 200 OK\r\n", {
		'/length' => 'Content-Length: ' . $n_down * length($piece)
			. "\r\n\r\n",
		'/chunks' => "Transfer-Encoding: chunked\r\n\r\n",
		'/close' => "\r\n",
	}->{$target};
	for (1 .. $n_down) {
		print {$socket} $target eq '/chunks'
			? sprintf("%x\r\n%s\r\n", length $piece, $piece) : $piece
			or return 0;
	}
	print {$socket} "0\r\n\r\n" if $target eq '/chunks';
	return $target ne '/close';
}, unread => 1);

my $s = Holdfast->start(conf => <<"E");
workers = 1;
limits = { body = "1g"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
E
my ($worker) = $s->workers;
my $bound = 1024;	# KiB beside what it has at rest

sub check_memory ($before, $most) {
	my $now = anonymous_kb($worker) - $before;

	$$most = $now if $now > $$most;
}

# Reads the content, and looks at the worker now and then.
for my $path ('/length', '/close', '/chunks') {
	my $c = $s->client(undef, rcvbuf => 65536);
	my $before = anonymous_kb($worker);
	my ($n, $most, $in, $ok) = (0, 0, '', 1);

	$c->send("GET $path HTTP/1.0\r\nHost: h\r\n\r\n"); # the content as it is
	$c->read_until("\r\n\r\n");
	while ($n < $n_down) {
		$in .= $c->read_bytes(length $piece);
		$ok &&= $in eq $piece;
		$in = '';
		next if ++$n % 64;
		sleep 0.01;
		check_memory($before, \$most);
	}
	ok $ok, "$path: every byte of " . $n_down / 16 . ' MiB';
	ok $c->at_end, 'and the end';
	cmp_ok $most, '<', $bound, "with $most KiB of the worker's memory";
}

my $c = $s->client;
my $before = anonymous_kb($worker);
my $most = 0;

$c->send("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: "
	. $n_up * length($piece) . "\r\n\r\n");
for my $n (1 .. $n_up) {
	$c->send($piece);
	check_memory($before, \$most) if $n % 32 == 0;
}
is $c->response->body, 'right', 'up: every byte of ' . $n_up / 16 . ' MiB';
cmp_ok $most, '<', $bound, "with $most KiB";
$s->finish;
done_testing;
