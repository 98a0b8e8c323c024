# SPDX-License-Identifier: BSD-2-Clause
#
# proxy_protocol of an upstream: its servers are told who the client is, in a
# header of the PROXY protocol at the beginning of each connection; what is kept
# alive of those is used for that client only; health checks say that they are
# the proxy's own.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;
use Holdfast;
use Holdfast::Background;
use Holdfast::Dir;

my $dir = Holdfast::Dir->new;

# A server of HTTP that wants a header first, and answers with it in hex and the
# number of the connection.
sub server ($name) {
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64)
		or die $!;
	my $pid = fork // die;

	if ($pid == 0) {
		my $n = 0;

		$SIG{CHLD} = 'IGNORE';
		$SIG{TERM} = 'DEFAULT';
		while (my $c = $listener->accept) {
			$n++;
			if (fork == 0) {
				serve($c, $n, $name);
				POSIX::_exit(0);
			}
			close $c;
		}
		POSIX::_exit(0);
	}
	return { pid => $pid, address => '127.0.0.1:' . $listener->sockport };
}

sub serve ($c, $n, $name) {
	my ($in, $header) = ('');

	$c->autoflush(1);
	while (!defined $header) {
		sysread $c, $in, 4096, length $in or last;
		if ($in =~ s/\A(PROXY [^\r]*)\r\n//) {
			$header = $1;
		} elsif ($in =~ /\A\r\n\r\n\0\r\nQUIT\n(.)(.)(..)/s
			&& length $in >= 16 + unpack 'n', $3) {
			$header = unpack 'H*', substr $in, 12, 4 + unpack 'n', $3;
			substr($in, 0, 16 + unpack 'n', $3) = '';
		}
	}
	$dir->write("seen-$name-$n-$$", $header // "none: $in");
	return if !defined $header;
	while (1) {
		while ($in =~ s/\A(GET \S+).*?\r\n\r\n//s) {
			my $body = "$n $header";

			print {$c} "HTTP/1.1 200 OK\r\nContent-Length: ",
				length $body, "\r\n\r\n$body";
		}
		sysread $c, $in, 4096, length $in or return;
	}
}
my %servers = map { $_ => server($_) } qw(v1 v2 checked checked1);

END { kill 'TERM', map { $_->{pid} } values %servers }

my $conf = <<"E";
workers = 1;
timeouts = { drain = "1s"; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; proxy_protocol = [ "127.0.0.2" ]; },
  { address = "unix:%%DIR%%/http.sock"; } );
upstreams = (
  { name = "v1"; proxy_protocol = "v1"; servers = ( { address = "$servers{v1}{address}"; } ); },
  { name = "v2"; proxy_protocol = "v2"; servers = ( { address = "$servers{v2}{address}"; } ); },
  { name = "checked"; proxy_protocol = "v2"; servers = ( { address = "$servers{checked}{address}"; } );
    health = { interval = "50ms"; fall = 1; }; },
  { name = "checked1"; proxy_protocol = "v1"; servers = ( { address = "$servers{checked1}{address}"; } );
    health = { type = "tcp"; interval = "50ms"; fall = 1; }; }
);
sites = ( { routes = (
  { path = "/v1"; handler = "proxy"; upstream = "v1"; },
  { path = "/v2"; handler = "proxy"; upstream = "v2"; } ); } );
E
my $s = Holdfast->start(conf => $conf);
my $port = $s->port('http');

my $c = $s->client('http');
my $mine = $c->local_port;

is $c->get('/v1')->body, "1 PROXY TCP4 127.0.0.1 127.0.0.1 $mine $port", 'version 1';
is $c->get('/v1')->body, "1 PROXY TCP4 127.0.0.1 127.0.0.1 $mine $port",
	'the connection is kept for the client';
my $other = $s->client('http');
my $its = $other->local_port;

is $other->get('/v1')->body, "2 PROXY TCP4 127.0.0.1 127.0.0.1 $its $port",
	'and only for that one';
is $c->get('/v1')->body, "1 PROXY TCP4 127.0.0.1 127.0.0.1 $mine $port";
is $c->get('/v2')->body, '1 2111000c7f0000017f000001'
	. sprintf('%04x%04x', $mine, $port), 'version 2';

my $behind = $s->client('http', from => '127.0.0.2');

$behind->send("PROXY TCP6 2001:db8::1 2001:db8::2 1234 80\r\n");
is $behind->get('/v1')->body, '3 PROXY TCP6 2001:db8::1 2001:db8::2 1234 80',
	'what a proxy in front has said is passed on';

my $unix = Holdfast::Client->new('unix:' . $s->path('http.sock'));

is $unix->get('/v1')->body, '4 PROXY UNKNOWN', 'a client without an address';
is $unix->get('/v2')->body, '2 21000000', 'in version 2';

subtest 'after a move' => sub {
	$s->reload($conf);
	$s->wait_workers(1);
	is $behind->get('/v1')->body, '5 PROXY TCP6 2001:db8::1 2001:db8::2 1234 80',
		'what a proxy in front has said is still known';
};

for my $case (['checked', '20000000'], ['checked1', 'PROXY UNKNOWN']) {
	my ($name, $header) = @$case;
	my @seen;

	wait_until { @seen = glob $dir->path("seen-$name-*"); @seen > 2 } 'checks';
	my %headers = map { ($dir->read(s{.*/}{}r) // '') => 1 } @seen;

	delete $headers{''}; # one that is being written
	is_deeply [keys %headers], [$header], "$name: health checks are our own";
}
is scalar($s->logged(qr/down:/)), 0, 'and succeed';
$s->finish;
done_testing;
