# SPDX-License-Identifier: BSD-2-Clause
#
# A verb reaches the server that runs the file it names, and no other: not the
# one that happens to have the same control socket, and none at all when the
# file cannot be parsed.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Cwd qw(getcwd);
use Holdfast;
use Holdfast::Command;

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E
my $control = $s->control_path;
my $other = <<"E";
control = "$control";
listeners = ( { address = "127.0.0.1:1"; protocol = "echo"; } );
E

sub run_with (@args) {
	return Holdfast::Command->new([Holdfast::binary(), @args])->wait;
}

# Nothing of this reaches it.
sub is_refused ($why, $name, @args) {
	for my $verb (qw(reload reopen upgrade quit stop status)) {
		my ($exit, $out, $err) = run_with(@args, $verb);

		is $exit, 1, "$name: $verb fails";
		is $out, '', 'prints nothing';
		like $err, $why, 'says why';
	}
	is $s->status->{state}, 'serving', "$name: the server goes on";
	is $s->status->{generation}, 1, 'as it was';
}

$s->dir->write('other.conf', $other);
is_refused(qr/refused: this server runs \S+holdfast\.conf, not \S+other\.conf/,
	'the same control socket', '-c', $s->path('other.conf'));
$s->dir->write('broken.conf', "listeners = ( {;\n$other");
is_refused(qr/broken\.conf:1: .*\n.*cannot be parsed.*--control SOCKET/,
	'an error before the control socket', '-c', $s->path('broken.conf'));
$s->dir->write('broken.conf', "${other}listeners = ( {;\n");
is_refused(qr/broken\.conf:3: .*\n.*cannot be parsed.*--control SOCKET/,
	'an error after it', '-c', $s->path('broken.conf'));
is_refused(qr/missing\.conf.*\n.*cannot be parsed.*--control SOCKET/,
	'no file', '-c', $s->path('missing.conf'));

subtest 'the file by other names' => sub {
	symlink 'holdfast.conf', $s->path('link.conf') or die $!;
	link $s->conf_path, $s->path('hard.conf') or die $!;
	is +(run_with('-c', $s->path($_), 'status'))[0], 0, $_
		for 'link.conf', 'hard.conf';

	my $here = getcwd();

	chdir $s->dir->path or die $!;
	is +(run_with('-c', './holdfast.conf', 'status'))[0], 0, 'relative';
	chdir $here or die $!;
	# As editors and configuration management replace it: a new inode.
	$s->write_conf($s->dir->read('holdfast.conf'));
	is +($s->run('reload'))[0], 0, 'replaced';
};

subtest 'a file with errors' => sub {
	my $good = $s->dir->read('holdfast.conf');

	$s->write_conf("${good}wrokers = 1;\n");
	is +($s->run('status'))[0], 0, 'can still be asked for';
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 1, 'but not be loaded';
	like $err, qr/holdfast\.conf:\d+: wrokers/, 'which is told';
	$s->expect_log(qr/wrokers/);
	$s->write_conf($good);
};

subtest '--control' => sub {
	is +(run_with('--control', $control, 'status'))[0], 0, 'asks any server';
	is +(run_with('-c', $s->path('broken.conf'), '--control', $control,
		'reopen'))[0], 0, 'with a file that is not looked at';
	like +(run_with('--control', $s->path('no.sock'), 'stop'))[2],
		qr/no holdfast answers at the control socket \S+no\.sock/, 'none';
	is +(run_with('--control', $control, 'stop'))[0], 0, 'stops it';
};
$s->finish;
done_testing;
