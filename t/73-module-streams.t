# SPDX-License-Identifier: BSD-2-Clause
#
# Responses that a module gives in pieces: of known and unknown length, fast
# and slow, to HTTP/1.0 and HEAD, to clients that are slow or go, cut in the
# middle; and the memory that it takes.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Compress::Raw::Zlib qw(WANT_GZIP);
use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler build_module);
use Holdfast::Proc qw(rss_kb);

plan skip_all => 'no C compiler here' unless has_compiler();

my $s = Holdfast->start(prepare => sub ($dir) {
	build_module($dir->path('probe.so'), 'probe');
	build_module($dir->path('half.so'), 'probe', '-DHALF_CLOSED');
}, conf => <<'E');
workers = 1;
log = { access = "%%DIR%%/access.log"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/m"; handler = "module"; module = "./probe.so"; },
  { path = "/z"; handler = "module"; module = "./probe.so";
    compress = [ "gzip" ]; compress_types = [ "text/plain" ];
    compress_min = 0; },
  { path = "/half"; handler = "module"; module = "./half.so"; },
  { path = "/r"; handler = "respond"; body = "canary"; }
); } );
E
my ($worker) = $s->workers;
my $c = $s->client;

sub canary ($name, $client = $c) {
	is $client->get('/r')->body, 'canary', "$name: in step";
}

sub pattern ($n) {
	state $line = join('', map { chr(48 + $_) } 0 .. 62) . "\n";

	return substr $line x ($n / 64 + 1), 0, $n;
}

sub held () { return $s->get('/m/held')->body - 1 }

# Known or not; made when it is wanted, or by a timer.
for my $how ('', '&ms=1', '&piece=7', '&piece=100000', '&piece=100000&ms=1') {
	for my $size (0, 1, 6, 7, 16384, 16385, 100_000) {
		next if $how eq '&piece=7' && $size > 20_000;
		for my $known (0, 1) {
			my $name = ($known ? 'known' : 'unknown') .
				" length, $size bytes$how";
			my $r = $c->get("/m/stream?size=$size&known=$known$how");

			ok $r->body eq pattern($size), $name
				or diag length $r->body;
			is $r->field('content-length'),
				$known ? $size : undef, "$name: its length";
			is $r->field('transfer-encoding'),
				$known ? undef : 'chunked', "$name: its coding";
		}
	}
	canary("'$how'");
}

subtest 'in a pipeline' => sub {
	my @all = map {
		(["/m/stream?size=$_&ms=1&known=" . $_ % 2, $_],
		 ["/m/stream?size=$_", $_], ['/r', undef])
	} (3, 40000, 100, 70000, 1);

	$c->send(join '', map { $c->request_text('GET', $_->[0]) } @all);
	my $good = 0;

	for my $one (@all) {
		my $body = $c->response->body;

		$good++ if $body eq (defined $one->[1] ? pattern($one->[1])
			: 'canary');
	}
	is $good, scalar @all, 'all, in order';
	canary('pipeline');
};

subtest 'HEAD, and statuses without content' => sub {
	for my $how ('', '&ms=5') {
		my $r = $c->request('HEAD', "/m/stream?size=20000&known=1$how");

		is $r->field('content-length'), 20000, "the length$how";
		$r = $c->request('HEAD', "/m/stream?size=20000$how");
		is $r->field('content-length'), undef, "or none$how";
		canary("HEAD$how");
		for my $status (204, 205, 304) {
			$r = $c->get("/m/stream?status=$status&size=9$how");
			is $r->status, $status, "status $status$how";
			is $r->body // '', '', "without content$how";
			canary("$status$how");
		}
	}
	is held(), 0, 'nothing is held';
};

subtest 'HTTP/1.0' => sub {
	for my $how ('', '&ms=1') {
		my $e = $s->client;

		$e->send("GET /m/stream?size=40000$how HTTP/1.0\r\n" .
			"Connection: keep-alive\r\n\r\n");
		my $r = $e->response;

		ok $r->body eq pattern(40000), "unknown length$how";
		ok !$r->field('transfer-encoding'), "not in chunks$how";
		ok $r->closes, "and closes$how";
		ok !$e->was_reset, "politely$how";

		$e = $s->client;
		$e->send("GET /m/stream?size=40000&known=1$how HTTP/1.0\r\n" .
			"Connection: keep-alive\r\n\r\n");
		ok $e->response->body eq pattern(40000), "known length$how";
		canary("1.0$how", $e);
	}
};

subtest 'pieces come as they are made' => sub {
	my $e = $s->client;

	$e->send($e->request_text('GET',
		'/m/stream?size=4&piece=1&ms=300'));
	my $start = now();

	$e->read_until("0001\r\n0");
	cmp_ok now() - $start, '<', 0.15 * slow(), 'the first at once';
	$e->read_until("0\r\n\r\n");
	cmp_ok now() - $start, '>', 0.8, 'the last in its time';
};

subtest 'compressed' => sub {
	for my $how ('', '&known=1', '&ms=1', '&known=1&ms=1', '&piece=7') {
		for my $size (0, 1, 40000) {
			my $r = $c->get("/z/stream?size=$size$how",
				'Accept-Encoding' => 'gzip');
			my $text = '';

			is $r->field('content-encoding'), 'gzip',
				"$size bytes$how: gzip";
			gunzip(\$r->body, \$text);
			ok $text eq pattern($size), 'the content';
		}
	}
	is $c->request('HEAD', '/z/stream?known=1', ['Accept-Encoding' =>
		'gzip'])->status, 200, 'HEAD';
	my $e = $s->client;

	# What has come of it, uncompressed: it is not held back.
	$e->send($e->request_text('GET', '/z/open', ['Accept-Encoding' =>
		'gzip']));
	$e->read_until("\r\n\r\n");
	my $inflate = Compress::Raw::Zlib::Inflate->new(
		-WindowBits => WANT_GZIP);
	my $text = '';

	while ($text eq '') {
		my ($size) = $e->read_until("\r\n") =~ /^([0-9a-f]+)/;

		$inflate->inflate($e->read_bytes(hex $size), $text);
		$e->read_bytes(2);
	}
	is $text, "open\n", 'pieces come as they are made';
	my $n = () = $s->logged(qr/ended \/open cut/);

	$e->reset;
	$s->wait_log(qr/ended \/open cut/, $n + 1);
	for my $what (qw(short flood)) {
		$s->expect_log(qr/error worker 0\[\d+\]: module probe: /);
		$e = $s->client;
		$e->send($e->request_text('GET', "/z/err/$what",
			['Accept-Encoding' => 'gzip']));
		unlike $e->read_to_end, qr/\r\n0\r\n\r\n\z/, "$what: cut";
	}
	canary('compressed');
};

subtest 'cut in the middle' => sub {
	for my $case (
		['chunked', "/m/cut", 'HTTP/1.1', 0],
		['known length', '/m/cut?known=1', 'HTTP/1.1', 0],
		# Else it would seem to be whole.
		['until the end', '/m/cut', 'HTTP/1.0', 1],
	) {
		my ($name, $target, $version, $reset) = @$case;
		my $e = $s->client;
		my $n = () = $s->logged(qr/ended \/cut cut/);

		$e->send("GET $target $version\r\nHost: a\r\n\r\n");
		my $got = $e->read_to_end;

		like $got, qr/\r\n\r\n(?:0004\r\n)?some/, "$name: the beginning";
		unlike $got, qr/0\r\n\r\n\z/, "$name: no end";
		is $e->was_reset, $reset, "$name: " . ($reset ? 'reset'
			: 'closed');
		$s->wait_log(qr/ended \/cut cut/, $n + 1);
	}
	canary('cut');
};

subtest 'clients that go' => sub {
	for my $how (qw(reset close finish_sending)) {
		for my $what ('hold', 'open', 'stream?size=1000000&ms=5&piece=9',
			      'stream?size=1000000000') {
			my ($name) = $what =~ /^(\w+)/;
			my $e = $s->client(undef, rcvbuf => 4096);
			my $n = () = $s->logged(qr/ended \/$name cut/);

			$e->send($e->request_text('GET', "/m/$what"));
			wait_until { held() == 1 } 'it to be held';
			$e->$how;
			# One that only says nothing more may still read.
			$e->reset if $how eq 'finish_sending' &&
				$what =~ /stream/;
			$s->wait_log(qr/ended \/$name cut/, $n + 1);
			is held(), 0, "$how during $what";
		}
	}
	is scalar($s->logged(qr/ended \/hold cut/)), 3, 'each once';
	wait_until { ($s->dir->read('access.log') // '') =~ m{/hold HTTP/1.1" 499}
		} 'the access log to say 499';
	canary('gone');
};

subtest 'a client that has closed its side' => sub {
	my $e = $s->client;

	$e->send($e->request_text('GET', '/half/later?ms=100'));
	$e->finish_sending;
	is $e->response->body, "later\n", 'is answered where the module says so';
	$e = $s->client;
	$e->send($e->request_text('GET', '/half/stream?ms=10&size=20&piece=5'));
	$e->finish_sending;
	is $e->response->body, pattern(20), 'with a stream';
	$e = $s->client;
	$e->send($e->request_text('GET', '/m/respond'));
	$e->finish_sending;
	is $e->response->body, 'x' x 9, 'with what is there at once, always';
	$e = $s->client;
	$e->send($e->request_text('GET', '/m/stream?size=300000'));
	$e->finish_sending;
	ok $e->response->body eq pattern(300000),
		'with a stream that waits for nobody else';
};

subtest 'a slow client, and the memory of the worker' => sub {
	my $size = scaled(100 << 20);
	my $before = rss_kb($worker);
	my $most = 0;

	for my $how ('', '&known=1', '&ms=1&piece=65536') {
		my $all = $how =~ /ms/ ? $size >> 4 : $size;
		my $e = $s->client(undef, rcvbuf => 65536);
		my ($got, $tail) = (0, '');

		$e->send($e->request_text('GET', "/m/stream?size=$all$how") .
			$e->request_text('GET', '/r'));
		while ($tail !~ /canary\z/ && $e->more) {
			my $text = $e->read_bytes(length $e->buffered);

			$got += length $text;
			$tail = substr $tail . $text, -10;
			next if int $got >> 20 == int(($got - length $text) >> 20);
			my $rss = rss_kb($worker);

			$most = $rss if $rss > $most;
		}
		cmp_ok $got, '>', $all, "all of it came$how";
	}
	# Nobody reads.
	my @stuck = map { $s->client(undef, rcvbuf => 4096) } 1 .. 20;

	$_->send($_->request_text('GET', '/m/stream?size=100000000&piece=65536'))
		for @stuck;
	wait_until { held() == 20 } 'them to be held';
	my $rss = rss_kb($worker);

	$_->reset for @stuck;
	wait_until { held() == 0 } 'them to be let go';
	SKIP: {
		skip 'memory of sanitizers is not the server\'s', 2
			if binary_has_sanitizers();
		cmp_ok $most - $before, '<', 2048, 'it does not grow';
		cmp_ok $rss - $before, '<', 20 * 256,
			'nor by those who do not read';
	}
	like $s->wait_log(qr/ended \/stream whole, full \d+/)->{text},
		qr/full/, 'back-pressure is told';
	canary('slow');
};

canary('the end');
$s->finish;
done_testing;
