# SPDX-License-Identifier: BSD-2-Clause
#
# A tunnel that is silent takes a few hundred bytes of its worker, and is the
# same tunnel when it goes on: for both sides, for the log, for time-outs and
# for the worker that it moves to.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Proc qw(alive anonymous_kb);

use constant { TUNNELS => 250, MAX => 700 };

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	syswrite $socket, "HTTP/1.1 101 Switching Protocols\r\n"
		. "Connection: Upgrade\r\nUpgrade: echo\r\nX-Sent: yes\r\n\r\n";
	while (sysread $socket, my $bytes, 65536) {
		last if $bytes eq 'end';
		syswrite $socket, $bytes;
	}
	syswrite $socket, 'bye'; # a half that is still open
	return 0;
});

my @facts = qw(method target path query host protocol user remote_addr
	header.user-agent header.x-left cookie.c query.a rest route
	connection_requests status bytes sent.x-sent sent.via authorize.status
	authorize.header.x-who upstream upstream.server upstream.tries
	upstream.status);
my @times = qw(time.head time.answer time.send time.total
	upstream.time.connect upstream.time.first_byte upstream.time.total);

sub conf ($log, $has_routes = 1) {
	my $routes = $has_routes ? <<'E' : '';
  { path = "/in"; handler = "respond"; response_fields = [ "X-Who: ada" ];
    body = "x"; },
  { path = "/pattern/(.*)"; match = "regex"; handler = "proxy"; upstream = "app"; },
  { path = "/a/"; handler = "proxy"; upstream = "app"; authorize = "/in"; },
E
	return <<"E";
workers = 1;
log = { $log };
timeouts = { drain = "1s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "app"; servers = ( { address = "$b->{address}"; } ); },
  { name = "short"; servers = ( { address = "$b->{address}"; } );
    timeouts = { read = "300ms"; }; } );
sites = ( { routes = ( $routes
  { path = "/short"; handler = "proxy"; upstream = "short"; },
  { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
E
}

my $format = join '|', map { "\${$_}" } @facts, @times;
my $log = "access = \"%%DIR%%/access\"; format = \"$format\";";
my $s = Holdfast->start(conf => conf($log));
my $at = 0;

# The next line of the log, by its variables.
sub line () {
	my (@lines, %row);

	wait_until {
		@lines = split /^/, $s->dir->read('access') // '';
		@lines > $at && $lines[-1] =~ /\n\z/;
	} 'a line of the log';
	chomp(my $line = $lines[$at++]);
	@row{@facts, @times} = split /\|/, $line, -1;
	return \%row;
}

sub opened ($target) {
	my $c = $s->client;

	$c->send(join "\r\n", "GET $target HTTP/1.1", 'Host: H.example:80',
		'User-Agent: test/1', 'X-Left: 1', 'Cookie: b=1; c=2',
		'Connection: Upgrade', 'Upgrade: echo', '', '');
	$c->read_until("\r\n\r\n") =~ m{\AHTTP/1\.1 101 }
		or BAIL_OUT("there is no tunnel: $target");
	return $c;
}

# There and back, and then nothing.
sub echo ($c, $bytes) {
	$c->send($bytes);
	is $c->read_bytes(length $bytes), $bytes, "\"$bytes\" and back";
	return;
}

sub move ($text) {
	my @old = $s->workers;

	$s->reload($text);
	wait_until { !grep { alive($_) } @old } 'the old worker to go';
	return;
}

my %wanted = (method => 'GET', target => '/a/b%20c?a=1&x', path => '/a/b c',
	query => 'a=1&x', host => 'h.example', protocol => 'HTTP/1.1', user => '-',
	remote_addr => '127.0.0.1', 'header.user-agent' => 'test/1',
	'header.x-left' => 1, 'cookie.c' => 2, 'query.a' => 1,
	rest => 'b c', route => '/a/', connection_requests => 1, status => 101,
	bytes => 10, 'sent.x-sent' => 'yes', 'sent.via' => '1.1 holdfast',
	'authorize.status' => 200, 'authorize.header.x-who' => 'ada',
	upstream => 'app', 'upstream.server' => $b->{address},
	'upstream.tries' => 1, 'upstream.status' => 101);

sub is_logged ($row, %other) {
	my %wanted = (%wanted, %other);

	is_deeply { map { $_ => $row->{$_} } @facts }, \%wanted, 'facts';
	for my $time (@times) {
		like $row->{$time}, qr/\A\d+\.\d{6}\z/, $time;
		cmp_ok $row->{$time}, '<=', $row->{'time.total'};
	}
	return;
}

subtest 'to the end' => sub {
	my $c = opened('/a/b%20c?a=1&x');

	echo($c, $_) for 'one', 'two', '.';
	$c->finish_sending;
	is $c->read_to_end, 'bye', 'the half that was open goes on';
	is_logged(line());
};

subtest 'the server ends it' => sub {
	my $c = opened('/pattern/x');

	echo($c, 'one');
	$c->send('end');
	is $c->read_to_end, 'bye';
	is_logged(line(), target => '/pattern/x', path => '/pattern/x',
		query => '-', 'query.a' => '-', rest => '/pattern/x',
		route => '/pattern/(.*)', bytes => 6, 'authorize.status' => '-',
		'authorize.header.x-who' => '-');
};

subtest 'the client goes' => sub {
	my $c = opened('/a/b%20c?a=1&x');

	echo($c, 'one');
	$c->close;
	is line()->{bytes}, 6, 'which the server answers, in vain';
};

subtest 'not the first request of its connection' => sub {
	my $c = $s->client;

	is $c->get('/in')->status, 200;
	line();
	$c->send("GET /b HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
		. "Upgrade: echo\r\n\r\n");
	$c->read_until("\r\n\r\n");
	echo($c, 'one');
	$c->close;
	is line()->{connection_requests}, 2;
};

subtest 'timeouts.read' => sub {
	my $c = opened('/short');

	echo($c, 'one');
	is $c->read_to_end, '', 'ends it';
	is line()->{bytes}, 3;
};

for my $case (['of the same configuration', 1], ['without its route', 0]) {
	my ($name, $has_routes) = @$case;

	subtest "it moves to a worker $name" => sub {
		my $c = opened('/a/b%20c?a=1&x');

		echo($c, 'one');
		move(conf($log, $has_routes)) for 1 .. 2;
		echo($c, 'two');
		move(conf($log, $has_routes));
		echo($c, '3');
		$c->finish_sending;
		is $c->read_to_end, 'bye';
		is_logged(line());
		move(conf($log));
	};
}

subtest 'memory' => sub {
	plan skip_all => 'sanitizers have memory of their own'
		if binary_has_sanitizers();
	move(conf('access = "off";'));
	my ($worker) = $s->workers;
	my @open = map { opened('/b') } 1 .. 50;
	my $before = anonymous_kb($worker);

	push @open, map { opened('/b') } 1 .. TUNNELS;
	my $each = (anonymous_kb($worker) - $before) * 1024 / TUNNELS;

	cmp_ok $each, '<=', MAX, 'bytes for each';
	echo($open[$_ * 10], "echo $_") for 0 .. 9;
	$_->close for @open;
};

$s->finish;
done_testing;
