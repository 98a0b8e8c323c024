# SPDX-License-Identifier: BSD-2-Clause
#
# A whole tree of real files, /usr/share/doc: each is sent as it is on disk.
use v5.36;
use File::Find ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $root = '/usr/share/doc';
my @files;

# What a static route with symlinks = "inside" serves: regular files, that
# everybody may read, on a path without links.
File::Find::find({ no_chdir => 1, wanted => sub {
	my ($mode, $size) = (lstat $_)[2, 7];

	push @files, [$_, $size] if -f _ && !-l _ && $mode & 04;
} }, $root);
@files = sort { $a->[0] cmp $b->[0] } @files;
plan skip_all => "no files in $root" unless @files;
# All there are, up to as many as are asked for.
$#files = scaled(5000) - 1 if @files > scaled(5000);

my $s = Holdfast->start(conf => <<"E");
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/doc/"; handler = "static"; root = "$root"; } ); } );
E
my ($c, $good, $bytes, @bad) = ($s->client, 0, 0);

for my $file (@files) {
	my ($path, $size) = @$file;
	my $target = substr $path, length "$root/";

	$target =~ s{([^A-Za-z0-9._~/-])}{sprintf '%%%02X', ord $1}ge;
	open my $in, '<:raw', $path or next;
	my $content = do { local $/; readline($in) // '' };
	my $r = eval { $c->get("/doc/$target") };

	if (!$r) {
		push @bad, "$path: $@";
		$c = $s->client;
	} elsif ($r->status != 200 || $r->body ne $content) {
		push @bad, "$path: " . $r->status . ', ' . length($r->body)
			. " bytes of $size";
	} else {
		$good++;
		$bytes += $size;
	}
}
is scalar @bad, 0, "$good files, $bytes bytes, as they are on disk"
	or diag join "\n", @bad[0 .. ($#bad < 20 ? $#bad : 20)];
SKIP: {
	skip 'a small system', 1 if @files < 2000;
	cmp_ok $good, '>=', 2000, 'at least 2,000 files';
}

$c->close;
$s->finish;
done_testing;
