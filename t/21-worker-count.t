# SPDX-License-Identifier: BSD-2-Clause
#
# SIGTTIN and SIGTTOU: one worker more, one fewer, and no client notices.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E

$s->signal('TTIN');
$s->wait_workers(3);
pass 'TTIN: one more';
$s->signal('TTIN');
$s->wait_workers(4);
pass 'and one more';

# Each worker has a connection; the request that is under way on it is
# answered whatever happens.
my @before = $s->workers;
my %client = map { $_ => $s->client_of($_, '/') } @before;

$_->send("GET / HTTP/1.1\r\n") for values %client;
$s->signal('TTOU');
my @after = wait_until {
	my @serving = $s->workers;
	@serving == 3 && \@serving;
} 'one fewer to serve';
@after = $after[0]->@*;
is scalar(grep { my $pid = $_; !grep { $_ == $pid } @before } @after), 0,
	'TTOU: the others are the same processes';
$_->send("Host: a\r\n\r\n") for values %client;
my ($gone) = grep { my $pid = $_; !grep { $_ == $pid } @after } @before;

for my $pid (@before) {
	my $r = $client{$pid}->response;

	is $r->body, 'ok', $pid == $gone ? 'its client is answered'
		: 'another client is answered';
	ok !$r->closes, 'and not told to go';
	is $client{$pid}->get('/')->body, 'ok', 'it goes on';
}
$s->wait_workers(3);
wait_until { !Holdfast::Proc::alive($gone) } 'the worker to end';
pass 'then the worker is gone';
is scalar($s->logged(qr/died/)), 0, 'which is not a death';

$_->close for values %client;

# Never to none.
for (1 .. 5) {
	$s->signal('TTOU');
	$s->status;
}
$s->expect_log(qr/1 worker is the minimum/);
wait_until { $s->workers == 1 } 'only one to be left';
$s->wait_workers(1);
is $s->get('/')->body, 'ok', 'the last one stays and serves';
is $s->workers, 1, 'one';

# A reload goes back to what is configured.
$s->reload;
$s->wait_workers(2);
pass 'a reload goes by the configuration again';

$s->finish;
done_testing;
