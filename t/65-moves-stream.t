# SPDX-License-Identifier: BSD-2-Clause
#
# A stream moves to the new workers at any point: before its ClientHello, in the
# middle of it, while the server is being connected to, while bytes go both ways
# and both are held back, and after either side has ended; also to a configuration
# that has no listener, no upstream or no server for it. Neither side notices.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;
use Holdfast;
use Holdfast::Dir;
use Holdfast::Proc qw(alive);
use Holdfast::StreamServer;

my $dir = Holdfast::Dir->new;
my $large = join '', map { sprintf "%07d\n", $_ } 1 .. 1_600_000; # 12.8 MB

sub gate ($name) { wait_until { -e $dir->path($name) } "the gate $name" }

my $server = Holdfast::StreamServer->new(sub ($c) {
	my $line = Holdfast::StreamServer::line($c);

	if ($line =~ /^echo ?(\w*)/) {
		my $gate = $1;

		while (sysread $c, my $bytes, 65536) { print {$c} $bytes }
		gate($gate) if $gate;
		print {$c} 'bye';
	} elsif ($line =~ /^first/) { # ends first
		print {$c} 'said';
		shutdown $c, 1;
		my $got = '';

		1 while sysread $c, $got, 65536, length $got;
		Holdfast::StreamServer::note($got);
	} elsif ($line =~ /^large (\w+)/) { # sends, and reads only then
		my $gate = $1;
		my $got = '';

		# So much that it is spliced.
		sysread $c, $got, 65536, length $got until length $got >= 1_500_000;
		print {$c} $large;
		gate($gate);
		1 while sysread $c, $got, 65536, length $got;
		Holdfast::StreamServer::note($got eq $large ? 'all' : length $got);
	}
}, rcvbuf => 8192);
my $hello = Holdfast::StreamServer->new(sub ($c) {
	my $got = '';

	sysread $c, $got, 65536, length $got until length $got >= 52;
	print {$c} unpack 'H*', $got;
});

# One that is busy: the queue of its listening socket is full.
my $busy = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;

listen $busy, 0;
my @queue;

sub fill () {
	for (1 .. 8) {
		my $c = IO::Socket::INET->new(Blocking => 0,
			PeerAddr => '127.0.0.1', PeerPort => $busy->sockport);

		push @queue, $c if $c;
	}
}
fill();

my $top = <<'E';
workers = 1;
timeouts = { header = "20s"; drain = "1s"; };
log = { access = "%%DIR%%/access.log"; format = "${upstream} ${upstream.server} ${status} ${bytes} ${stream.bytes_in} ${stream.end}"; };
E
my $upstreams = <<"E";
upstreams = (
  { name = "main"; servers = ( { address = "$server->{address}"; } ); },
  { name = "hello"; servers = ( { address = "$hello->{address}"; } ); },
  { name = "busy"; servers = ( { address = "127.0.0.1:@{[$busy->sockport]}"; } );
    timeouts = { connect = "60s"; }; }
);
E
my $names = '{ address = "127.0.0.2:%%PORT_names%%"; protocol = "stream";'
	. ' by_name = ( { hosts = [ "*" ]; upstream = "hello"; } ); }';
my $conf = $top . $upstreams . <<"E";
listeners = (
  { address = "127.0.0.1:%%PORT_main%%"; protocol = "stream"; upstream = "main"; },
  $names,
  { address = "127.0.0.3:%%PORT_busy%%"; protocol = "stream"; upstream = "busy"; }
);
E
my %to = (
	'the same configuration' => $conf,
	'one without the server' => $conf
		=~ s/name = "(main|busy)"; servers = \( \{ address = "[^"]*"/name = "$1"; servers = ( { address = "127.0.0.9:9"/gr,
	'one without upstream and listener' => "$top$upstreams"
		=~ s/name = "(main|busy)"/name = "$1-2"/gr . "listeners = ( $names );\n",
);
my $s = Holdfast->start(conf => $conf);

# Two reloads, and the workers of before are gone, with drain = "1s".
sub move ($text) {
	for (1 .. 2) {
		my @old = $s->workers;

		$s->reload($text);
		wait_until { !grep { alive($_) } @old } 'the old workers to go', 20;
	}
}

my $body = pack('n', 0x303) . 'r' x 32 . pack('Cnn', 0, 2, 0x1301) . pack('CCn', 1, 0, 0);
my $first = pack 'Cnn/a*', 22, 0x301, pack('CCn', 1, 0, length $body) . $body;
my $n = 0;

for my $name (sort keys %to) {
	my $text = $to{$name};

	$n++;
	subtest "to $name" => sub {
		$s->reload($conf);
		my %c = map { $_ => $s->client('main') } qw(echo half first late);
		my %names = map { $_ => $s->client('names') } qw(silent part);
		my $slow = $s->client('main', rcvbuf => 8192);
		my $waits = $s->client('busy');

		$names{part}->send(substr $first, 0, 20);
		$waits->send("who\n");
		$c{$_}->send("echo\n") for qw(echo late);
		$c{half}->send("echo gate$n\n");
		$c{echo}->send('one ');
		is $c{echo}->read_bytes(4), 'one ', 'a stream';
		$c{half}->finish_sending;
		$c{first}->send("first\n");
		is $c{first}->read_bytes(4), 'said', 'one whose server has ended';
		$slow->send("large gate$n\n");
		wait_until { $s->status->{connections} >= 8 } 'all to be accepted';
		# Held back in both directions.
		my $sent = 0;

		wait_until {
			$sent += $slow->send_some(substr $large, $sent);
			$slow->pull;
			length $slow->buffered > 0;
		} 'the server to send, and to read no more';
		$sent += $slow->send_some(substr $large, $sent);
		move($text);
		$c{echo}->send('two ');
		is $c{echo}->read_bytes(4), 'two ', 'goes on';
		$c{first}->send('still heard');
		$c{first}->close;
		is $server->noted, 'still heard', 'after the end of the server';
		$c{late}->send('x' x 100_000);
		is length $c{late}->read_bytes(100_000), 100_000, 'much';

		$sent += $slow->send_some(substr $large, $sent);
		my $got = $slow->read_bytes(1_000_000);

		move($text);
		$dir->write("gate$n", '');
		is $c{half}->read_to_end, 'bye', 'after the end of the client';
		$sent += $slow->send(substr $large, $sent);
		$got .= $slow->read_bytes(length($large) - length $got);
		ok $got eq $large, 'every byte to a slow client';
		is $sent, length $large, 'which has sent its own';
		$slow->finish_sending;
		is $server->noted, 'all', 'every byte to a slow server';

		$names{silent}->send($first);
		$names{part}->send(substr $first, 20);
		is $names{$_}->read_to_end, unpack('H*', $first), "$_ before its ClientHello"
			for qw(silent part);

		# Room for the one that is being connected.
		my $line;

		wait_until {
			my $c = $busy->accept;
			my $ready = '';

			vec($ready, fileno $c, 1) = 1;
			if (select $ready, undef, undef, 0.2) {
				sysread $c, $line, 100;
				syswrite $c, 'you' if $line;
			}
			$line;
		} 'the stream that was being connected', 60;
		is $line, "who\n", 'while the server was being connected to';
		is $waits->read_to_end, 'you', 'both ways';
		$waits->close;
		@queue = ();
		$busy->blocking(0);
		1 while $busy->accept;
		$busy->blocking(1);
		fill();
		$_->close for $c{echo}, $c{late}, $slow;
	};
}

my $log = sub { $s->dir->read('access.log') // '' };

wait_until { (() = $log->() =~ /^main /mg) >= 15 } 'the access log';
unlike $log->(), qr/cut$/m, 'nothing was cut';
like $log->(), qr/^main \Q$server->{address}\E 200 12800000 128000\d+ client_closed$/m,
	'the log counts all bytes';
is $s->status->{totals}{handoff_damaged}, 0, 'no message was damaged';
$s->finish;
done_testing;
