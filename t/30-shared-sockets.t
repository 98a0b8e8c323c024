# SPDX-License-Identifier: BSD-2-Clause
#
# What workers share, each of them can make block: the listening sockets, the
# socket over which connections move, and the connections themselves. The others
# go on all the same, and so does a reload.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler build_module);

plan skip_all => 'no C compiler here' unless has_compiler();

my $s = Holdfast->start(prepare => sub ($dir) {
	build_module($dir->path('blocking.so'), 'blocking');
}, files => { 'www/large' => 'x' x 3_000_000 }, conf => <<'E');
workers = 3;
timeouts = { watchdog = "30s"; drain = "20s"; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; },
  { path = "/f/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/block"; handler = "module"; module = "./blocking.so"; } ); } );
E
$s->allow_log(qr/was made to block, by another process that has it/);
my @clients = map { $s->client('http') } 1 .. 30;
my @echoes = map { $s->client('echo') } 1 .. 6;

# How long the slowest of them had to wait, and of some that come new.
sub slowest () {
	my $slowest = 0;
	my $ask = sub ($client, $send, $got) {
		my $start = now();

		$client->send($send);
		die "wrong\n" if $got->($client) ne 'ok';
		$slowest = now() - $start if now() - $start > $slowest;
	};
	my $get = Holdfast::Client->request_text('GET', '/');

	$ask->($_, $get, sub ($c) { $c->response->body })
		for @clients, map { $s->client('http') } 1 .. 10;
	$ask->($_, 'ok', sub ($c) { $c->read_bytes(2) })
		for @echoes, map { $s->client('echo') } 1 .. 5;
	return $slowest;
}

slowest();
for my $round (1 .. 3) {
	is $clients[$round * 7]->get('/block')->status, 200,
		"a worker makes all block ($round)";
	# Some of these waits are what accept4(2) may take at most.
	cmp_ok slowest(), '<', 2 * slow(), 'nobody waits for long';
}
subtest 'a reload' => sub {
	$clients[3]->get('/block');
	my $start = now();

	$s->reload;
	$s->wait_workers(3);
	cmp_ok now() - $start, '<', 10 * slow(), 'moves all of them';
	cmp_ok slowest(), '<', 1 * slow(), 'who are served at once';
	is $clients[0]->get('/f/large')->status, 200, 'with large files, too';
};
is scalar(grep { $_->ended } @clients, @echoes), 0, 'nobody was closed';
$_->close for @clients, @echoes;
$s->finish;
done_testing;
