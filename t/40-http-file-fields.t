# SPDX-License-Identifier: BSD-2-Clause
#
# What a static route says of its files: their types, `charset`,
# `cache_control` and `expires`.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use Holdfast;

# Suffixes, and what browsers want them to be.
my %type = (
	html => 'text/html', css => 'text/css', js => 'text/javascript',
	mjs => 'text/javascript', json => 'application/json',
	map => 'application/json', wasm => 'application/wasm',
	webmanifest => 'application/manifest+json', xml => 'application/xml',
	svg => 'image/svg+xml', png => 'image/png', jpg => 'image/jpeg',
	gif => 'image/gif', webp => 'image/webp', avif => 'image/avif',
	jxl => 'image/jxl', ico => 'image/vnd.microsoft.icon',
	woff => 'font/woff', woff2 => 'font/woff2', ttf => 'font/ttf',
	otf => 'font/otf', mp4 => 'video/mp4', webm => 'video/webm',
	mp3 => 'audio/mpeg', ogg => 'audio/ogg', opus => 'audio/ogg',
	flac => 'audio/flac', wav => 'audio/wav', m4a => 'audio/mp4',
	txt => 'text/plain', md => 'text/markdown', csv => 'text/csv',
	vtt => 'text/vtt', ics => 'text/calendar', pdf => 'application/pdf',
	zip => 'application/zip', gz => 'application/gzip',
	tar => 'application/x-tar', zst => 'application/zstd',
	m3u8 => 'application/vnd.apple.mpegurl',
	yaml => 'application/yaml', atom => 'application/atom+xml',
	epub => 'application/epub+zip', bin => 'application/octet-stream',
);
my $s = Holdfast->start(files => {
	map { ("www/file.$_" => "content\n" x 10) } keys %type,
}, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/utf/"; handler = "static"; root = "%%DIR%%/www";
    charset = "utf-8"; },
  { path = "/hour/"; handler = "static"; root = "%%DIR%%/www";
    expires = "1h"; },
  { path = "/both/"; handler = "static"; root = "%%DIR%%/www";
    expires = "24h"; cache_control = "public, immutable"; },
  { path = "/control/"; handler = "static"; root = "%%DIR%%/www";
    cache_control = "no-cache"; } ); } );
E
my $c = $s->client;

for my $suffix (sort keys %type) {
	my $type = $type{$suffix};

	is $c->get("/file.$suffix")->field('content-type'), $type, $suffix;
	is $c->get("/utf/file.$suffix")->field('content-type'),
		$type =~ /^text/ ? "$type; charset=utf-8" : $type,
		"$suffix with a charset";
}

# Seconds from Date to Expires.
sub lifetime ($r) {
	my %month;
	@month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 0 .. 11;
	my ($date, $expires) = map {
		my ($d, $m, $y, $h, $min, $sec) = ($r->field($_) // '')
			=~ /(\d\d) (\w+) (\d{4}) (\d\d):(\d\d):(\d\d)/;

		defined $d ? POSIX::mktime($sec, $min, $h, $d, $month{$m},
			$y - 1900) : undef;
	} qw(Date Expires);

	return defined $expires ? $expires - $date : undef;
}

for my $case (
	['/', undef, undef],
	['/hour/', 'max-age=3600', 3600],
	['/both/', 'public, immutable', 86400],
	['/control/', 'no-cache', undef],
) {
	my ($at, $control, $lifetime) = @$case;
	my $target = "${at}file.html";
	my $tag = $c->get($target)->field('etag');
	my %response = (
		200 => $c->get($target),
		206 => $c->get($target, Range => 'bytes=0-3'),
		304 => $c->get($target, 'If-None-Match' => $tag),
		404 => $c->get("${at}missing"),
		412 => $c->get($target, 'If-Match' => '"x"'),
		416 => $c->get($target, Range => 'bytes=99999-'),
	);

	for my $status (sort keys %response) {
		my $r = $response{$status};
		my $is_good = $status < 400;
		my $seconds = lifetime($r);

		is $r->status, $status, "$target: $status";
		is $r->field('cache-control'), $is_good ? $control : undef,
			"$target: $status: Cache-Control";
		if ($is_good && defined $lifetime) {
			cmp_ok abs($seconds - $lifetime), '<=', 2,
				"$target: $status: Expires";
		} else {
			is $seconds, undef, "$target: $status: no Expires";
		}
	}
}

$c->close;
$s->finish;
done_testing;
