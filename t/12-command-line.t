# SPDX-License-Identifier: BSD-2-Clause
#
# The command line itself: help, version, wrong usage, no master to talk to.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my @verbs = qw(run check show reload reopen quit stop status connect);

{
	my ($exit, $out, $err) = holdfast('-h');

	is $exit, 0, '-h';
	is $err, '', 'is no error';
	like $out, qr/\b\Q$_\E\b/, "help has $_" for @verbs;
	like $out, qr/-c FILE/, 'help has -c';
}
{
	my ($exit, $out, $err) = holdfast('-v');

	is $exit, 0, '-v';
	like $out, qr/\Aholdfast \d+\.\d+\S*\n\z/, 'the version';
	is $err, '', 'is no error';
}

for my $wrong (
	['frobnicate'],
	['-x'],
	['--nonsense'],
	['-c'],
	['-s'],
	['-s', 'dance'],
	['check', 'extra'],
	['status', '--yaml'],
	['reload', 'now'],
	['connect'],
	['connect', '-v'],
	['connect', '127.0.0.1:1', 'extra'],
	['upgrade-it'],
) {
	my ($exit, $out, $err) = holdfast(@$wrong);

	is $exit, 2, "usage error: @$wrong";
	is $out, '', 'nothing on standard output';
	like $err, qr/\Aholdfast: .*\n/, 'one clear line first';
}

{
	my ($exit, $out, $err) = holdfast('relaod');

	is $exit, 2, 'a verb with a typing error';
	like $err, qr/relaod/, 'is named';
}

# Verbs that need a master, when there is none.
my $dir = Holdfast::Dir->new;
my $path = $dir->write('a.conf', <<"E");
control = "@{[$dir->path('control.sock')]}";
listeners = ( { address = "127.0.0.1:7007"; protocol = "echo"; } );
E

for my $args (['reload'], ['reopen'], ['quit'], ['stop'], ['status'],
	['status', '--json'], ['-s', 'reload'], ['-s', 'quit'],
	['-s', 'stop'], ['-s', 'reopen']) {
	my ($exit, $out, $err) = holdfast('-c', $path, @$args);

	is $exit, 1, "no master: @$args";
	is $out, '', 'nothing on standard output';
	like $err, qr/\A.*(?:not running|no holdfast answers).*\n\z/,
		'one line that says so';
}

# A socket that a dead master left is no master either.
{
	my $name = $dir->path('control.sock');

	socket(my $stale, Socket::AF_UNIX(), Socket::SOCK_STREAM(), 0);
	bind $stale, Socket::pack_sockaddr_un($name) or die "bind: $!";
	close $stale;
	my ($exit, $out, $err) = holdfast('-c', $path, 'status');

	is $exit, 1, 'a stale control socket';
	like $err, qr/\A.*(?:not running|no holdfast answers).*\n\z/, 'says the same';
}

done_testing;
