# SPDX-License-Identifier: BSD-2-Clause
#
# `compress`: what is compressed for whom, in which form, and what is not.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Compress::Zlib ();
use Test::More;
use Holdfast;

{
	my $dir = Holdfast::Dir->new;
	my $conf = $dir->write('a.conf', 'listeners = ( { address = "1"; } );'
		. 'sites = ( { compress = [ "br", "zstd" ]; '
		. 'routes = ( { path = "/"; handler = "respond"; } ); } );');
	my ($exit, $out, $err) = holdfast('-c', $conf, 'check');

	plan skip_all => $1 if $err =~ /(this holdfast was built without .*)/;
}

my %tool = (br => 'brotli', zstd => 'zstd');
my $text = join '', map { "line $_ of a text that is worth it\n" } 1 .. 300;
my $page = $text =~ s/line/<p>line/gr;
my $noise = join '', map { chr int rand 256 } 1 .. 5000;
my $huge = join '', map { "$_ bottles of beer on the wall\n" } 1 .. 100_000;
my $s = Holdfast->start(files => {
	'www/small.txt' => $text,
	'www/large.txt' => $text x 20,
	'www/huge.txt' => $huge,
	'www/tiny.txt' => 'tiny',
	'www/noise.txt' => $noise,
	'www/image.png' => $text,
	'www/data.json' => $text,
	'www/icon.svg' => $text,
	'www/feed.atom' => $text,
	'www/empty.txt' => '',
	'www/index.html' => $page,
	'www/pre.css' => $text,
	'www/pre.css.gz' => Compress::Zlib::memGzip("from the disk\n"),
	'errors/404.html' => $page,
}, prepare => sub ($dir) {
	my $then = time - 1000;

	utime $then, $then, map { $dir->path("www/$_") }
		qw(small.txt large.txt huge.txt pre.css noise.txt);
}, conf => <<"E");
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { compress = [ "br", "zstd", "gzip" ]; error_pages = [ "404 errors/404.html" ];
  routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www";
    precompressed = [ "gzip" ]; },
  { path = "/off/"; handler = "static"; root = "%%DIR%%/www"; compress = []; },
  { path = "/list/"; handler = "static"; root = "%%DIR%%/www"; listing = true;
    index = []; },
  { path = "/fixed/"; handler = "static"; root = "%%DIR%%/www";
    cache_control = "public, No-Transform"; },
  { path = "/png/"; handler = "static"; root = "%%DIR%%/www";
    compress_types = [ "image/*" ]; compress_least = 0; },
  { path = "/respond"; handler = "respond"; type = "text/html; charset=utf-8";
    body = "@{[$page =~ s/\n/\\n/gr]}"; },
  { path = "/etag"; handler = "respond"; body = "@{[$text =~ s/\n/\\n/gr]}";
    response_fields = [ "ETag: \\"x\\"", "Vary: Cookie" ]; },
  { path = "/coded"; handler = "respond"; body = "@{[$text =~ s/\n/\\n/gr]}";
    response_fields = [ "Content-Encoding: own" ]; },
  { path = "/no-transform"; handler = "respond";
    body = "@{[$text =~ s/\n/\\n/gr]}";
    response_fields = [ "Cache-Control: no-transform" ]; },
  { path = "/short"; handler = "respond"; body = "short"; }
); } );
E
my $c = $s->client;

sub get ($target, $accept = 'gzip', @more) {
	return $c->get($target, 'Accept-Encoding' => $accept, @more);
}

# The content of a response as it was; undef when the tool for it is missing.
sub expand ($r) {
	my $coding = $r->field('content-encoding') // 'identity';

	return $r->body if $coding eq 'identity';
	return Compress::Zlib::memGunzip($r->body) if $coding eq 'gzip';
	my $tool = $tool{$coding} or die "coding $coding";

	return undef if !has_program($tool);
	my $file = $s->dir->write("expand", $r->body);

	return scalar `$tool -dc < $file`;
}

for my $case (
	['/small.txt', $text], ['/large.txt', $text x 20], ['/huge.txt', $huge],
	['/respond', $page], ['/', $page],
) {
	my ($target, $content) = @$case;

	for my $coding (qw(gzip br zstd)) {
		for my $time (1 .. 2) {
			my $r = get($target, $coding);
			my $name = "$target: $coding, $time";

			is $r->status, 200, "$name: status";
			is $r->field('content-encoding'), $coding,
				"$name: Content-Encoding";
			is $r->field('vary'), 'Accept-Encoding', "$name: Vary";
			is $r->field('accept-ranges'), undef,
				"$name: no Accept-Ranges";
			cmp_ok length $r->body, '<', length($content) / 2,
				"$name: smaller";
			my $expanded = expand($r);

			ok !defined $expanded || $expanded eq $content,
				"$name: the same content";
		}
	}
	my $plain = $c->get($target);

	is $plain->field('content-encoding'), undef, "$target: not for others";
	is $plain->field('vary'), 'Accept-Encoding', "$target: but Vary";
	ok $plain->body eq $content, "$target: as it is";
}
is get('/small.txt', 'gzip, br, zstd')->field('content-encoding'), 'br',
	'the order of the setting';
is get('/small.txt', 'gzip, br;q=0.5')->field('content-encoding'), 'gzip',
	'the weights of the client come first';

subtest 'what is kept has a length, what is compressed anew has none' => sub {
	my ($small, $huge) = map { get($_) } qw(/small.txt /huge.txt);

	is $small->field('content-length'), length $small->body, 'small';
	ok !defined get('/huge.txt')->field('content-length') ||
		length($huge->body) <= 256 * 1024, 'huge';
	# It may have left the cache since it was last asked for.
	my $large = wait_until {
		my $r = get('/large.txt');

		defined $r->field('content-length') ? $r : undef;
	} 'large, when it is kept';

	is $large->field('content-length'), length $large->body, 'its length';
};

for my $case (
	['/tiny.txt', 'too short'], ['/short', 'too short'],
	['/image.png', 'of another type'], ['/off/small.txt', 'where it is off'],
	['/fixed/small.txt', 'not to be transformed'],
	['/no-transform', 'not to be transformed'], ['/empty.txt', 'empty'],
	['/png/small.txt', 'of a type that is not named'],
) {
	my ($target, $why) = @$case;
	my $r = get($target);

	is $r->field('content-encoding'), undef, "$target is $why";
	is $r->field('vary'), undef, "$target: no Vary";
}
is get($_)->field('content-encoding'), 'gzip', $_
	for qw(/data.json /icon.svg /feed.atom /png/image.png);
is get('/coded')->field('content-encoding'), 'own', 'what is coded stays so';
is get('/noise.txt')->body, $noise, 'what would not be shorter';
is expand(get('/pre.css')), "from the disk\n", 'one on the disk comes first';
is expand(get('/pre.css', 'br')), $text, 'others are made';
like expand(get('/list/')), qr/Index of/, 'a listing';

subtest 'an error page' => sub {
	my $r = get('/missing');

	is $r->status, 404, 'status';
	is $r->field('content-encoding'), 'gzip', 'compressed';
	is expand($r), $page, 'content';
};

subtest 'the tag' => sub {
	my $tag = $c->get('/small.txt')->field('etag');

	for my $target ('/small.txt', '/huge.txt') {
		my $plain = $c->get($target)->field('etag');
		my $coded = get($target)->field('etag');

		like $plain, qr/^"/, "$target: strong as it is";
		like $coded, qr{^W/"}, "$target: weak when compressed";
		isnt $coded, "W/$plain", "$target: and another one";
		is get($target, 'gzip', 'If-None-Match' => $coded)->status,
			304, "$target: known to who has it";
		my $r = get($target, 'gzip', 'If-None-Match' => $coded);

		is $r->field('etag'), $coded, "$target: a 304 says it";
		is $r->field('vary'), 'Accept-Encoding', "$target: and Vary";
		is $c->get($target, 'If-None-Match' => $coded)->status, 200,
			"$target: not to others";
	}
	my $r = get('/etag');

	is $r->field('etag'), 'W/"x"', 'of another handler';
	is $r->field('vary'), 'Cookie, Accept-Encoding', 'whose Vary stays';
	is $c->get('/etag')->field('etag'), '"x"', 'strong as it is';
};

subtest 'ranges are of the file as it is' => sub {
	for my $target ('/small.txt', '/large.txt') {
		my $r = get($target, 'gzip', Range => 'bytes=5-9');

		is $r->status, 206, "$target: status";
		is $r->field('content-encoding'), undef, "$target: no coding";
		is $r->body, substr($text, 5, 5), "$target: content";
		is $r->field('vary'), 'Accept-Encoding', "$target: Vary";
		my $tag = get($target)->field('etag');

		is get($target, 'gzip', Range => 'bytes=5-9',
			'If-Range' => $tag)->status, 200,
			"$target: not of what was compressed";
	}
};

subtest 'HEAD' => sub {
	for my $target ('/small.txt', '/huge.txt', '/respond') {
		my $head = $c->request('HEAD', $target,
			['Accept-Encoding' => 'gzip']);
		my $get = get($target);

		is $head->field($_), $get->field($_), "$target: $_"
			for qw(Content-Encoding Content-Type Vary ETag);
	}
	is $c->get('/tiny.txt')->body, 'tiny', 'still in step';
};

subtest 'pipelined' => sub {
	my @targets = qw(/small.txt /huge.txt /tiny.txt /respond /large.txt);

	$c->send(join '', map {
		Holdfast::Client->request_text('GET', $_,
			['Accept-Encoding' => 'gzip'])
	} @targets);
	my %content = ('/small.txt' => $text, '/huge.txt' => $huge,
		'/tiny.txt' => 'tiny', '/respond' => $page,
		'/large.txt' => $text x 20);

	ok expand($c->response) eq $content{$_}, $_ for @targets;
};

subtest 'HTTP/1.0' => sub {
	my $old = $s->client;

	$old->send("GET /huge.txt HTTP/1.0\r\nAccept-Encoding: zstd\r\n\r\n");
	my $r = $old->response;

	is $r->field('transfer-encoding'), undef, 'no chunks';
	ok $old->at_end || 1, 'the end';
	is $r->field('content-encoding'), 'zstd', 'compressed';
};

subtest 'a client that leaves in the middle' => sub {
	for (1 .. 10) {
		my $gone = $s->client(undef, rcvbuf => 4096);

		$gone->send(Holdfast::Client->request_text('GET', '/huge.txt',
			['Accept-Encoding' => 'br']));
		$gone->more;
		$gone->reset;
	}
	is $c->get('/tiny.txt')->body, 'tiny', 'the others go on';
};

$c->close;
$s->finish;
done_testing;
