# SPDX-License-Identifier: BSD-2-Clause
#
# A pid file that cannot be written fails the reload, and freezes nobody; it is
# never taken from another server that runs.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use POSIX qw(mkfifo);
use Holdfast;
use Holdfast::Command;
use Holdfast::Upgraded;

my $conf = <<'E';
workers = 1;
pid_file = "%%PID%%";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E

sub with ($name) { return $conf =~ s/%%PID%%/%%DIR%%\/$name/r }

my $s = Holdfast::Upgraded->of(Holdfast->start(conf => with('pid')));

is $s->dir->read('pid'), $s->master . "\n", 'the pid of the master';
mkfifo($s->path('fifo'), 0600) or die $!;
mkdir $s->path('folder') or die $!;
symlink '/dev/null', $s->path('null') or die $!;
$s->dir->write('text', "1 line of a log\n");
for my $case (
	['fifo', qr/is not a file/],
	['folder', qr/is not a file/],
	['pid/below', qr/Not a directory/],
	['null', qr/is not a file/],
	['text', qr/holds something else than a process id/],
) {
	my ($name, $why) = @$case;

	$s->write_conf(with($name));
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 1, "$name: the reload fails";
	like $err, qr/pid_file.*\Q$name\E/, 'for that file';
	like $err, $why, 'with the reason';
	$s->expect_log(qr/reload failed: .*pid_file/);
	is $s->dir->read('pid'), $s->master . "\n", 'the old one stays';
	is $s->get('/')->body, 'served', 'and so does the server';
}

is $s->dir->read('text'), "1 line of a log\n", 'what is no pid file is kept';
$s->dir->write('other', '');
$s->reload(with('other'));
is $s->dir->read('other'), $s->master . "\n", 'another name';
ok !-e $s->path('pid'), 'in place of the first';
unlink $s->path('other') or die $!;
is +($s->run('reload'))[0], 0, 'a reload';
is $s->dir->read('other'), $s->master . "\n", 'brings back what was deleted';
is +($s->run('upgrade'))[0], 0, 'an upgrade';
is $s->follow, 0, 'goes well';
is $s->dir->read('other'), $s->master . "\n", 'and the file follows';

subtest 'of another server' => sub {
	my $dir = Holdfast::Dir->new;
	my $path = $s->path('other');

	$dir->write('b.conf', <<"E");
control = "$dir->{path}/control.sock";
pid_file = "$path";
listeners = ( { address = "127.0.0.1:0"; protocol = "echo"; } );
E
	my ($exit, $out, $err) = Holdfast::Command->new([Holdfast::binary(),
		'-c', $dir->path('b.conf'), 'run'])->wait;

	is $exit, 1, 'it does not start';
	like $err, qr/pid_file "\Q$path\E" is that of process @{[$s->master]}/,
		'and says why';
	is $s->dir->read('other'), $s->master . "\n", 'the file is the first one\'s';
};
is_deeply [grep { /^\.other/ } do { opendir my $d, $s->dir->path; readdir $d }],
	[], 'no other name is left';
$s->finish;
ok !-e $s->path('other'), 'removed at the end';
done_testing;
