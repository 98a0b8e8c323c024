# SPDX-License-Identifier: BSD-2-Clause
#
# A file that is changed in place while it is kept open: no answer has the length
# or the validators of one version and bytes of another.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(fd_targets);

my $size = 100_000; # it is not kept in memory
my $s = Holdfast->start(files => {
	map { ("www/$_" => 'a' x $size) } qw(grows shrinks changes gone z)
}, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; precompressed = [ "gzip" ]; }
); } );
E
my $c = $s->client;
my ($worker) = $s->workers;

# Asks until the worker keeps the file open: it does not when the file was
# changed a moment ago.
sub keep ($name, $file, @fields) {
	my $path = $s->path("www/$file");

	return wait_until {
		my $r = $c->get("/$name", @fields);

		(grep { $_ eq $path } values fd_targets($worker)->%*) ? $r : undef;
	} "$file is kept open";
}

sub write_in_place ($name, $offset, $text) {
	open my $file, '+<', $s->path("www/$name") or die $!;
	seek $file, $offset, 0;
	print $file $text;
	close $file or die $!;
}

# [name, change, content afterwards]
for my $case (
	['grows', sub { write_in_place('grows', $size, 'b' x 1000) },
		'a' x $size . 'b' x 1000],
	['shrinks', sub { truncate $s->path('www/shrinks'), $size / 2 or die $! },
		'a' x ($size / 2)],
	['changes', sub { write_in_place('changes', 0, 'b' x 10) },
		'b' x 10 . 'a' x ($size - 10)],
) {
	my ($name, $change, $content) = @$case;
	my $before = keep($name, $name);
	my $etag = $before->field('etag');

	$change->();
	my $r = $c->get("/$name", Range => 'bytes=5-9', 'If-Range' => $etag);

	is $r->status, 200, "$name: If-Range of the version before";
	ok $r->body eq $content, "$name: gives all of this one";
	$r = $c->get("/$name");
	ok $r->body eq $content, "$name: its content";
	isnt $r->field('etag'), $etag, "$name: another ETag";
	is $c->get("/$name", 'If-None-Match' => $etag)->status, 200,
		"$name: it is not the one before";
}

keep('gone', 'gone');
unlink $s->path('www/gone') or die $!;
is $c->get('/gone')->status, 404, 'a file that is gone';

subtest 'one that is compressed, beside it' => sub {
	my @accept = ('Accept-Encoding' => 'gzip');

	$s->dir->write('www/z.gz', 'z' x $size);
	wait_until { ($c->get('/z', @accept)->field('content-encoding') // '') eq 'gzip' }
		'it is found';
	my $etag = keep('z', 'z.gz', @accept)->field('etag');

	write_in_place('z.gz', $size, 'y');
	my $r = $c->get('/z', @accept, 'If-None-Match' => $etag);

	is $r->status, 200, 'is not the one before';
	is length $r->body, $size + 1, 'and whole';
	keep('z', 'z.gz', @accept);
	unlink $s->path('www/z.gz') or die $!;
	$r = $c->get('/z', @accept);
	is $r->field('content-encoding'), undef, 'nor one that is gone';
	ok $r->body eq 'a' x $size, 'but the file';
};
$c->close;
$s->finish;
done_testing;
