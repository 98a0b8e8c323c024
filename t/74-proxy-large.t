# SPDX-License-Identifier: BSD-2-Clause
#
# Large content of known length goes from one socket to the other without
# passing through the worker: every byte of it, for clients that are slower
# than the server too, and the worker keeps next to nothing of it.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Proc qw(anonymous_kb);

my $large = join '', map { sprintf "%07d\n", $_ } 1 .. 2 << 20;	# 16 MiB
my $half = 9 << 20;

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $target = $request->{target};

	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: ",
		length $large, "\r\n\r\n";
	print {$socket} $target eq '/broken' ? substr $large, 0, $half : $large;
	return $target ne '/broken';
});
my $s = Holdfast->start(conf => <<"E2");
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
E2
my ($worker) = $s->workers;

subtest 'all of it, and the connections go on' => sub {
	my $c = $s->client;

	for my $n (1 .. 3) {
		my $r = $c->get('/');

		is $r->status, 200, "response $n";
		ok $r->body eq $large, 'every byte in its place';
	}
	my %connections = map { $_->{connection} => 1 } $b->requests;

	is scalar keys %connections, 1, 'on one connection to the server';
};

subtest 'clients that do not read' => sub {
	my $before = anonymous_kb($worker);
	my @slow = map {
		my $c = $s->client(undef, rcvbuf => 4096);

		$c->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
		$c->more;
		$c;
	} 1 .. 6;
	my $last = -1;

	wait_until {
		my $now = $s->status->{totals}{bytes_out} // die 'no bytes_out';
		my $is_still = $now == $last;

		$last = $now;
		$is_still;
	} 'what the kernel takes to be taken';
	cmp_ok anonymous_kb($worker) - $before, '<', 6 * 512,
		'take little of the worker';
	ok $_->response->body eq $large, 'and get every byte when they do'
		for @slow;
};

subtest 'content that breaks off' => sub {
	my $c = $s->client;

	$c->send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
	my $got = $c->read_to_end;

	$got =~ s/.*?\r\n\r\n//s;
	cmp_ok length $got, '<=', $half, 'no more than there was';
	ok $got eq substr($large, 0, length $got), 'of the right bytes';
	$s->wait_log(qr{cut short: upstream app});
};

$s->allow_log(qr{cut short: upstream app});
$s->finish;
done_testing;
