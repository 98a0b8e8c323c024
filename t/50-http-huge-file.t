# SPDX-License-Identifier: BSD-2-Clause
#
# A sparse file of 10 GB, by short ranges and a long one: offsets beyond 32 bits,
# and the worker's memory stays flat.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(rss_kb);

plan skip_all => 'no curl here' unless has_program('curl');

my $size = 10 << 30;
my @marks = (0, 2**31 - 3, 2**32 - 3, 2**33 + 12345, $size - 6);
my $s = Holdfast->start(prepare => sub ($dir) {
		my $path = $dir->write('www/huge', '');

		truncate $path, $size or die "truncate: $!";
		open my $out, '+<:raw', $path or die "$path: $!";
		for my $at (@marks) {
			seek $out, $at, 0;
			print {$out} "mark:", $at % 10;
		}
		close $out;
	}, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my ($worker) = $s->workers;
my $before = rss_kb($worker);
my $c = $s->client;

is $c->request('HEAD', '/huge')->field('content-length'), $size, 'its size';
for my $at (@marks) {
	my $end = $at + 5;
	my $r = $c->get('/huge', Range => "bytes=$at-$end");

	is $r->status, 206, "at $at: status";
	is $r->field('content-range'), "bytes $at-$end/$size",
		"at $at: Content-Range";
	is $r->body, 'mark:' . $at % 10, "at $at: content";
}
is $c->get('/huge', Range => 'bytes=-6')->body, 'mark:' . $marks[-1] % 10,
	'the end of it';
is $c->get('/huge', Range => "bytes=$size-")->field('content-range'),
	"bytes */$size", 'after its end';

# The last part of it, more than 32 bits can count, or less where everything is
# slow.
my $want = scaled(5 << 30);
my $from = $size - $want;
my $curl = Holdfast::Command->new(['curl', '-sS', '-o', '/dev/null',
	'-r', "$from-", '-w', '%{http_code} %{size_download}',
	'http://' . $s->address . '/huge']);
my ($status, $out, $err) = $curl->wait(4 * patience());

is $out, "206 $want", 'a long range' or diag $err;
SKIP: {
	skip 'memory of sanitizers is not the server\'s', 1
		if binary_has_sanitizers();
	cmp_ok rss_kb($worker) - $before, '<', 4 * 1024,
		'the worker did not grow';
}

$c->close;
$s->finish;
done_testing;
