# SPDX-License-Identifier: BSD-2-Clause
#
# A browser plays media from a static route and jumps about in them, which it
# does by asking for ranges; and it shows the listing of a directory.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

plan skip_all => 'no chromium here' unless has_program('chromium');
plan skip_all => 'a browser is too slow for this' if binary_has_sanitizers();

# Minutes of silence, with a head as RIFF has it: more than a browser loads
# ahead, so that it has to ask for where it jumps to.
sub wav ($seconds) {
	my ($rate, $channels, $bytes) = (48_000, 2, 2);
	my $size = $seconds * $rate * $channels * $bytes;

	return pack('a4Va4a4VvvVVvva4V', 'RIFF', 36 + $size, 'WAVE', 'fmt ',
		16, 1, $channels, $rate, $rate * $channels * $bytes,
		$channels * $bytes, 8 * $bytes, 'data', $size)
		. "\0" x $size;
}

# Plays, jumps to each place and plays on there; then tells the server.
my $page = <<'PAGE';
<!doctype html>
<title>media</title>
<video id="media" muted preload="auto"></video>
<script>
const media = document.getElementById("media");
const places = [0.9, 0.1, 0.5];
const say = (text) => fetch("/said?" + encodeURIComponent(text));
let place = -1, wanted = 0;

function next() {
	if (++place == places.length)
		return say("played");
	wanted = places[place] * media.duration;
	media.currentTime = wanted;
}
media.addEventListener("error", () => say("error " + media.error.message));
media.addEventListener("timeupdate", () => {
	if (!media.seeking && media.currentTime > wanted)
		next();
});
media.src = location.search.slice(1);
media.play().catch((error) => say("error " + error));
</script>
PAGE

my $s = Holdfast->start(
	files => { 'www/page.html' => $page, 'www/silence.wav' => wav(300),
		'www/files/a b & <c>.txt' => "x\n" },
	prepare => sub ($dir) { $dir->mkdir('log') }, conf => <<'CONF');
log = { access = "%%DIR%%/log/access.log"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www";
    listing = true; },
  { path = "/said"; handler = "respond"; body = "thanks"; } ); } );
CONF

sub browser ($name, @arguments) {
	return Holdfast::Command->new(['chromium', '--headless=new',
		'--no-sandbox', '--disable-gpu', '--no-first-run',
		'--disable-background-networking', '--disable-component-update',
		'--disable-sync', '--disable-quic', '--mute-audio',
		'--autoplay-policy=no-user-gesture-required',
		'--user-data-dir=' . $s->path("profile-$name"), @arguments],
		env => { HOME => $s->dir->path });
}

my @media = 'silence.wav';

if ($ENV{HOLDFAST_TEST_LONG} && has_program('ffmpeg')) {
	my $ffmpeg = Holdfast::Command->new(['ffmpeg', '-loglevel', 'error',
		'-f', 'lavfi', '-i', 'testsrc=size=640x360:rate=25:duration=40,'
			. 'noise=alls=60:allf=t',
		'-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8',
		'-b:v', '8M', $s->path('www/video.webm')]);
	my ($exit, undef, $err) = $ffmpeg->wait;

	is $exit, 0, 'a video is made' or diag $err;
	push @media, 'video.webm';
}

for my $name (@media) {
	subtest $name => sub {
		my $log = sub { $s->dir->read('log/access.log') // '' };
		my $browser = browser($name, '--remote-debugging-port=0',
			'http://' . $s->address . "/page.html?/$name");
		my $said = wait_until {
			$log->() =~ m{GET /said\?(\S+) [^\n]*\Q$name\E}
				? $1 : undef;
		} 'the browser to say how it went', 60;
		my @lines = grep { m{GET /\Q$name\E } } split /\n/, $log->();

		kill 'TERM', $browser->pid;
		$browser->wait(20 * slow());
		is $said, 'played', 'played, here and there';
		cmp_ok scalar(grep { / 206 / } @lines), '>=', 2, 'by ranges'
			or diag join "\n", @lines;
		is scalar(grep { !m{" (?:20[06]|304|499) } } @lines), 0,
			'and nothing else' or diag join "\n", @lines;
	};
}

subtest 'a listing' => sub {
	my ($exit, $dom) = browser('listing', '--dump-dom',
		'http://' . $s->address . '/files/')->wait(60 * slow());

	is $exit, 0, 'is shown';
	like $dom, qr/<h1>.*files.*<\/h1>/, 'with its title';
	like $dom, qr{<a href="[^"]*">(?:<\w+>)?a b &amp; &lt;c&gt;\.txt<},
		'a name is text, whatever is in it';
};

$s->finish;
done_testing;
