# SPDX-License-Identifier: BSD-2-Clause
#
# limits.connections_per_address: further connections of one address are closed;
# those of others are not, nor those that move to another worker. Of IPv6 it is
# the network that counts; Unix clients have no address.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM);
use Test::More;
use Holdfast;

my $conf = <<'E';
workers = 1;
limits = { connections_per_address = 5; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "unix:%%DIR%%/http.sock"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
my $s = Holdfast->start(conf => $conf);

# A client of that address; true when it is served.
sub served ($from) {
	my $socket = IO::Socket::INET->new(PeerAddr => $s->address('http'),
		LocalAddr => $from, Timeout => 10) or return;

	syswrite $socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	return (sysread $socket, my $text, 1000) ? $socket : undef;
}

my @five = map { served('127.0.0.1') } 1 .. 5;

is scalar(grep { $_ } @five), 5, 'five of one address';
is scalar(grep { $_ } map { served('127.0.0.1') } 1 .. 5), 0, 'not more';
ok served('127.0.0.5'), 'one of another';
is scalar($s->logged(qr/refused a connection of 127\.0\.0\.1: it has limits/)), 5,
	'it is logged';
close shift @five;
wait_until { $s->status->{connections} == 4 } 'one to be gone';
push @five, served('127.0.0.1');
ok $five[-1], 'then there is room for another';
ok !served('127.0.0.1'), 'for one';

# Two workers that are one after it have as many as they have.
$s->reload($conf =~ s/workers = 1/workers = 2/r);
wait_until { $s->status->{connections} == 5 } 'all to have moved';
for my $c (@five) {
	syswrite $c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	sysread $c, my $text, 1000;
	like $text, qr/200 OK/, 'one that moved is served';
}
$s->reload($conf);
wait_until { $s->status->{connections} == 5 } 'all to have moved';
ok !served('127.0.0.1'), 'those that moved count';
close $_ for @five;
wait_until { $s->status->{connections} == 0 } 'all to be gone';
ok served('127.0.0.1'), 'and when they are gone they do not';

my @unix = map {
	my $c = IO::Socket::UNIX->new(Peer => $s->path('http.sock')) or die;

	syswrite $c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	(sysread $c, my $text, 1000) ? $c : ();
} 1 .. 8;

is scalar @unix, 8, 'of Unix clients as many as come';
$s->finish;
done_testing;
