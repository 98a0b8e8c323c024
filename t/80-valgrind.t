# SPDX-License-Identifier: BSD-2-Clause
#
# Under valgrind: mixed traffic, reloads good and bad, a killed client, a
# graceful end. No leak in any process, no error.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

# It runs some twenty times slower, whatever the machine.
BEGIN { $ENV{HOLDFAST_TEST_SLOW} = 5 * ($ENV{HOLDFAST_TEST_SLOW} || 1) }
use Holdfast;

plan skip_all => 'no valgrind here' unless has_program('valgrind');
plan skip_all => 'not together with sanitizers' if binary_has_sanitizers();

my $dir = Holdfast::Dir->new;
my $conf = <<'E';
log = { access = "%%DIR%%/log/access.log"; format = "json"; };
limits = { body = "64k"; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; },
  { address = "unix:%%DIR%%/s.sock"; }
);
sites = (
  { hosts = [ "a.example", "*.example" ];
    routes = (
      { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
      { path = "/q"; handler = "respond"; body = "<${query.x:-none}>"; },
      { path = "/f"; handler = "respond"; body = "[${form.x}]"; },
      { path = "/old/"; handler = "redirect"; to = "/new/"; }
    ); },
  { routes = ( { path = "/"; handler = "respond"; body = "ok"; } ); }
);
E
my $s = Holdfast->start(dir => $dir, files => {
	'www/a' => 'x' x 1024,
	'www/big' => 'y' x 3_000_000,
	'www/dir/index.html' => '<p>',
	'log/.keep' => '',
}, wrap => ['valgrind', '-q', '--leak-check=full',
	'--show-leak-kinds=definite,indirect,possible',
	'--errors-for-leak-kinds=definite,indirect,possible',
	'--track-fds=no', '--error-exitcode=99',
	'--log-file=' . $dir->path('log/valgrind.%p')], conf => $conf);

sub traffic () {
	my $c = $s->client('http');

	my @answers;

	for my $target ('/a', '/', '/dir', '/dir/', '/none', '/q?x=1',
			'/q?x=%3Cb%3E', '/old/x?y', '/big', '/%zz', '/a') {
		my $r = $c->get($target, Host => 'a.example');

		push @answers, $r->status;
		$c = $s->client('http') if $r->closes;
	}
	is "@answers", '200 403 301 200 404 200 200 302 200 400 200',
		'all sorts of requests';
	$c = $s->client('http');
	$c->send(join '', map { Holdfast::Client->request_text('GET', $_,
		[Host => 'a.example']) } ('/a', '/big', '/q') x 5);
	$c->response for 1 .. 15;
	$c->request('POST', '/f', [Host => 'a.example', 'Content-Type' =>
		'application/x-www-form-urlencoded'], 'x=' . 'v' x 30_000);
	$c->send("POST /f HTTP/1.1\r\nHost: a.example\r\nContent-Type: "
		. "application/x-www-form-urlencoded\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n3\r\nx=1\r\n"
		. "1\r\n2\r\n0\r\n\r\n");
	is $c->response->body, '[12]', 'traffic';
	for my $bad ("GET / HTTP/1.1\r\n\r\n", "\0\0\0\r\n\r\n",
		     "GET /" . 'x' x 20_000, "POST /f HTTP/1.1\r\nHost: a\r\n"
		     . "Content-Length: 70000\r\n\r\n") {
		my $b = $s->client('http');

		$b->send($bad);
		$b->response;
	}
	# Clients that leave in the middle of everything.
	for my $half ("GET /a HT", "GET /big HTTP/1.1\r\nHost: a.example\r\n"
		      . "\r\n", "POST /f HTTP/1.1\r\nHost: a.example\r\n"
		      . "Content-Length: 100\r\n\r\nx=") {
		my $h = $s->client('http');

		$h->send($half);
		$h->reset;
	}
	my $echo = $s->client('echo');

	$echo->send('z' x 1_000_000);
	$echo->finish_sending;
	is length $echo->read_to_end, 1_000_000, 'echo';
	is(Holdfast::Client->new('unix:' . $s->path('s.sock'))->get('/')
		->body, 'ok', 'a Unix socket');
}

traffic();
$s->status for 1 .. 3;
$s->reload;
traffic();
$s->write_conf("nonsense = 1;\nlisteners = ( { address = 5; } );\n");
$s->signal('HUP');
$s->expect_log(qr/nonsense|listeners|reload failed/);
$s->wait_log(qr/reload failed/);
$s->write_conf($conf);
$s->signal('HUP');
$s->wait_log(qr/generation [34] serves/);
$s->wait_workers(2);
$s->signal('TTIN');
$s->wait_workers(3);
is(($s->run('reopen'))[0], 0, 'reopen');
traffic();

my $open = $s->client('http');	# through the end

$open->get('/a', Host => 'a.example');
$s->finish;

my @reports = glob $dir->path('log/valgrind.*');

cmp_ok scalar @reports, '>=', 8, 'a report of every process';
for my $report (@reports) {
	open my $in, '<', $report or die "$report: $!";
	my $text = do { local $/; readline($in) // '' };
	my ($pid) = $report =~ /(\d+)$/;

	# Of valgrind itself, such as that it does not know openat2(2), for
	# which holdfast then has another way.
	$text =~ s/^--\d+-- .*\n//mg;
	is $text, '', "process $pid: nothing to report";
}
done_testing;
