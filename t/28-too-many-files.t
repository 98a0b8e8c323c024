# SPDX-License-Identifier: BSD-2-Clause
#
# A worker that may open no more files stops accepting, goes on serving what
# it has, says so once, and accepts again when it can.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(fds raise_nofile);

raise_nofile();
my $s = Holdfast->start(files => { 'www/a' => "a\n" },
	wrap => ['/bin/sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'],
	conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; },
  { path = "/f/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my ($worker) = $s->workers;
my $first = $s->client;

$s->dir->settle('www/a');
is $first->get('/f/a')->status, 200, 'before';

my $paused = qr/(?:warn|error) worker \d+\[$worker\]: .*open files/;

$s->expect_log($paused);
# limits.connections cannot be had: that is said at the start.
$s->expect_log(qr/warn master\[\d+\]: limits\.connections .* 64 /);

sub pauses () { return $s->status->{totals}{accept_pauses} }

# One time that it is full and recovers.
sub fill ($name) {
	subtest $name => sub {
		my $before = pauses();
		my @clients = map { $s->client } 1 .. 150;

		$_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @clients;
		wait_until { pauses() > $before } 'accepting to be paused';
		is $first->get('/')->body, 'ok', 'it serves what it has';
		is $first->get('/f/a')->body, "a\n",
			'with a file that it knows';
		cmp_ok fds($worker), '<=', 64, 'within its limit';
		# One after another is answered, and leaves.
		my $answered = 0;

		for my $c (@clients) {
			my $r = eval { $c->response } or last;

			$answered++ if $r->body eq 'ok';
			$c->close;
		}
		is $answered, 150, 'all are answered in the end';
		wait_until { $s->status->{connections} == 1 }
			'them to be gone';
		is $s->get('/')->body, 'ok', 'it accepts again';
		is_deeply [$s->workers], [$worker], 'by the same worker';
	};
}

my $start = now();

fill('full for the first time');
my $after = fds($worker);

fill('full again, later');
is fds($worker), $after, 'and nothing stays open';

subtest 'closed in any order, nobody waits for ever' => sub {
	my $before = pauses();
	my @clients = map { $s->client } 1 .. 150;

	$_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @clients;
	wait_until { pauses() > $before } 'accepting to be paused';
	# Half of them give up, answered or not.
	$clients[$_ * 2]->reset for 0 .. 74;
	my $answered = 0;

	for my $c (@clients[map { $_ * 2 + 1 } 0 .. 74]) {
		$answered++ if eval { $c->response->body eq 'ok' };
		$c->close;
	}
	is $answered, 75, 'the others are answered';
};

cmp_ok scalar(() = $s->logged($paused)), '<=', 1 + (now() - $start) / 10,
	'said once, not over and over';

$first->close;
$s->finish;
done_testing;
