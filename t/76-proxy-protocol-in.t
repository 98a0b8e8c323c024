# SPDX-License-Identifier: BSD-2-Clause
#
# proxy_protocol of a listener: who the client is, as proxies say it in headers
# of the PROXY protocol; whose word counts; and that nothing but a header that is
# valid, and comes in time, opens a connection of theirs.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive);

my $conf = <<'E';
workers = 1;
log = { access = "%%DIR%%/access.log";
  format = "${remote_addr} ${remote_port} ${proxy_addr} ${target}"; };
timeouts = { header = "2s"; drain = "1s"; };
limits = { connections_per_address = 2; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%";
    proxy_protocol = [ "127.0.0.2", "127.0.0.4/30" ]; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo";
    proxy_protocol = [ "all" ]; }
);
sites = (
  { hosts = [ "deny.test" ]; deny = [ "192.0.2.0/24" ];
    routes = ( { path = "/"; handler = "respond"; body = "in"; } ); },
  { routes = ( { path = "/"; handler = "respond";
      body = "${remote_addr} ${remote_port} ${connection_addr} ${proxy_addr}"; } ); }
);
E
my $s = Holdfast->start(conf => $conf);

my $signature = "\r\n\r\n\0\r\nQUIT\n";
my $v4 = pack 'C4C4nn', 192, 0, 2, 1, 198, 51, 100, 1, 1234, 80;
my $v6 = pack 'H32H32nn', '20010db8' . '0' x 23 . '1', '20010db8' . '0' x 23 . '2',
	1234, 80;
my $get = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

sub v2 ($command, $family, $bytes) {
	return $signature . pack('CCn', $command, $family, length $bytes) . $bytes;
}

sub trickle ($c, $bytes) {
	for my $byte (split //, $bytes) {
		$c->send($byte);
		select undef, undef, undef, 0.002; # so that some come alone
	}
}

for my $case (
	['v1 TCP4', "PROXY TCP4 192.0.2.1 198.51.100.1 1234 80\r\n",
		'192.0.2.1 1234 192.0.2.1 127.0.0.2'],
	['v1 TCP6', "PROXY TCP6 2001:db8::1 2001:db8::2 1234 80\r\n",
		'2001:db8::1 1234 2001:db8::1 127.0.0.2'],
	['v1 UNKNOWN', "PROXY UNKNOWN\r\n", qr/^127\.0\.0\.2 \d+ 127\.0\.0\.2 $/],
	['v2 IPv4', v2(0x21, 0x11, $v4), '192.0.2.1 1234 192.0.2.1 127.0.0.2'],
	['v2 IPv6', v2(0x21, 0x21, $v6), '2001:db8::1 1234 2001:db8::1 127.0.0.2'],
	['v2 with TLVs', v2(0x21, 0x11, $v4 . pack('Cna*', 2, 3, 'abc')),
		'192.0.2.1 1234 192.0.2.1 127.0.0.2'],
	['v2 LOCAL', v2(0x20, 0, ''), qr/^127\.0\.0\.2 \d+ 127\.0\.0\.2 $/],
) {
	my ($name, $header, $expected) = @$case;

	for my $pieces (0, 1) {
		my $c = $s->client('http', from => '127.0.0.2');

		if ($pieces) {
			trickle($c, $header . $get);
		} else {
			$c->send($header . $get);
		}
		my $body = $c->response->body;

		if (ref $expected) {
			like $body, $expected, $name;
		} else {
			is $body, $expected, $name . ($pieces ? ', byte by byte' : '');
		}
		is $c->get('/again')->body, $body, 'and for the next request' if !$pieces;
		$c->close;
	}
}
wait_until { ($s->dir->read('access.log') // '') =~ m{^192\.0\.2\.1 1234 127\.0\.0\.2 /x$}m }
	'the access log to name the client';

subtest 'what is no header' => sub {
	my $n = 0;

	for my $bytes ($get, "PROXY TCP4 192.0.2.1 198.51.100.1 1234\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.1 01234 80\r\n", 'PROXY ' . 'x' x 120,
		v2(0x22, 0x11, $v4), v2(0x21, 0x11, 'abc'),
		v2(0x21, 0x11, $v4 . pack('CnN', 3, 4, 1))) {
		my $c = $s->client('http', from => '127.0.0.2');

		$c->send($bytes);
		is $c->read_to_end, '', 'is refused';
	}
	my $c = $s->client('http', from => '127.0.0.6');

	$c->send('PROXY TCP4 192');
	$c->finish_sending;
	is $c->read_to_end, '', 'nor is half of one';
	$s->wait_log(qr/refused a connection of 127\.0\.0\.2 to 127\.0\.0\.1:\d+: its PROXY protocol header: there is none/);
	$s->expect_log(qr/its PROXY protocol header/);
};

subtest 'one that does not come' => sub {
	my $c = $s->client('http', from => '127.0.0.2');
	my $begun = now();

	$c->send('PROXY TCP4');
	is $c->read_to_end, '', 'is waited for';
	cmp_ok now() - $begun, '>', 1.5, 'for timeouts.header';
};

subtest 'a look whether there is a listener' => sub {
	my $n = $s->logged(qr/PROXY protocol header/);

	$s->client('http', from => '127.0.0.2')->finish_sending;
	is $s->get('/')->status, 200;
	is scalar($s->logged(qr/PROXY protocol header/)), $n, 'is no fault';
};

subtest 'from elsewhere' => sub {
	my $c = $s->client('http', from => '127.0.0.3');

	like $c->get('/')->body, qr/^127\.0\.0\.3 \d+ 127\.0\.0\.3 $/,
		'no header is read';
	$c = $s->client('http', from => '127.0.0.3');
	$c->send("PROXY TCP4 192.0.2.1 198.51.100.1 1234 80\r\n" . $get);
	is $c->response->status, 400, 'and none is believed';
};

subtest 'what holds for the client' => sub {
	my $c = $s->client('http', from => '127.0.0.2');

	$c->send(v2(0x21, 0x11, $v4) . "GET / HTTP/1.1\r\nHost: deny.test\r\n\r\n");
	is $c->response->status, 403, 'deny';
	my @more = map { $s->client('http', from => '127.0.0.2') } 1 .. 3;

	$more[0]->send(v2(0x21, 0x11, $v4));
	is $more[0]->get('/')->status, 200, 'a second connection of the client';
	for my $n (1, 2) {
		$more[$n]->send(v2(0x21, 0x11, $v4));
		is $more[$n]->read_to_end, '', 'one more is refused';
	}
	$s->wait_log(qr/refused a connection of 192\.0\.2\.1: it has limits\.connections_per_address/);
	my @others = map { $s->client('http', from => '127.0.0.2') } 1 .. 4;

	for my $i (0 .. 3) {
		$others[$i]->send("PROXY TCP4 192.0.2.1$i 198.51.100.1 1 80\r\n");
		is $others[$i]->get('/')->status, 200, 'the proxy itself has no limit';
	}
	$_->close for $more[0], $c;
	wait_until {
		my $again = $s->client('http', from => '127.0.0.2');

		$again->send(v2(0x21, 0x11, $v4) . $get);
		$again->more && eval { $again->response->status == 200 };
	} 'room for the client';
};

subtest 'echo' => sub {
	my $c = $s->client('echo');

	$c->send("PROXY UNKNOWN\r\nhello");
	is $c->read_bytes(5), 'hello', 'the header is not the protocol\'s';
};

subtest 'they move' => sub {
	my %c = map { $_ => $s->client('http', from => '127.0.0.2') }
		qw(nothing half whole);
	my $echo = $s->client('echo');
	my @old = $s->workers;

	$c{half}->send('PROXY TCP4 192.0.2.20 198.5');
	$c{whole}->send("PROXY TCP4 192.0.2.21 198.51.100.1 1234 80\r\n");
	is $c{whole}->get('/')->body, '192.0.2.21 1234 192.0.2.21 127.0.0.2';
	$echo->send("PROXY UNKN");
	wait_until { $s->status->{connections} >= 4 } 'all to be accepted';
	my $in = $s->status->{totals}{handed_in};

	$s->reload($conf);
	wait_until { !grep { alive($_) } @old } 'the old workers to go';
	cmp_ok $s->status->{totals}{handed_in} - $in, '>=', 4, 'all were handed over';
	$c{nothing}->send("PROXY TCP4 192.0.2.22 198.51.100.1 1234 80\r\n");
	is $c{nothing}->get('/')->body, '192.0.2.22 1234 192.0.2.22 127.0.0.2',
		'before its header';
	$c{half}->send("1.100.1 1234 80\r\n");
	is $c{half}->get('/')->body, '192.0.2.20 1234 192.0.2.20 127.0.0.2',
		'in the middle of it';
	is $c{whole}->get('/')->body, '192.0.2.21 1234 192.0.2.21 127.0.0.2',
		'and after it';
	$echo->send("OWN\r\nhi");
	is $echo->read_bytes(2), 'hi', 'whatever the protocol';
};

$s->finish;
done_testing;
