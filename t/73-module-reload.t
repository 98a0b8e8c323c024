# SPDX-License-Identifier: BSD-2-Clause
#
# A reload while modules hold requests: what is held is answered by the worker
# that has it, connections go on in the new one, what does not end is cut after
# timeouts.drain, and modules are told that it is coming.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler build_module);

plan skip_all => 'no C compiler here' unless has_compiler();

my $conf = <<'E';
workers = 1;
timeouts = { drain = "60s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/m"; handler = "module"; module = "./probe.so"; },
  { path = "/w"; handler = "module"; module = "./whole.so"; },
  { path = "/n"; handler = "module"; module = "./named.so"; }
); } );
E
my $s = Holdfast->start(prepare => sub ($dir) {
	build_module($dir->path('probe.so'), 'probe');
	build_module($dir->path('whole.so'), 'whole');
	build_module($dir->path('named.so'), 'broken', '-DANSWER="one"');
}, conf => $conf);

# Requests that are begun in a worker, which a reload then replaces.
my ($old) = $s->workers;
my %client = map { $_ => $s->client } qw(idle later stream open body whole);

is $client{idle}->get('/n')->body, 'one', 'the first file';
$client{later}->send($client{later}->request_text('GET', '/m/later?ms=1500') .
	$client{later}->request_text('GET', '/n'));
$client{stream}->send($client{stream}->request_text('GET',
	'/m/stream?size=150&piece=10&ms=100'));
$client{open}->send($client{open}->request_text('GET', '/m/open'));
$client{body}->send($client{body}->request_text('POST', '/m/echo',
	['Content-Length' => 6]) . 'abc');
$client{whole}->send($client{whole}->request_text('POST', '/w',
	['Content-Length' => 6]) . 'abc');
wait_until { $s->get('/m/held')->body eq "5\n" } 'all to be held';

build_module($s->path('named.so'), 'broken', '-DANSWER="two"');
$s->reload;
my ($new) = $s->workers;

isnt $new, $old, 'a new worker serves';
is $client{idle}->get('/n')->body, 'two', 'an idle connection has moved';
is $s->get('/n')->body, 'two', 'and new ones get the new file';
$s->wait_log(qr/\[$old\]: module probe: leaves/);
is $client{open}->response->body, "open\n",
	'a stream without an end is ended by its module';
$client{body}->send('def');
is $client{body}->response->body, 'abcdef',
	'the rest of a body is read by the worker that has the first part';
$client{whole}->send('def');
is $client{whole}->response->body, 'abcdef',
	'one that is wanted whole is read wherever it is';
is $client{stream}->response->body, substr(join('', map { chr(48 + $_) }
	0 .. 62) . "\n", 0, 64) x 2 . substr(join('', map { chr(48 + $_) }
	0 .. 62), 0, 22), 'a stream goes on to its end';
is $client{later}->response->body, "later\n", 'a late answer comes';
like $client{later}->response->body, qr/^(?:one|two)$/,
	'and the request that came along with it is answered';
# A request that is there before the old worker has come round to giving the
# connection away is answered first.
for my $name (sort keys %client) {
	ok eval { wait_until { $client{$name}->get('/n')->body eq 'two' } 'x' },
		"then it moves: $name";
}
$s->wait_log(qr/\[$old\]: module probe: stops/);
$s->wait_workers(1);
pass 'the old worker has ended';

subtest 'what does not end is cut' => sub {
	$s->reload($conf =~ s/60s/500ms/r);
	my ($worker) = $s->workers;
	my @held = map { $s->client } 1 .. 3;

	$held[0]->send($held[0]->request_text('GET', '/m/hold'));
	$held[1]->send($held[1]->request_text('GET',
		'/m/stream?size=100000000&piece=5&ms=10'));
	$held[2]->send($held[2]->request_text('POST',
		'/m/sum?pauses=1&forever=1', [], 'abc'));
	wait_until { $s->get('/m/held')->body eq "4\n" } 'them to be held';
	$s->expect_log(qr/warn worker 0\[$worker\]: 3 connections were cut/,
		qr/3 connections were cut/);
	my @ports = map { $_->local_port } @held;

	$s->reload;
	$_->read_to_end for @held;
	my @reasons = (
		'GET /m/hold: it waited for its handler, which has not answered',
		'GET /m/stream\?size=100000000&piece=5&ms=10: it waited for ' .
			'its handler, which makes the content as it is sent',
		'POST /m/sum\?pauses=1&forever=1: it waited for the body of its ' .
			'request');

	for my $i (0 .. 2) {
		$s->wait_log(qr/\[$worker\]: 127\.0\.0\.1:$ports[$i]: cut: $reasons[$i]$/);
	}
	for my $name (qw(hold stream sum)) {
		$s->wait_log(qr/\[$worker\]: module probe: ended \/$name cut/);
	}
	$s->wait_log(qr/\[$worker\]: module probe: stops/);
	pass 'each is told, and then the module';
};

subtest 'a body that is wanted whole, and then in pieces' => sub {
	my $whole = $conf =~ s/^/limits = { body_memory = "4k"; };\n/r;
	my $pieces = $whole =~ s{/w"; handler = "module"; module = "./whole.so"}
		{/w"; handler = "module"; module = "./probe.so"}r;
	my $large = join '', map { chr($_ * 7 % 251) } 1 .. 100_000;
	my %sent = (memory => 'abc', file => $large, chunks => 'abc',
		paused => $large);
	my %begin = map { $_ => ['Content-Length' => 3 + length $sent{$_}] }
		keys %sent;
	my %body = %sent;

	$begin{chunks} = ['Transfer-Encoding' => 'chunked'];
	$body{chunks} = "6\r\nabc";
	isnt $pieces, $whole, 'the route has another module';
	$s->reload($whole);

	my %client = map { $_ => $s->client } keys %sent;

	for my $name (sort keys %sent) {
		my $query = $name eq 'paused' ? '?pauses=1' : '';

		$client{$name}->send($client{$name}->request_text('POST',
			"/w/echo$query", $begin{$name}) . $body{$name});
	}
	wait_until { $s->status->{totals}{temp_bodies} >= 2 } 'it to be collected';
	$s->reload($pieces);
	for my $name (sort keys %sent) {
		$client{$name}->send($name eq 'chunks'
			? "def\r\n0\r\n\r\n" : 'def');
		is $client{$name}->response->body, "$sent{$name}def",
			"all of it comes: $name";
		is $client{$name}->get('/n')->body, 'two', 'and it is in step';
	}
};

subtest 'quit' => sub {
	my $c = $s->client;

	$s->reload($conf);
	$c->send($c->request_text('GET', '/m/later?ms=700'));
	wait_until { $s->get('/m/held')->body eq "2\n" } 'it to be held';
	my $quit = $s->command('quit');
	my $r = $c->response;

	is $r->body, "later\n", 'what is held is answered';
	ok $r->closes, 'and the connection closed';
	is +($quit->wait)[0], 0, 'then it ends';
};

is $s->wait_end, 0, 'it has ended';
$s->finish;
done_testing;
