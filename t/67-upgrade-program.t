# SPDX-License-Identifier: BSD-2-Clause
#
# An upgrade executes the path that the server was invoked by: a symbolic link
# that was switched to another version counts, a name was searched in PATH.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Cwd qw(getcwd realpath);
use File::Copy qw(copy);
use Holdfast;
use Holdfast::Dir;
use Holdfast::Upgraded;

my $conf = <<'E';
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E

my $bin = Holdfast::Dir->new;

for my $version (qw(v1 v2)) {
	my $path = $bin->mkdir($version) . '/holdfast';

	copy(Holdfast::binary(), $path) or die "$path: $!";
	chmod 0755, $path;
}

sub switch_to ($version) {
	symlink $version, $bin->path('new') or die $!;
	rename $bin->path('new'), $bin->path('current') or die $!;
}

sub version_of ($pid) {
	my ($version) = (readlink("/proc/$pid/exe") // '') =~ m{/(v\d)/holdfast};

	return $version // 'none';
}

my $current = $bin->path('current');
my $here = getcwd();

for my $case (
	['an absolute path', "$current/holdfast"],
	['a relative path', './current/holdfast', chdir => $bin->path],
	['a name in PATH', 'holdfast', wrap => ['env', "PATH=$current:$ENV{PATH}"]],
) {
	my ($name, $binary, %opt) = @$case;

	switch_to('v1');
	chdir $opt{chdir} if $opt{chdir};
	my $s = Holdfast::Upgraded->of(Holdfast::Server->start($binary,
		conf => $conf, $opt{wrap} ? (wrap => $opt{wrap}) : ()));

	chdir $here;
	$s->{binary} = Holdfast::binary();
	is version_of($s->master), 'v1', "$name: the first version";
	switch_to('v2');
	is +($s->run('upgrade'))[0], 0, 'an upgrade';
	is $s->follow, 0, 'the old master ends';
	is version_of($s->master), 'v2', "$name: the second version";
	switch_to('v1');
	is +($s->run('upgrade'))[0], 0, 'and back';
	is $s->follow, 0, 'the old master ends';
	is version_of($s->master), 'v1', "$name: the first again";
	if ($binary !~ m{^/}) {
		$s->finish;
		next;
	}
	# Whoever can write the folder could have us execute anything.
	chmod 0777, $bin->path or die $!;
	my ($exit, $out, $err) = $s->run('upgrade');

	is $exit, 1, 'a link that others can change';
	like $err, qr/symbolic link that others can change .*"current"/,
		'is not followed';
	$s->expect_log(qr/upgrade failed: cannot execute/);
	chmod 0755, $bin->path or die $!;
	$s->finish;
}
done_testing;
