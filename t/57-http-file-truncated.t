# SPDX-License-Identifier: BSD-2-Clause
#
# A file cut short while it is being sent: what was promised cannot be kept,
# so the connection is closed before its end; and nothing else happens.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $size = 64 << 20;
my $s = Holdfast->start(files => { 'www/a' => "a\n",
	'www/small' => 's' x 8000 }, prepare => sub ($dir) {
		truncate $dir->write('www/big', ''), $size or die $!;
	}, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my ($worker) = $s->workers;
my $other = $s->client;

is $other->get('/a')->status, 200, 'another client';

subtest 'a big file' => sub {
	my $c = $s->client(undef, rcvbuf => 8192);

	$c->send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	my $head = $c->read_until("\r\n\r\n");

	like $head, qr/^Content-Length: $size\r$/mi, 'promised';
	$c->read_bytes(100_000);
	truncate $s->path('www/big'), 1 << 20 or die $!;
	my $start = now();
	my $got = length $c->read_to_end;

	cmp_ok $got, '<', $size - 100_000, 'is not kept: the end comes early';
	cmp_ok now() - $start, '<', 10 * slow(), 'at once';
	is $other->get('/a')->body, "a\n", 'the other goes on';
	# Until it is known to be shorter, more may be promised again.
	wait_until {
		my $r = eval { $s->get('/big') };

		$r && length $r->body == 1 << 20;
	} 'the new size';
	pass 'then the file is sent as it is now';
};

# The end of the file is found in the middle of a sendfile(2), which then sends
# less than it was asked to although the socket takes more.
subtest 'a file that ends a bit ahead of what was sent' => sub {
	truncate $s->path('www/big'), $size or die $!;
	wait_until {
		$s->client->request('HEAD', '/big')->field('content-length')
			== $size;
	} 'the new size';
	my $before = $s->status->{totals}{bytes_out};
	my $c = $s->client(undef, rcvbuf => 8192);
	my ($sent, $last) = (0, -1);

	$c->send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	# Until the socket is full.
	wait_until {
		$last = $sent;
		$sent = $s->status->{totals}{bytes_out} - $before;
		$sent > 0 && $sent == $last;
	} 'the socket to be full';
	truncate $s->path('www/big'), $sent + 50_000 or die $!;
	my $start = now();
	my $got = length $c->read_to_end;

	cmp_ok $got, '<=', $sent + 51_000, 'the end comes early';
	cmp_ok now() - $start, '<', 10 * slow(), 'at once';
	is $other->get('/a')->body, "a\n", 'the other goes on';
};

subtest 'a small file, served again and again' => sub {
	my $c = $s->client;

	$c->get('/small') for 1 .. 20;
	truncate $s->path('www/small'), 0 or die $!;
	# Until it is known to be shorter it may be sent as it was, or not
	# sent to its end: both are true. A crash is not.
	wait_until {
		my $r = eval { $c->get('/small') };

		if (!$r) {
			$c = $s->client;
			return 0;
		}
		$r->body eq '';
	} 'the file as it is now';
	is $other->get('/a')->body, "a\n", 'the other goes on';
};

is_deeply [$s->workers], [$worker], 'the worker is the same';
$other->close;
$s->finish;
done_testing;
