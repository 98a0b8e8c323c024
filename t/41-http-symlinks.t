# SPDX-License-Identifier: BSD-2-Clause
#
# Symbolic links that lead to something inside the root are followed however they
# are written, those that lead out leave a line in the log, and the magic links
# of /proc lead nowhere.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => {
	'r/real.txt' => "real\n", 'r/dir/x.txt' => "x\n", 'r/dir/index.html' => "i\n",
	'secret' => "SECRET\n", 'r2/secret' => "SECRET 2\n",
}, prepare => sub ($dir) {
	my $at = $dir->path('');

	$at =~ s{/\z}{};
	symlink 'r', "$at/link" or die $!;
	for my $link (
		["$at/r/real.txt", 'abs.txt'],
		["$at/r/abs.txt", 'abs-twice.txt'],
		["$at/r/dir", 'abs-dir'],
		["$at/link/real.txt", 'by-link.txt'],
		["$at/r/dir/../real.txt", 'dots.txt'],
		['../r/real.txt', 'out-and-in.txt'],
		["$at/r", 'self'],
		["$at/r2/secret", 'near'],
		["$at/secret", 'out'],
		["$at/r/out", 'out-twice'],
		["$at", 'up'],
		['/proc/self/root' . $at . '/r/real.txt', 'magic-root'],
		['/proc/self/cwd', 'magic-cwd'],
		["$at/secret", 'plain-out'],
	) {
		symlink $link->[0], "$at/r/$link->[1]" or die $!;
	}
}, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/in/"; handler = "static"; root = "%%DIR%%/r"; listing = true; },
  { path = "/linked/"; handler = "static"; root = "%%DIR%%/link"; },
  { path = "/none/"; handler = "static"; root = "%%DIR%%/r"; symlinks = "none"; },
  { path = "/any/"; handler = "static"; root = "%%DIR%%/r"; symlinks = "follow";
    listing = true; }
); } );
E
my $c = $s->client;
my %inside = (
	'abs.txt' => "real\n", 'abs-twice.txt' => "real\n",
	'by-link.txt' => "real\n", 'dots.txt' => "real\n",
	'out-and-in.txt' => "real\n", 'abs-dir/x.txt' => "x\n", 'abs-dir/' => "i\n",
	'self/real.txt' => "real\n", 'self/self/dir/x.txt' => "x\n",
);

for my $name (sort keys %inside) {
	is $c->get("/in/$name")->body, $inside{$name}, "inside: $name";
	is $c->get("/linked/$name")->body, $inside{$name},
		"inside, of a root that is a link itself: $name";
	is $c->get("/any/$name")->body, $inside{$name}, "follow: $name";
	is $c->get("/none/$name")->status, 404, "none: $name";
}
like $s->log_text, qr/info worker.*\/r\/\S+: a symbolic link that "symlinks" does not allow, /m,
	'what is not followed is logged';

for my $name (qw(near out out-twice up/secret plain-out)) {
	is $c->get("/in/$name")->status, 404, "inside: not $name";
	is $c->get("/linked/$name")->status, 404, "nor by a link: $name";
}
is $c->get('/any/plain-out')->body, "SECRET\n", 'follow: anywhere';
for my $name (qw(magic-root magic-cwd/)) {
	is $c->get("/$_/$name")->status, 404, "$_: no magic link: $name"
		for qw(in any none);
}
my $list = $c->get('/in/')->body;

like $list, qr/>abs\.txt</, 'a listing has a link that is followed';
unlike $list, qr/>out</, 'and none that is not';
unlike $c->get('/any/')->body, qr/magic/, 'nor magic ones';
$c->close;
$s->finish;
done_testing;
