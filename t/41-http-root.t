# SPDX-License-Identifier: BSD-2-Clause
#
# No path leaves the root: dots, encodings, symbolic links.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(files => {
	'secret' => "SECRET\n",
	'www/ok.txt' => "ok\n",
	'www/dir/inner.txt' => "inner\n",
	'www/dir/sub/x.txt' => "x\n",
	'www-next/secret' => "SECRET next\n",
	'outside/secret' => "SECRET outside\n",
}, prepare => sub ($dir) {
	for my $link (
		['ok.txt', 'www/in.txt'],
		['../ok.txt', 'www/dir/up.txt'],
		['dir', 'www/in-dir'],
		['../secret', 'www/out.txt'],
		[$dir->path('secret'), 'www/absolute.txt'],
		['../outside', 'www/out-dir'],
		['dir/../../secret', 'www/winding.txt'],
		['loop', 'www/loop'],
		['nothing', 'www/dangling'],
		['in.txt', 'www/twice.txt'],
		['out.txt', 'www/out-twice.txt'],
	) {
		symlink $link->[0], $dir->path($link->[1]) or die $!;
	}
}, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/in/"; handler = "static"; root = "%%DIR%%/www";
    symlinks = "inside"; },
  { path = "/no/"; handler = "static"; root = "%%DIR%%/www";
    symlinks = "none"; },
  { path = "/any/"; handler = "static"; root = "%%DIR%%/www";
    symlinks = "follow"; }
); } );
E
my $root = $s->path('');

# Targets that some server, some day, let out. Refused or not found, never
# served, and never a crash.
my @targets = map { my $n = $_; map { $_ x $n . 'secret' }
	'../', '..%2f', '..%2F', '%2e%2e/', '%2E%2e%2f', '.%2e/', '%2e./',
	'..%5c', '..\\', '%2e%2e%5c', '..//', '..;/', '.../', '..%00/',
	'%252e%252e/', '%252e%252e%252f', '..%c0%af', '%c0%ae%c0%ae/',
	'%u002e%u002e/', '..%ef%bc%8f', './../', './/..//', 'dir/../../',
	'dir/%2e%2e/%2e%2e/', 'in-dir/../../', "..\x09/" } 1, 2, 6;
push @targets, 'dir/sub/../../../secret', '..', '../', '%2e%2e', '..%2f',
	'ok.txt/../../secret', 'out-dir/secret', 'out-dir/', 'out-dir',
	'out.txt', 'absolute.txt', 'winding.txt', 'out-twice.txt',
	'../www-next/secret', '-next/secret', '%2e%2e/www-next/secret',
	'../../../../../../../../etc/passwd', 'etc/passwd',
	'%2fetc%2fpasswd', '//etc/passwd', 'out.txt%00.txt', "out.txt%00",
	'ok.txt%00', 'ok.txt%0a', 'ok.txt%0d%0aX:y', '%', '%0', '%zz',
	'ok.txt%', 'ok%2', '%00', '%01', '%7f', 'dir%2finner.txt',
	'dir%5cinner.txt', 'file:///etc/passwd', '..%252f..%252fsecret',
	'in-dir/../out.txt', 'loop', 'loop/x', 'dangling', 'dangling/x';

subtest 'targets that would leave the root' => sub {
	my $c;

	for my $prefix ('/', '/in/', '/no/') {
		for my $target (@targets) {
			$c //= $s->client;
			my $r = eval { $c->get("$prefix$target") };

			if (!$r) {
				fail "$prefix$target: $@";
				undef $c;
				next;
			}
			my $bad = $r->body =~ /SECRET|root:/
				|| $r->status !~ /^(?:400|403|404)$/;

			ok !$bad, "$prefix$target: " . $r->status;
			diag $r->head, $r->body if $bad;
			undef $c if $r->closes;
		}
	}
};

subtest 'what cannot be a path at all is 400' => sub {
	for my $target ('/../secret', '/%2e%2e/secret', '/dir/../../secret',
			'/dir%2finner.txt', '/dir%5Cinner.txt', '/ok.txt%00',
			'/%0a', '/%7f', '/%', '/%4', '/%zz', '/..',
			'/dir/..%2f..%2fsecret') {
		is $s->get($target)->status, 400, $target;
	}
};

subtest 'what stays inside is served' => sub {
	for my $target ('/dir/../ok.txt', '/dir/sub/../../ok.txt',
			'/x/../ok.txt', '/./ok.txt', '/%6fk.txt', '//ok.txt',
			'/in/dir/../ok.txt') {
		my $r = $s->get($target);

		is $r->status, 200, $target;
		is $r->body, "ok\n", "$target: content";
	}
	is $s->get('/dir/..')->status, 403,
		'the root itself (without an index)';
};

# [route, link, status]
for my $case (
	['/in/', 'in.txt', 200], ['/in/', 'dir/up.txt', 200],
	['/in/', 'in-dir/inner.txt', 200], ['/in/', 'twice.txt', 200],
	['/in/', 'out.txt', 404], ['/in/', 'absolute.txt', 404],
	['/in/', 'out-dir/secret', 404], ['/in/', 'winding.txt', 404],
	['/in/', 'out-twice.txt', 404], ['/in/', 'loop', 404],
	['/in/', 'dangling', 404],
	['/no/', 'in.txt', 404], ['/no/', 'dir/up.txt', 404],
	['/no/', 'in-dir/inner.txt', 404], ['/no/', 'out.txt', 404],
	['/no/', 'ok.txt', 200], ['/no/', 'dir/inner.txt', 200],
	['/any/', 'in.txt', 200], ['/any/', 'out.txt', 200],
	['/any/', 'absolute.txt', 200], ['/any/', 'out-dir/secret', 200],
	['/any/', 'winding.txt', 200], ['/any/', 'loop', 404],
	['/any/', 'dangling', 404], ['/any/', '../secret', 400],
) {
	my ($route, $link, $status) = @$case;
	my $target = $route eq '/any/' && $link =~ /^\.\./
		? "/$link" : "$route$link";

	is $s->get($target)->status, $status, "$target: a link";
}

is $s->get('/ok.txt')->body, "ok\n", 'the server goes on';
$s->finish;
done_testing;
