# SPDX-License-Identifier: BSD-2-Clause
#
# WebSockets and a stream of events of a Node server, while holdfast reloads and
# is upgraded: no socket is closed, every message comes back in order, and no
# event is missing. Beside them nginx is asked all the time.
#
# HOLDFAST_TEST_LONG=1: 500 sockets, 20 reloads, 3 upgrades.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Background;
use Holdfast::Dir;
use Holdfast::RealServer;
use Holdfast::Storm;
use Holdfast::Upgraded;
use Holdfast::WebSocket;

my $long = $ENV{HOLDFAST_TEST_LONG};
my ($reloads, $upgrades, $pause) = $long ? (20, 3, 1.5) : (4, 1, 0.4);
my $n_sockets = scaled($long ? 500 : 40);
my $dir = Holdfast::Dir->new;
my $text = join '', map { sprintf "%07d\n", $_ } 1 .. 1000;

chmod 0755, $dir->path;
$dir->write('file.txt', $text);
my $node = Holdfast::RealServer->node;
my $nginx = Holdfast::RealServer->nginx($dir->path);

sub conf ($n) {
	return <<"E";
workers = 2;
timeouts = { drain = "1s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "node"; servers = ( { address = "$node->{address}"; } ); },
  { name = "nginx"; servers = ( { address = "$nginx->{address}"; } ); } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "node"; },
  { path = "/file.txt"; handler = "proxy"; upstream = "nginx"; },
  { path = "/g$n"; handler = "respond"; body = "$n"; } ); } );
E
}

my $s = Holdfast::Upgraded->of(Holdfast->start(conf => conf(0)));

first_upgrade($s);
my @sockets = map { $s->client } 1 .. $n_sockets;
my $events = $s->client;

ws_begin($_, '/echo') for @sockets;
ws_begun($_) for @sockets;
$events->send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");

sub message ($i, $n) {
	return "<$i $n " . 'x' x ($n * 37 % 900) . '>';
}

# Three messages are under way on each socket.
sub echo_load ($stopping, @sockets) {
	my ($n, %faults) = (0);

	until ($stopping->()) {
		my @open = grep { !$faults{$_} } 0 .. $#sockets;

		for my $i (@open) {
			$sockets[$i]->send(join '',
				map { ws_frame(message($i, $n + $_)) } 1 .. 3);
		}
		for my $i (@open) {
			for my $k (1 .. 3) {
				my $got = eval { ws_message($sockets[$i]) } // "$@";

				next if $got eq message($i, $n + $k);
				$faults{$i} //= "message $n + $k: $got";
				last;
			}
		}
		$n += 3;
		sleep 0.01;
	}
	return { rounds => $n, faults => \%faults };
}

sub event_load ($stopping, $c) {
	my ($n, $in) = (0, '');
	my $head = $c->read_until("\r\n\r\n");

	return { n => 0, fault => $head } unless $head =~ m{\AHTTP/1\.1 200 };
	until ($stopping->()) {
		return { n => $n, fault => 'the end' } unless $c->more(1);
		$in .= $c->read_bytes(length $c->buffered);
		while ($in =~ s/\A(?:[0-9a-f]+\r\n)?data: (\d+)\n\n(?:\r\n)?//) {
			return { n => $n, fault => "$1 after $n" } if $1 != ++$n;
		}
	}
	return { n => $n };
}

# Connections of their own, and one that is kept.
sub file_load ($stopping) {
	my ($n, $c) = (0);

	until ($stopping->()) {
		$c = $s->client if $n % 10 == 0;
		my $r = eval { $c->get('/file.txt') };

		return { n => $n, fault => "$@" } unless $r;
		return { n => $n, fault => $r->status } if $r->status != 200;
		return { n => $n, fault => 'the content' } if $r->body ne $text;
		# Its worker may be leaving.
		$n += $r->closes ? 10 - $n % 10 : 1;
	}
	return { n => $n };
}

my @load = (
	Holdfast::Background->new(sub ($stopping) {
		return echo_load($stopping, @sockets);
	}, keep => [map { $_->socket } @sockets]),
	Holdfast::Background->new(sub ($stopping) {
		return event_load($stopping, $events);
	}, keep => [$events->socket]),
	Holdfast::Background->new(\&file_load),
);

$_->close for @sockets, $events;
storm($s, reloads => $reloads, upgrades => $upgrades, pause => $pause,
	patience => $long ? 30 : 10, conf => \&conf);
$_->stop for @load;
my ($echo, $event, $file) = map { $_->finished } @load;

is_deeply $echo->{faults}, {}, "$n_sockets sockets, each with $echo->{rounds} "
	. 'messages: none was closed, all came back in order';
cmp_ok $echo->{rounds}, '>', 10, 'there were some';
is $event->{fault}, undef, "$event->{n} events, none is missing";
cmp_ok $event->{n}, '>', 20, 'there were some';
is $file->{fault}, undef, "$file->{n} files, all whole";
$s->wait_workers(2);
is $s->status->{totals}{handoff_damaged}, 0, 'no message was damaged';
is scalar($s->logged(qr/: cut: /)), 0, 'nobody was cut';
$s->finish;
done_testing;
