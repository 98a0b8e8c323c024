# SPDX-License-Identifier: BSD-2-Clause
#
# Validators change with the content, also where the time of a file says nothing:
# reproducible builds and archives give every version the same.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Compress::Gzip qw(gzip);
use Test::More;
use Holdfast;

my @odd = (0, 1, 86400, 315532800, 315532800 - 7200);
my $s = Holdfast->start(files => { 'www/x' => '' }, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; precompressed = [ "gzip" ]; },
  { path = "/packed/"; handler = "static"; root = "%%DIR%%/www"; compress = [ "gzip" ]; }
); } );
E
my $c = $s->client;

# In place of what is there, as a build does it.
sub put ($name, $content, $time) {
	my $path = $s->path("www/$name");

	$s->dir->write("www/$name.new", $content);
	utime $time, $time, "$path.new" or die $!;
	rename "$path.new", $path or die $!;
}

sub versions ($what, $target, $one, $two, $time, @fields) {
	put($target, $one, $time);
	my $r = $c->get("/$target", @fields);
	my $etag = $r->field('etag');

	like $etag, qr/\A(?:W\/)?"[!-~]+"\z/, "$what: an ETag";
	is $r->field('last-modified'), undef, "$what: no Last-Modified";
	is $c->get("/$target", @fields, 'If-None-Match' => $etag)->status, 304,
		"$what: 304 while it is the same";
	is $c->get("/$target", @fields, 'If-Modified-Since' =>
			'Thu, 19 Nov 2026 00:00:00 GMT')->status, 200,
		"$what: a date says nothing";
	put($target, $two, $time);
	my $changed = wait_until {
		my $now = $c->get("/$target", @fields, 'If-None-Match' => $etag);

		$now->status == 200 ? $now : undef;
	} "$what: another content is another version";

	isnt $changed->field('etag'), $etag, "$what: with another ETag";
	is $c->get("/$target", @fields, Range => 'bytes=1-2', 'If-Range' => $etag)
		->status, 200, "$what: and no part of it belongs to the other";
	return $etag;
}

for my $time (@odd) {
	versions("time $time", "f$time", "aaaa\n", "bbbb\n", $time);
	versions("time $time, not in memory", "m$time", 'a' x 50_000, 'b' x 50_000,
		$time);
	versions("time $time, large", "l$time", 'a' x 300_000, 'b' x 300_000, $time);
}

subtest 'a large file that is changed in place' => sub {
	my $path = $s->path('www/l1');
	my $etag = $c->get('/l1')->field('etag');

	open my $file, '+<', $path or die $!;
	print $file 'c';
	close $file or die $!;
	utime 1, 1, $path or die $!;
	isnt $c->get('/l1')->field('etag'), $etag, 'is another version, too';
};

subtest 'the same content has the same ETag' => sub {
	for my $size (0, 5, 50_000) {
		put('x', 'x' x $size, 1);
		put('y', 'x' x $size, 86_000);
		is $c->get('/x')->field('etag'), $c->get('/y')->field('etag'),
			"of $size bytes, wherever it is";
	}
};

subtest 'compressed ones' => sub {
	my ($one, $two) = map { my $text = $_ x 100; gzip(\$text, \my $packed); $packed }
		"one\n", "two\n";
	my @accept = ('Accept-Encoding' => 'gzip');

	put('z.gz', $one, 1);
	put('z', "z\n" x 100, 1);
	my $etag = $c->get('/z', @accept)->field('etag');

	isnt $etag, $c->get('/z')->field('etag'), 'beside the file';
	put('z.gz', $two, 1);
	wait_until { $c->get('/z', @accept, 'If-None-Match' => $etag)->status == 200 }
		'another one is another version';

	put('p.txt', "one\n" x 1000, 1);
	$etag = $c->get('/packed/p.txt', @accept)->field('etag');
	like $etag, qr/\AW\//, 'made by the server';
	put('p.txt', "two\n" x 1000, 1);
	wait_until { $c->get('/packed/p.txt', @accept, 'If-None-Match' => $etag)
			->status == 200 } 'likewise';
};

subtest 'where the time says something' => sub {
	for my $time (86401, 1_700_000_000, 315532800 + 100_000) {
		put('t', "t\n", $time);
		my $r = $c->get('/t');

		ok defined $r->field('last-modified'), 'it is the Last-Modified';
		is $r->field('etag'), sprintf('"%x-2"', $time * 1_000_000_000),
			'and, with the size, the ETag';
	}
};
$c->close;
$s->finish;
done_testing;
