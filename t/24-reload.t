# SPDX-License-Identifier: BSD-2-Clause
#
# A reload: new settings are in effect when the command says so, connections
# go on, the old workers go.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive);

sub conf ($body, $more = '') {
	return <<"E";
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "$body"; },
  { path = "/form"; handler = "respond"; body = "$body \${form.x}"; },
  { path = "/files/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
$more
E
}

my $big = 64 << 20;
my $s = Holdfast->start(conf => conf('one'), prepare => sub ($dir) {
	truncate $dir->write('www/big', ''), $big or die $!;
});
my $address = $s->address('http');

sub body () {
	return Holdfast::Client->new($address)->get('/')->body;
}

is body(), 'one', 'before';

subtest 'holdfast reload' => sub {
	my @old = $s->workers;

	$s->write_conf(conf('two', 'workers = 3;'));
	is body(), 'one', 'the file alone changes nothing';
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 0, 'exit status';
	is $err, '', 'no error';
	# From here on, with no wait: the command has waited.
	is body(), 'two', 'new settings are in effect at once';
	is $s->status->{generation}, 2, 'a new generation';
	$s->wait_workers(3);
	is scalar(grep { alive($_) } @old), 0, 'the old workers are gone';
	is $s->address('http'), $address, 'on the same address';
	ok $s->status->{last_reload}{ok}, 'status knows that it went well';
	is scalar($s->logged(qr/info master.*generation 2 serves: 3 workers/)),
		1, 'and the log';
	is scalar($s->logged(qr/died/)), 0, 'nobody died';
};

subtest 'connections go on' => sub {
	my $idle = $s->client('http');
	my $head = $s->client('http');
	my $body = $s->client('http');
	my $echo = $s->client('echo');
	my @old = $s->workers;

	$idle->get('/');
	$head->send("GET / HTTP/1.1\r\nHo");
	$body->send("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n"
		. "Content-Type: application/x-www-form-urlencoded\r\n\r\nx=");
	$echo->send('before');
	is $echo->read_bytes(6), 'before', 'echo, before';
	$s->reload(conf('three'));
	is body(), 'three', 'the new generation serves';
	$s->wait_workers(2);
	is scalar(grep { alive($_) } @old), 0, 'the old workers are gone';

	$echo->send('after');
	is $echo->read_bytes(5), 'after', 'the echo connection goes on';
	$echo->finish_sending;
	is $echo->read_to_end, '', 'and ends when its client ends it';
	$head->send("st: a\r\n\r\n");
	is $head->response->body, 'three', 'half a head is one with the rest';
	$body->send('12345');
	is $body->response->body, 'three 12345', 'and half a body too';
	for my $c ($idle, $head, $body) {
		is $c->get('/')->body, 'three', 'the connection stays';
	}
};

subtest 'a response that is being written moves' => sub {
	my $c = $s->client('http', rcvbuf => 8192);
	my @old = $s->workers;

	$c->send("GET /files/big HTTP/1.1\r\nHost: a\r\n\r\n");
	$c->read_until("\r\n\r\n");
	$s->reload(conf('four'));
	is body(), 'four', 'the new generation serves';
	$s->wait_workers(2);
	is scalar(grep { alive($_) } @old), 0, 'the old workers are gone';
	is length $c->read_bytes($big), $big, 'all is sent';
	is $c->get('/')->body, 'four', 'then the connection goes on';
};

subtest 'SIGHUP does the same' => sub {
	my $before = $s->status->{generation};

	$s->write_conf(conf('seven'));
	$s->signal('HUP');
	wait_until { body() eq 'seven' } 'the new settings';
	is $s->status->{generation}, $before + 1, 'one generation more';
	$s->wait_workers(2);
};

subtest '-s reload is the same' => sub {
	$s->write_conf(conf('eight'));
	my ($exit) = $s->run('-s', 'reload');

	is $exit, 0, 'exit status';
	is body(), 'eight', 'in effect';
};

subtest 'reloads at the same time' => sub {
	my @commands = map { $s->command('reload') } 1 .. 8;
	my @exits = map { ($_->wait)[0] } @commands;

	is_deeply \@exits, [(0) x 8], 'each succeeds';
	$s->wait_workers(2);
	is body(), 'eight', 'and it serves';
};

is scalar($s->logged(qr/listening on/)), 2,
	'listeners that stayed were not opened again';
$s->finish;
done_testing;
