# SPDX-License-Identifier: BSD-2-Clause
#
# Protocol stream: bytes go to a server and back, ends and resets too, each in
# its direction; servers that cannot be reached; silence; and what the log says.
use v5.36;
use Errno qw(ECONNRESET);
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;
use Holdfast::StreamServer;

# What the client sends says what the server does.
my $server = Holdfast::StreamServer->new(sub ($c) {
	my $line = Holdfast::StreamServer::line($c);

	if ($line =~ /^echo/) {
		while (sysread $c, my $bytes, 65536) { print {$c} $bytes }
		print {$c} 'bye'; # after the client's end
	} elsif ($line =~ /^first/) { # it ends first, and goes on reading
		print {$c} 'said';
		shutdown $c, 1;
		my $got = '';

		1 while sysread $c, $got, 65536, length $got;
		Holdfast::StreamServer::note($got);
	} elsif ($line =~ /^reset/) {
		Holdfast::StreamServer::reset($c);
	} elsif ($line =~ /^last words/) { # with bytes that it has not read
		sysread $c, my $bytes, 1;
		print {$c} 'too many connections';
		close $c;
	} elsif ($line =~ /^wait/) {
		my $got = sysread $c, my $bytes, 65536;

		Holdfast::StreamServer::note(defined $got ? "end $got" : "error $!");
	}
});
my $unix = Holdfast::StreamServer->new(sub ($c) {
	while (sysread $c, my $bytes, 65536) { print {$c} "<$bytes>" }
}, unix => 1);
my $dead = $server->dead_address;

my $s = Holdfast->start(conf => <<"E");
workers = 1;
log = { access = "%%DIR%%/access.log"; format = "json"; };
listeners = (
  { address = "127.0.0.1:%%PORT_main%%"; protocol = "stream"; upstream = "main"; },
  { address = "127.0.0.2:%%PORT_unix%%"; protocol = "stream"; upstream = "unix"; },
  { address = "127.0.0.3:%%PORT_dead%%"; protocol = "stream"; upstream = "dead"; },
  { address = "127.0.0.4:%%PORT_some%%"; protocol = "stream"; upstream = "some"; },
  { address = "127.0.0.5:%%PORT_idle%%"; protocol = "stream"; upstream = "main";
    idle_timeout = "1s"; },
  { address = "127.0.0.6:%%PORT_full%%"; protocol = "stream"; upstream = "full"; }
);
upstreams = (
  { name = "main"; servers = ( { address = "$server->{address}"; } ); },
  { name = "unix"; servers = ( { address = "$unix->{address}"; } ); },
  { name = "dead"; servers = ( { address = "$dead"; } ); },
  { name = "some"; servers = ( { address = "$dead"; }, { address = "$server->{address}"; } ); },
  { name = "full"; servers = ( { address = "$server->{address}"; max_connections = 1; } ); }
);
E

my $lines = 0;

# The next line of the access log.
sub logged () {
	my @lines;

	wait_until {
		@lines = split /\n/, $s->dir->read('access.log') // '';
		@lines > $lines;
	} 'a line in the access log', 20;
	return JSON::PP::decode_json($lines[$lines++]);
}

# A connection that is refused: a reset, which the client may see before it is
# connected.
sub is_refused ($name) {
	my $c = Holdfast::Client->try($s->address($name));

	return $! == ECONNRESET if !$c;
	return $c->read_to_end eq '' && $c->was_reset;
}

subtest 'both ways' => sub {
	my $c = $s->client('main');

	$c->send("echo\n");
	for my $n (1, 1000, 100_000, 3_000_000) {
		my $bytes = join '', map { chr(($_ * 7 + ($_ >> 8)) % 256) } 1 .. $n;

		$c->send($bytes);
		ok $c->read_bytes($n) eq $bytes, "$n bytes";
	}
	$c->finish_sending;
	is $c->read_to_end, 'bye', 'after the end of the client';
	ok !$c->was_reset, 'which is an end';
	my $line = logged();

	is_deeply [$line->@{qw(method target protocol status bytes)}],
		['STREAM', 'main', 'stream', 200, 3_101_004], 'a line';
	is_deeply $line->{stream}, { bytes_in => 3_101_006, end => 'client_closed' };
	is $line->{upstream}{server}, $server->{address};
	is $line->{upstream}{tries}, 1;
	ok $line->{upstream}{times_us}{connect} > 0, 'with times';
};

subtest 'the server ends first' => sub {
	my $c = $s->client('main');

	$c->send("first\n");
	is $c->read_to_end, 'said';
	$c->send('still heard');
	$c->close;
	is $server->noted, 'still heard', 'the other direction went on';
	is logged()->{stream}{end}, 'server_closed';
};

subtest 'resets' => sub {
	my $c = $s->client('main');

	$c->send("reset\n");
	is $c->read_to_end, '';
	ok $c->was_reset, 'of the server is one for the client';
	is logged()->{stream}{end}, 'server_reset';
	$c = $s->client('main');
	$c->send("wait\n");
	wait_until { ($s->status->{upstreams}[0]{servers}[0]{active} // 1) >= 1 } 'the server';
	$server->wait_accepted(4);
	$c->reset;
	like $server->noted, qr/^error .*reset/, 'and the other way round';
	is logged()->{stream}{end}, 'client_reset';
	$c = $s->client('main');
	$c->send("last words\n" . 'x' x 5_000_000);
	is $c->read_to_end, 'too many connections', 'what was said before it arrives';
	is logged()->{stream}{end}, 'server_reset';
};

subtest 'a Unix socket' => sub {
	my $c = $s->client('unix');

	$c->send('abc');
	is $c->read_bytes(5), '<abc>';
	$c->finish_sending;
	is $c->read_to_end, '';
	is logged()->{upstream}{server}, $unix->{address};
};

subtest 'a dead server' => sub {
	ok is_refused('dead'), 'is a reset';
	$s->wait_log(qr/127\.0\.0\.1:\d+: stream on 127\.0\.0\.3:\d+ closed: upstream dead, server \Q$dead\E: connect: Connection refused/);
	my $line = logged();

	is $line->{status}, 502;
	is $line->{stream}{end}, 'refused';
	$s->expect_log(qr/stream on .* closed/, qr/not asked for 1 s/);
	for (1 .. 4) {
		my $some = $s->client('some');

		$some->send("echo\nx");
		is $some->read_bytes(1), 'x', 'another one is asked';
	}
	is $s->status->{totals}{streams_refused}, 1, 'counted';
};

subtest 'max_connections' => sub {
	my $c = $s->client('full');

	$c->send("echo\nx");
	is $c->read_bytes(1), 'x';
	ok is_refused('full'), 'one more is refused';
	$s->wait_log(qr/upstream full: choice: every server is at its max_connections/);
};

subtest 'silence' => sub {
	my $c = $s->client('idle');
	my $begun = now();

	$c->send("echo\nx");
	is $c->read_bytes(1), 'x';
	is $c->read_to_end, '', 'ends it';
	cmp_ok now() - $begun, '>', 0.9, 'after idle_timeout';
	wait_until { ($s->dir->read('access.log') // '') =~ /"end":"idle"/ } 'the log to say so';
};

$s->finish;
done_testing;
