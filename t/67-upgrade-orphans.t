# SPDX-License-Identifier: BSD-2-Clause
#
# Nothing is left of a new master that fails, also when its workers hang in the
# load() of a module and read nothing: a listener of theirs would accept and
# never answer.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler build_module);
use Holdfast::Proc qw(alive);
use Holdfast::Wait;

plan skip_all => 'needs a C compiler' unless has_compiler();

my $s = Holdfast->start(prepare => sub ($dir) { $dir->mkdir('modules') },
	conf => <<'E');
workers = 2;
pid_file = "%%DIR%%/pid";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E
my $good = $s->dir->read('holdfast.conf');

build_module($s->path('modules/hangs.so'), 'broken', '-DFAULT_HANGS');
chmod 0755, $s->dir->path, $s->path('modules'), $s->path('modules/hangs.so');

# The processes of the server that are not of the first master.
my %ours = map { $_ => 1 } $s->master, $s->workers;

sub others () { return grep { !$ours{$_} } $s->processes }

for my $end (qw(KILL stop)) {
	$s->write_conf($good =~ s/handler = "respond"; body = "served"/handler = "module"; module = "modules\/hangs.so"/r);
	my $upgrade = $s->command('upgrade');

	ok wait_until { others() >= 3 } 'a new master with two workers';
	is scalar(grep { /\.\d+$/ } glob($s->control_path . '.*')), 1,
		'its control socket has another name so far';
	if ($end eq 'KILL') {
		my ($new) = grep {
			open my $f, '<', "/proc/$_/cmdline";
			(readline($f) // '') =~ /master/;
		} others();

		kill 'KILL', $new;
		my ($exit, $out, $err) = $upgrade->wait;

		is $exit, 1, 'it is killed: the upgrade fails';
		like $err, qr/ended before it was ready/, 'and says why';
		$s->expect_log(qr/upgrade failed/);
	} else {
		$s->write_conf($good);
		is +($s->run('stop'))[0], 0, 'the server is stopped meanwhile';
		is +($upgrade->wait)[0], 1, 'the upgrade fails';
		$s->expect_log(qr/upgrade failed: the server is shutting down/);
	}
	ok wait_until { !others() } 'nothing is left of it';
	is_deeply [grep { /\.\d+$/ } glob($s->path('*') . ' ' . $s->path('.pid*'))],
		[], 'no file either';
	is $s->get('/')->body, 'served', 'the old one serves' if $end eq 'KILL';
}
$s->wait_end;
is $s->exit_status, 0, 'it ends well';
$s->finish;
done_testing;
