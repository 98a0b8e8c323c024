# SPDX-License-Identifier: BSD-2-Clause
#
# The example module, as who has installed holdfast copies and builds it, with
# make and pkg-config and nothing of the tree; and under load.
use v5.36;
use File::Basename qw(dirname);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler);

plan skip_all => 'no C compiler here' unless has_compiler();
for my $program (qw(make pkg-config)) {
	plan skip_all => "no $program here" unless has_program($program);
}
plan skip_all => 'the build directory is not there to install from'
	unless Holdfast::build() && -f Holdfast::build() . '/Makefile';

my $dir = Holdfast::Dir->new;
my $root = $dir->mkdir('root');

sub run (@argv) {
	my %opt = ref $argv[-1] ? (pop @argv)->%* : ();
	my ($exit, $out, $err) = Holdfast::Command->new(\@argv, %opt)->wait;

	is $exit, 0, "@argv[0 .. 1]" or diag "$out$err";
	return $out;
}

run('make', '-s', '-C', Holdfast::build(), 'install', "DESTDIR=$root");
my ($pc) = split /\n/, qx(find $root -name holdfast.pc);

ok $pc, 'what pkg-config reads is installed';
my $pkgconfig = dirname($pc // '');
my $where = sub ($variable) {
	return run('pkg-config', "--variable=$variable", 'holdfast', { env => {
		PKG_CONFIG_PATH => $pkgconfig } }) =~ s/\n//r;
};
my $include = $root . $where->('includedir');
my $modules = $root . $where->('moduledir');

ok -f "$include/holdfast/module.h", 'and the header';
ok -d $modules, 'and the directory of modules';
my ($page) = split /\n/, qx(find $root -name holdfast-module.7);

ok $page, 'and the manual page';
my ($example) = split /\n/, qx(find $root -path '*/examples/hello');

ok $example, 'and the example';

# What a newcomer does, but for the root of the installation.
my %pkg = (PKG_CONFIG_PATH => $pkgconfig, PKG_CONFIG_SYSROOT_DIR => $root);

run('cp', '-r', $example, $dir->path('hello'));
my $out = run('make', '-C', $dir->path('hello'), 'CFLAGS=-O2 -Wall -Wextra ' .
	'-Wpedantic -Wshadow -Wmissing-prototypes -Werror', { env => \%pkg });

unlike $out, qr/\Q$FindBin::Bin\E/, 'nothing of the tree is used';
run('make', '-C', $dir->path('hello'), 'install',
	"MODULEDIR=$modules", { env => \%pkg });

# The header is of C99 and of C++ as well.
SKIP: {
	my $text = $dir->write('smallest.c', <<'E');
#include <holdfast/module.h>
static void hello(struct holdfast_request *r)
{
	holdfast_respond(r, 200, "text/plain", "Hello!\n", 7);
}
HOLDFAST_MODULE = {
	HOLDFAST_MODULE_VERSION,
	.name = "hello",
	.request = hello,
};
E
	my @flags = ('-Wall', '-Wextra', '-Werror', '-Wpedantic', '-fPIC',
		'-Wno-missing-field-initializers', '-shared', '-I',
		$include, '-o', $dir->path('smallest.so'));

	run(split(' ', $ENV{CC} || 'cc'), '-std=c99', @flags, $text);
	skip 'no C++ compiler here', 2 unless has_program('c++');
	run('c++', '-std=c++20', @flags, '-xc++', $text);
	my ($exit, $said) = holdfast('-c', $dir->write('cxx.conf', <<"E"), 'check');
listeners = ( { address = "127.0.0.1:0"; } );
sites = ( { routes = (
  { path = "/"; handler = "module"; module = "./smallest.so"; } ); } );
E
	is $exit, 0, 'a module in C++ can be loaded';
}

my $s = Holdfast->start(conf => <<"E");
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/hello"; handler = "module";
    module = "$modules/hello.so";
    options = [ "greeting=Good morning" ]; },
  { path = "/plain"; handler = "module";
    module = "$modules/hello.so"; } ); } );
E
my $c = $s->client;

is $c->get('/hello?name=Ada')->body, "Good morning, Ada! You are number 1.\n",
	'it greets';
is $c->get('/plain')->body, "Hello, world! You are number 1.\n",
	'and another route does so by itself';
is $c->get('/hello/count?to=1')->body, "1\n", 'it counts';
is $c->get('/hello/count?to=100')->status, 400, 'but not for ever';
is $c->get('/hello/other')->status, 404, 'nothing else is there';
is $c->request('POST', '/hello', [], 'x' x 100_000)->body, "100000 bytes\n",
	'it takes a body';

subtest 'under load' => sub {
	my @clients = map { $s->client } 1 .. 20;
	my $rounds = scaled(100);
	my $good = 0;

	for my $round (1 .. $rounds) {
		$_->send($_->request_text('GET', "/hello?name=$round") .
			$_->request_text('POST', '/hello', [], 'x' x $round) .
			$_->request_text('GET', '/plain')) for @clients;
		for my $client (@clients) {
			$good++ if $client->response->body =~
				/^Good morning, $round! You are number \d+\.$/;
			$good++ if $client->response->body eq
				"$round bytes\n";
			$good++ if $client->response->body =~ /^Hello, world!/;
		}
		$s->reload if $round == int $rounds / 2;
	}
	is $good, 3 * 20 * $rounds, 'every answer is right, over a reload';
};

$s->finish;
done_testing;
