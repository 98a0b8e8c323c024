# SPDX-License-Identifier: BSD-2-Clause
#
# Where openat2(2) is missing, or denied by a filter, nothing leads out of a
# root either: what it would have refused is refused step by step.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $deny = (Holdfast::build() // '') . '/t/tools/deny';

plan skip_all => 'deny was not built' unless -x $deny;
plan skip_all => 'no filters here'
	if Holdfast::Command->new([$deny, 'openat2=ENOSYS', 'true'])->wait;

for my $errno (qw(ENOSYS EPERM)) {
	for my $symlinks (qw(inside none)) {
		subtest "$errno, symlinks = \"$symlinks\"" => sub {
			served($errno, $symlinks);
		};
	}
}

sub served ($errno, $symlinks) {
	my $s = Holdfast->start(wrap => [$deny, "openat2=$errno"], files => {
		'secret' => "secret\n", 'outside/secret' => "secret\n",
		'www/a' => "a\n", 'www/sub/deep/b' => "b\n",
	}, prepare => sub ($dir) {
		my $www = $dir->path('www');

		symlink $dir->path('secret'), "$www/absolute" or die $!;
		symlink '../secret', "$www/up" or die $!;
		symlink $dir->path('outside'), "$www/folder" or die $!;
		symlink '../../outside', "$www/sub/folder" or die $!;
		symlink '/proc/self/root' . $dir->path, "$www/magic" or die $!;
	}, conf => <<"E");
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www";
    symlinks = "$symlinks"; listing = true; } ); } );
E
	is $s->get('/a')->body, "a\n", 'a file';
	is $s->get('/sub/deep/b')->body, "b\n", 'one in a folder';
	for my $path (qw(absolute up folder/secret sub/folder/secret folder/
		sub/folder/ magic/secret magic/)) {
		my $r = $s->get("/$path");

		is $r->status, 404, "/$path" or diag $r->body;
		unlike $r->body, qr/secret/, 'nothing of it';
	}
	$s->finish;
}

done_testing;
