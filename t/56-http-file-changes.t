# SPDX-License-Identifier: BSD-2-Clause
#
# Files that change on disk are served as they are now, within two seconds,
# and never half old and half new.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => {
	'www/edit.txt' => "one\n",
	'www/same-size.txt' => "one\n",
	'www/gone.txt' => "here\n",
	'www/dir/index.html' => "index one\n",
	'www/big.txt' => 'a' x 300_000,
	'www/to-dir' => "a file\n",
}, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my $dir = $s->dir;

# Both workers have it in their caches, if they have any.
my @clients = map { $s->client_of($_, '/edit.txt') } $s->workers;

sub warm ($target) { $_->get($target) for @clients, @clients }

# Waits until both say so; fails when that takes more than two seconds.
sub becomes ($target, $name, $good) {
	my $start = now();

	for my $c (@clients) {
		wait_until { $good->($c->get($target)) } $name;
	}
	cmp_ok now() - $start, '<', 2 * slow(), "$name, within two seconds";
}

warm('/edit.txt');
$dir->replace('www/edit.txt', "two and longer\n");
becomes('/edit.txt', 'a replaced file',
	sub ($r) { $r->body eq "two and longer\n" });
$dir->write('www/edit.txt', "three\n");
becomes('/edit.txt', 'a file written in place',
	sub ($r) { $r->body eq "three\n" });
open my $append, '>>', $s->path('www/edit.txt') or die $!;
print {$append} "four\n";
close $append;
becomes('/edit.txt', 'a file that grew',
	sub ($r) { $r->body eq "three\nfour\n" });

warm('/same-size.txt');
$dir->write('www/same-size.txt', "two\n");
becomes('/same-size.txt', 'a file of the same size, written in place',
	sub ($r) { $r->body eq "two\n" });

warm('/gone.txt');
unlink $s->path('www/gone.txt');
becomes('/gone.txt', 'a removed file', sub ($r) { $r->status == 404 });
$dir->write('www/gone.txt', "again\n");
becomes('/gone.txt', 'one that is there again',
	sub ($r) { $r->status == 200 && $r->body eq "again\n" });

warm('/dir/');
$dir->replace('www/dir/index.html', "index two\n");
becomes('/dir/', 'an index', sub ($r) { $r->body eq "index two\n" });
unlink $s->path('www/dir/index.html');
becomes('/dir/', 'a removed index', sub ($r) { $r->status == 403 });

warm('/to-dir');
unlink $s->path('www/to-dir');
$dir->write('www/to-dir/index.html', "a directory\n");
becomes('/to-dir', 'a file that became a directory',
	sub ($r) { $r->status == 301 });

warm('/gone.txt');
symlink '/etc/passwd', $s->path('www/link') or die $!;
rename $s->path('www/link'), $s->path('www/gone.txt');
becomes('/gone.txt', 'a file that became a link out of the root',
	sub ($r) { $r->status == 404 });

if ($> != 0 || Holdfast::Server::some_user() ne 'root') {
	warm('/edit.txt');
	chmod 0000, $s->path('www/edit.txt');
	$s->expect_log(qr{open \S+/www/edit\.txt: Permission denied});
	becomes('/edit.txt', 'a file that may not be read any more',
		sub ($r) { $r->status == 403 });
}

subtest 'never half old and half new' => sub {
	my $writer = Holdfast::Background->new(sub ($stopping) {
		my $n = 0;

		until ($stopping->()) {
			my $letter = chr(ord('a') + ++$n % 26);

			$dir->replace('www/big.txt',
				$letter x (200_000 + $n % 7 * 50_000));
			Time::HiRes::sleep(0.002);
		}
		return { n => $n };
	});
	my $mixed = 0;
	my %seen;
	my $start = now();

	while (now() - $start < 2.5) {
		for my $c (@clients) {
			my $body = $c->get('/big.txt')->body;
			my $letter = substr $body, 0, 1;

			$mixed++ if $body =~ /[^$letter]/;
			$seen{$letter . length $body} = 1;
		}
	}
	is $mixed, 0, 'every answer is one content';
	cmp_ok scalar(keys %seen), '>', 1, 'and contents changed';
	cmp_ok $writer->result->{n}, '>', 10, 'many times';
};

$_->close for @clients;
$s->finish;
done_testing;
