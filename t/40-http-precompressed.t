# SPDX-License-Identifier: BSD-2-Clause
#
# `precompressed`: files that lie beside others, compressed, and who gets them.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $large = 'large gzip content ' x 3000;
my $s = Holdfast->start(files => {
	'www/app.js' => "the script\n" x 9,
	'www/app.js.gz' => 'gzipped script',
	'www/app.js.br' => 'brotli script',
	'www/app.js.zst' => 'zstd script',
	'www/gz.css' => "style\n",
	'www/gz.css.gz' => 'gzipped style',
	'www/large.txt' => 'large content ' x 9000,
	'www/large.txt.gz' => $large,
	'www/old.html' => "new\n",
	'www/old.html.gz' => 'old, gzipped',
	'www/plain.txt' => "plain\n",
	'www/only.txt.gz' => 'only gzipped',
	'www/dir/index.html' => "index\n",
	'www/dir/index.html.gz' => 'gzipped index',
}, prepare => sub ($dir) {
	my $then = time - 1000;

	utime $then, $then, map { $dir->path("www/$_") }
		qw(app.js gz.css large.txt plain.txt dir/index.html);
	utime $then - 1, $then - 1, $dir->path('www/old.html.gz');
}, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www";
    precompressed = [ "br", "zstd", "gzip" ]; },
  { path = "/off/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my $c = $s->client;
my $identity = "the script\n" x 9;

sub get ($target, $accept, @more) {
	return $c->get($target,
		defined $accept ? ('Accept-Encoding' => $accept) : (), @more);
}

# [Accept-Encoding, Content-Encoding]
for my $case (
	[undef, undef],
	['', undef],
	['identity', undef],
	['gzip', 'gzip'],
	['x-gzip', 'gzip'],
	['GZIP', 'gzip'],
	['br', 'br'],
	['zstd', 'zstd'],
	['gzip, deflate, br, zstd', 'br'],
	['gzip, deflate, zstd', 'zstd'],
	['deflate', undef],
	['*', 'br'],
	['*, br;q=0', 'zstd'],
	['br;q=0, zstd;q=0.0, gzip', 'gzip'],
	['br;q=0.1, gzip;q=0.9, zstd;q=0.5', 'gzip'],
	['gzip;q=0', undef],
	['*;q=0', undef],
	['gzip;q=0.5, identity', undef],
	['gzip;q=0.5, identity;q=0.2', 'gzip'],
	['gzip;q=2', undef],
	['gzip;;q=0.3', 'gzip'],
) {
	my ($accept, $coding) = @$case;
	my $r = get('/app.js', $accept);
	my $name = $accept // 'no field';
	my %content = (gzip => 'gzipped', br => 'brotli', zstd => 'zstd');

	is $r->status, 200, "$name: status";
	is $r->field('content-encoding'), $coding, "$name: Content-Encoding";
	is $r->body, defined $coding ? "$content{$coding} script" : $identity,
		"$name: content";
	is $r->field('vary'), 'Accept-Encoding', "$name: Vary";
	like $r->field('content-type'), qr{^text/javascript}, "$name: type";
}
is $c->get('/app.js', 'Accept-Encoding' => 'br;q=0.1',
		'Accept-Encoding' => 'gzip')->field('content-encoding'), 'gzip',
	'a list in two lines';

subtest 'each is a representation of its own' => sub {
	my %tag = map { $_ => get('/app.js', $_)->field('etag') }
		qw(identity gzip br zstd);
	my %of = reverse %tag;

	is scalar(keys %of), 4, 'four tags';
	for my $coding (sort keys %tag) {
		is get('/app.js', $coding, 'If-None-Match' => $tag{$_})->status,
			$_ eq $coding ? 304 : 200, "$coding: the tag of $_"
			for sort keys %tag;
	}
	my $r = get('/app.js', 'gzip', 'If-None-Match' => $tag{gzip});

	is $r->field('vary'), 'Accept-Encoding', 'a 304 says Vary too';
	is $r->field('etag'), $tag{gzip}, 'and which tag';
	is get('/app.js', 'gzip', 'If-Match' => $tag{br})->status, 412,
		'another one does not match';
};

subtest 'ranges of the one that is sent' => sub {
	for my $case (['/app.js', 'gzipped script'], ['/large.txt', $large]) {
		my ($target, $all) = @$case;
		my $r = get($target, 'gzip', Range => 'bytes=2-5');

		is $r->status, 206, "$target: status";
		is $r->field('content-range'), 'bytes 2-5/' . length $all,
			"$target: Content-Range";
		is $r->field('content-encoding'), 'gzip', "$target: coding";
		is $r->body, substr($all, 2, 4), "$target: content";
		ok get($target, 'gzip')->body eq $all, "$target: all of it";
	}
};

is get('/gz.css', 'br, gzip')->body, 'gzipped style', 'what is there';
is get('/gz.css', 'br')->field('vary'), 'Accept-Encoding',
	'Vary where another one could be sent';
is get('/plain.txt', 'gzip')->field('vary'), undef, 'no Vary where none can';
is get('/old.html', 'gzip')->body, "new\n", 'an older one is not sent';
is get('/only.txt', 'gzip')->status, 404, 'nor one of nothing';
is get('/only.txt.gz', undef)->body, 'only gzipped', 'it is itself';
is get('/dir/', 'gzip')->body, 'gzipped index', 'of an index';
is get('/off/app.js', 'gzip')->body, $identity, 'not without the setting';
is $c->request('HEAD', '/app.js', ['Accept-Encoding', 'br'])
	->field('content-length'), length 'brotli script', 'HEAD';

subtest 'one that comes and goes' => sub {
	is get('/plain.txt', 'gzip')->body, "plain\n", 'before';
	$s->dir->write('www/plain.txt.gz', 'gzipped plain');
	wait_until { get('/plain.txt', 'gzip')->body eq 'gzipped plain' }
		'the new one';
	is get('/plain.txt', undef)->body, "plain\n", 'not for everyone';
	$s->dir->replace('www/plain.txt', "changed\n");
	unlink $s->path('www/plain.txt.gz');
	wait_until { get('/plain.txt', 'gzip')->body eq "changed\n" }
		'it is gone';
};

$c->close;
$s->finish;
done_testing;
