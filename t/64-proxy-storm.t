# SPDX-License-Identifier: BSD-2-Clause
#
# Downloads and uploads that take their time, tunnels that echo, and a stream
# of events, each passed on to a server, while holdfast reloads and is upgraded
# with a timeouts.drain that is far too short for any of them: nothing is
# closed or lost, and every byte is right and in order. The upgrades are to a
# program whose formats differ, and back.
#
# HOLDFAST_TEST_LONG=1: 20 downloads at 1 MB/s, 20 uploads at 200 kB/s, 100
# tunnels, 30 reloads, 3 upgrades. t/64-websocket-storm.t has 500 sockets.
use v5.36;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Background;
use Holdfast::Backend;
use Holdfast::Slow qw(slow_job slow_load);
use Holdfast::Storm;
use Holdfast::Upgraded;

my $long = $ENV{HOLDFAST_TEST_LONG};
my ($reloads, $upgrades, $pause) = $long ? (30, 3, 1.6) : (6, 2, 0.4);
my $n_downloads = $long ? 20 : 6;
my $n_uploads = $long ? 20 : 6;
my $n_tunnels = scaled($long ? 100 : 50);

# Lines by number; without a list of them, whose memory each process of the
# server would have.
sub lines ($n) {
	my $text = '';

	$text .= sprintf "%07d\n", $_ for 1 .. $n;
	return $text;
}

my $file = lines($long ? 5_000_000 : 200_000);
my $upload = lines($long ? 1_000_000 : 30_000);

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $path = $request->{target};

	if ($path =~ m{^/down}) {
		print {$socket} "HTTP/1.1 200 OK\r\n", $path =~ /length/
			? 'Content-Length: ' . length($file) . "\r\n\r\n$file"
			: "Transfer-Encoding: chunked\r\n\r\n" . join('',
				map { sprintf "%x\r\n%s\r\n", length $_, $_ }
				unpack '(a7777)*', $file) . "0\r\n\r\n";
		return 1;
	}
	if ($path =~ m{^/up}) {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n",
			md5_hex($request->{body});
		return 1;
	}
	if ($path =~ m{^/events}) {
		print {$socket} "HTTP/1.1 200 OK\r\n"
			. "Content-Type: text/event-stream\r\n\r\n";
		for (my $n = 1; print {$socket} "data: $n\n\n"; $n++) {
			sleep 0.02;
		}
		return 0;
	}
	print {$socket} "HTTP/1.1 101 Switching Protocols\r\n"
		. "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n";
	while (sysread $socket, my $bytes, 65536) {
		print {$socket} $bytes;
	}
	return 0;
});

sub conf ($n) {
	return <<"E";
workers = 2;
limits = { body = "16m"; };
timeouts = { drain = "1s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/g$n"; handler = "respond"; body = "$n"; } ); } );
E
}

my $s = Holdfast::Upgraded->start(conf => conf(0));

first_upgrade($s);

sub request ($method, $target, $fields = [], $body = undef) {
	return Holdfast::Client->request_text($method, $target, $fields, $body);
}

sub open_tunnel () {
	my $c = $s->client;

	$c->send("GET /tunnel HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
		. "Upgrade: echo\r\n\r\n");
	my $head = $c->read_until("\r\n\r\n");

	die "no tunnel: $head" unless $head =~ m{\AHTTP/1\.1 101 };
	return $c;
}

my $chunked = join('', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
	unpack '(a5555)*', $upload) . "0\r\n\r\n";
my %wanted = (down => md5_hex($file), up => md5_hex(md5_hex($upload)));
my @kinds = (
	(map { [request('GET', $_ % 2 ? '/down-length' : '/down-chunks'),
		name => 'down', rate => $long ? 1e6 : 500_000] }
		1 .. $n_downloads),
	(map { [$_ % 2 ? request('POST', '/up', [], $upload)
		: "POST /up HTTP/1.1\r\nHost: h\r\n"
			. "Transfer-Encoding: chunked\r\n\r\n$chunked",
		name => 'up', rate => 1e6, send_rate => 200_000] }
		1 .. $n_uploads),
);
# One after the other: for each the server has to begin a process.
my @tunnels = map { open_tunnel() } 1 .. $n_tunnels;
my @clients = map { $s->client(undef, rcvbuf => 65536) } @kinds;
my @jobs = map { slow_job($clients[$_], $kinds[$_]->@*) } 0 .. $#kinds;
my $events = $s->client;

$events->send(request('GET', '/events'));

# Messages that go round; one that does not come back as it went is a fault.
sub echo_load ($stopping, @tunnels) {
	my ($n, %faults) = (0);

	until ($stopping->()) {
		my @open = grep { !$faults{$_} } 0 .. $#tunnels;

		$n++;
		for my $i (@open) {
			$tunnels[$i]->send("<$i $n " . 'x' x ($n * 37 % 900) . '>');
		}
		for my $i (@open) {
			my $text = "<$i $n " . 'x' x ($n * 37 % 900) . '>';
			my $got = eval { $tunnels[$i]->read_bytes(length $text) }
				// "$@";

			$faults{$i} = "message $n: $got" if $got ne $text;
		}
		sleep 0.01;
	}
	return { rounds => $n, faults => \%faults };
}

sub event_load ($stopping, $c) {
	my $n = 0;
	my $head = $c->read_until("\r\n\r\n");
	my $in = '';

	until ($stopping->()) {
		return { n => $n, fault => 'the end' } unless $c->more(1);
		$in .= $c->read_bytes(length $c->buffered);
		# As they are: each piece is a chunk.
		while ($in =~ s/\A(?:[0-9a-f]+\r\n)?data: (\d+)\n\n(?:\r\n)?//) {
			return { n => $n, fault => "$1 after $n" } if $1 != ++$n;
		}
	}
	return { n => $n };
}

my @load = (
	Holdfast::Background->new(sub ($stopping) {
		return slow_load($stopping, @jobs);
	}, keep => [map { $_->socket } @clients]),
	Holdfast::Background->new(sub ($stopping) {
		return echo_load($stopping, @tunnels);
	}, keep => [map { $_->socket } @tunnels]),
	Holdfast::Background->new(sub ($stopping) {
		return event_load($stopping, $events);
	}, keep => [$events->socket]),
);

$_->close for @clients, @tunnels, $events;

storm($s, reloads => $reloads, upgrades => $upgrades, pause => $pause,
	patience => $long ? 30 : 10, conf => \&conf);
$_->stop for @load;
my ($slow, $echo, $event) = map { $_->finished } @load;

for my $job ($slow->{jobs}->@*) {
	my $name = $job->{name};

	is $job->{fault}, undef, "$name: nothing is lost or closed";
	is scalar(grep { $_ ne $wanted{$name} } $job->{sums}->@*), 0,
		'every byte is right, ' . $job->{sums}->@* . ' times';
}
is_deeply $echo->{faults}, {}, "$n_tunnels tunnels, each with $echo->{rounds} "
	. 'messages, all came back';
is $event->{fault}, undef, "$event->{n} events, none is missing";
cmp_ok $event->{n}, '>', 20, 'there were some';
$s->wait_workers(2);
is $s->status->{totals}{handoff_damaged}, 0, 'no message was damaged';
is scalar($s->logged(qr/: cut: /)), 0, 'nobody was cut';
$s->finish;
done_testing;
