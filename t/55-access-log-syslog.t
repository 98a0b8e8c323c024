# SPDX-License-Identifier: BSD-2-Clause
#
# Access logs that go to a syslog: messages of RFC 5424 over UDP and to a Unix
# socket, through a reader that goes and comes back, and one that does not read:
# requests do not wait, and lines that are lost are counted.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM MSG_DONTWAIT SOL_SOCKET SO_RCVBUF);
use Test::More;
use Holdfast;

my $udp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
	or die "udp: $!";
my $dir = Holdfast::Dir->new;
my $path = $dir->path('log.sock');

sub listen_unix () {
	unlink $path;
	my $socket = IO::Socket::UNIX->new(Local => $path, Type => SOCK_DGRAM)
		or die "$path: $!";

	chmod 0666, $path;
	return $socket;
}

my $unix = listen_unix();
my $s = Holdfast->start(conf => <<"E", dir => $dir);
workers = 1;
log = { access = (
  { to = "syslog:udp:127.0.0.1:@{[$udp->sockport]}"; format = "json"; },
  { to = "syslog:unix:$path"; format = "\${request_id} \${status}"; } ); };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = ( { path = "/"; handler = "respond"; body = "x"; } ); } );
E
my ($worker) = $s->workers;

sub messages ($socket) {
	my @messages;

	while (defined $socket->recv(my $text, 65536, MSG_DONTWAIT)) {
		last if $text eq '';
		push @messages, $text;
	}
	return @messages;
}

sub get ($id) {
	is $s->get('/', 'X-Request-Id' => $id)->status, 200, "$id is answered";
	return;
}

my $head = qr/<190>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ holdfast $worker access - /;
my (@udp, @unix);

get("id-$_") for 1 .. 3;
wait_until { push @udp, messages($udp); push @unix, messages($unix);
	@udp >= 3 && @unix >= 3 } 'the messages';
is scalar @udp, 3, 'a message for each line';
like $udp[$_ - 1], qr/^$head\{"time":.*"request_id":"id-$_",.*\}$/, "over UDP, $_"
	for 1 .. 3;
like $unix[$_ - 1], qr/^${head}id-$_ 200$/, "to a Unix socket, $_" for 1 .. 3;

# The reader ends, and another one takes its path.
close $unix;
$unix = listen_unix();
get('id-4');
wait_until { grep { / id-4 200$/ } messages($unix) } 'a new reader has it';

# There is none.
$s->allow_log(qr/cannot write the access log \(syslog:unix:/,
	qr/the access log \(syslog:unix:\S+\) is written again/);
close $unix;
unlink $path;
get('id-5');
wait_until { $s->status->{totals}{log_lost} > 0 } 'a line that nobody takes is counted';
$s->wait_log(qr/cannot write the access log \(syslog:unix:\S+\), \d+ lines are lost/);
wait_until { grep { /"id-5"/ } messages($udp) } 'the other log has it';
$unix = listen_unix();
wait_until {
	get('id-6');
	grep { / id-6 200$/ } messages($unix)
} 'and it goes on';

# One that does not read.
my $lost = $s->status->{totals}{log_lost};

for my $i (1 .. 3000) {
	my $began = now();

	$s->get('/') if $i % 100 == 0;
	last if now() - $began > 5;
	my $c = $s->client;

	$c->send($c->request_text('GET', '/') x 50);
	$c->response for 1 .. 50;
	$c->close;
	last if $s->status->{totals}{log_lost} > $lost;
}
wait_until { $s->status->{totals}{log_lost} > $lost }
	'what a reader does not take in time is lost, and counted';
is $s->get('/')->body, 'x', 'and nobody waits for it';
is(($s->run('reopen'))[0], 0, 'reopened');
messages($unix);
$s->finish;
done_testing;
