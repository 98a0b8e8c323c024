# SPDX-License-Identifier: BSD-2-Clause
#
# A root whose path comes to name another directory, as a deployment does by a
# symbolic link that is replaced at once: what is there then is served.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => {
	'r1/a' => "one\n", 'r1/only1' => "1\n", 'r1/large' => 'x' x 100_000,
	'r1/dir/index.html' => "index one\n",
	'r2/a' => "two\n", 'r2/only2' => "2\n", 'r2/large' => 'y' x 100_000,
	'r2/dir/index.html' => "index two\n", 'r2/list/x' => '',
}, prepare => sub ($dir) {
	symlink 'r1', $dir->path('current') or die $!;
}, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/current"; listing = true; }
); } );
E
my $c = $s->client;
my $current = $s->path('current');

sub switch_to ($name) {
	symlink $name, "$current.new" or die $!;
	rename "$current.new", $current or die $!;
}

for my $round (1 .. 3) {
	is $c->get('/a')->body, $round % 2 ? "one\n" : "two\n", "round $round";
	is $c->get($_)->status, 200, $_ for '/large', '/dir/';
	switch_to($round % 2 ? 'r2' : 'r1');
	my $now = $round % 2 ? 'two' : 'one';

	wait_until { $c->get('/a')->body eq "$now\n" } "$now is served";
	is $c->get('/large')->body, ($now eq 'two' ? 'y' : 'x') x 100_000,
		'all of it: large files';
	is $c->get('/dir/')->body, "index $now\n", 'indexes';
	is $c->get('/only1')->status, $now eq 'two' ? 404 : 200,
		'what is in one of them';
	is $c->get('/only2')->status, $now eq 'two' ? 200 : 404,
		'and in the other';
	is $c->get('/list/')->status, $now eq 'two' ? 200 : 404, 'listings';
	is scalar $s->logged(qr/ is another directory now$/), $round,
		'it is logged, once';
}

subtest 'a root that is missing' => sub {
	$s->expect_log(qr/cannot find root/);
	rename $current, "$current.away" or die $!;
	wait_until {
		$c->get('/a');
		$s->logged(qr/cannot find root/);
	} 'it is logged';
	is $c->get('/only2')->status, 200, 'is served as it was';
	rename "$current.away", $current or die $!;
	is $c->get('/a')->body, "two\n", 'and goes on when it is back';
};

subtest 'a directory that is replaced' => sub {
	my $real = $s->path('r2');

	rename $real, "$real.old" or die $!;
	$s->dir->write('r2/a', "three\n");
	wait_until { $c->get('/a')->body eq "three\n" }
		'the one that has its name is served';
	is $c->get('/only2')->status, 404, 'and not the one before';
};
$c->close;
$s->finish;
done_testing;
