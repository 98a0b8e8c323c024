# SPDX-License-Identifier: BSD-2-Clause
#
# A file of 200 MB: every byte of it, fast, slowly, and to several at once,
# without the worker holding it in memory.
use v5.36;
use Digest::MD5;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Proc qw(rss_kb);

my $size = 200 << 20;
my $s = Holdfast->start(files => { 'www/a' => "a\n" },
	prepare => sub ($dir) {
		# Sparse: but for marks at odd places it takes no disk.
		my $path = $dir->write('www/big', '');

		truncate $path, $size or die "truncate: $!";
		open my $out, '+<:raw', $path or die "$path: $!";
		for (my $at = 0; $at < $size; $at += 1_234_567) {
			seek $out, $at, 0;
			print {$out} "mark at $at";
		}
		close $out;
		truncate $path, $size;
	}, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my $want = do {
	open my $in, '<:raw', $s->path('www/big') or die $!;
	Digest::MD5->new->addfile($in)->hexdigest;
};
my $get = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";

sub begin ($c) {
	my $head = $c->read_until("\r\n\r\n");

	like $head, qr/\AHTTP\/1\.1 200 OK\r\n/, 'status';
	like $head, qr/^Content-Length: $size\r$/mi, 'Content-Length';
}

# Reads the content; pauses `$pause` seconds after every `$piece` bytes of
# the first `$slowly`. Returns its digest.
sub digest ($c, $piece = 1 << 20, $pause = 0, $slowly = 0) {
	my $md5 = Digest::MD5->new;
	my $left = $size;

	while ($left > 0) {
		my $bytes = $c->read_bytes($left < $piece ? $left : $piece);

		last if $bytes eq '';
		$md5->add($bytes);
		$left -= length $bytes;
		sleep $pause if $pause && $size - $left < $slowly;
	}
	return $left ? "$left bytes missing" : $md5->hexdigest;
}

my ($worker) = $s->workers;
my $before = rss_kb($worker);

subtest 'at full speed' => sub {
	my $c = $s->client;

	$c->send($get);
	begin($c);
	is digest($c), $want, 'every byte';
	is $c->get('/a')->body, "a\n", 'and in step';
};

subtest 'slowly, with little room, while others are served' => sub {
	my $c = $s->client(undef, rcvbuf => 8192);
	my $other = $s->client;

	$c->send($get);
	begin($c);
	is digest($c, 65536, 0.01, 3 << 20), $want, 'every byte';
	is $other->get('/a')->body, "a\n", 'another is served';
};

subtest 'to many readers that are stuck, others are served' => sub {
	my @stuck = map { $s->client(undef, rcvbuf => 4096) } 1 .. 20;

	$_->send($get) for @stuck;
	begin($_) for @stuck[0 .. 1];
	my $c = $s->client;
	my $good = grep { $c->get('/a')->body eq "a\n" } 1 .. 50;

	is $good, 50, 'all answered';
	$_->reset for @stuck;
	is $c->get('/a')->body, "a\n", 'and after their resets';
};

subtest 'HEAD' => sub {
	my $c = $s->client;

	is $c->request('HEAD', '/big')->field('content-length'), $size,
		'says its size';
	is $c->get('/a')->body, "a\n", 'and sends nothing of it';
};

SKIP: {
	skip 'memory of sanitizers is not the server\'s', 1
		if binary_has_sanitizers();
	cmp_ok rss_kb($worker) - $before, '<', 16 * 1024,
		'the worker did not take it into memory';
}

$s->finish;
done_testing;
