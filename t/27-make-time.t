# SPDX-License-Identifier: BSD-2-Clause
#
# A new generation, or a new master, that does not become ready in its time is
# given up: the command says so, and what serves goes on.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler build_module);
use Holdfast::Upgraded;

plan skip_all => 'only with configure --enable-test-hooks'
	unless binary_has_hooks();

my $conf = <<'E';
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "one"; } ); } );
E
my $s = Holdfast::Upgraded->start(conf => $conf, env => {
	HOLDFAST_TEST_MAKE_MS => 1000 * slow(),
	HOLDFAST_TEST_UPGRADE_MS => 1000 * slow() });
my @pids = ($s->master, $s->workers);

sub goes_on () {
	is_deeply [$s->master, $s->workers], \@pids,
		'the same processes serve';
	is $s->get('/')->body, 'one', 'as before';
	ok eval { wait_until { $s->processes == @pids } 'x' },
		'nothing else is left';
}

subtest 'workers that are not ready' => sub {
	plan skip_all => 'no C compiler here' unless has_compiler();
	build_module($s->path('hangs.so'), 'broken', '-DFAULT_HANGS');
	chmod 0755, $s->path('hangs.so');
	$s->write_conf($conf =~ s/handler.*?one"/handler = "module"; module = "%%DIR%%\/hangs.so"/r);
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 1, 'the reload fails';
	like $err, qr/not ready within/, 'and says why';
	goes_on();
	$s->expect_log(qr/reload failed: .*not ready within/);
};

subtest 'a new master that is not ready' => sub {
	$s->write_conf($conf);
	$s->install("#!/bin/sh\nexec sleep 1000\n");
	my ($exit, $out, $err) = $s->run('upgrade');

	is $exit, 1, 'the upgrade fails';
	like $err, qr/not ready within/, 'and says why';
	goes_on();
};
$s->expect_log(qr/upgrade failed: .*not ready within/);
$s->finish;
done_testing;
