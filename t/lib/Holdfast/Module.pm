# SPDX-License-Identifier: BSD-2-Clause
#
# Modules for tests: compiled from t/modules when a test wants them.
package Holdfast::Module;

use v5.36;
use Carp qw(croak);
use Exporter qw(import);

use Holdfast;
use Holdfast::Command;

our @EXPORT_OK = qw(has_compiler build_module);

my $cc = $ENV{CC} || 'cc';

sub has_compiler () {
	state $has = system("$cc --version >/dev/null 2>&1") == 0;
	return $has;
}

# Compiles t/modules/$source.c as the flags of holdfast.pc would have it, into
# $path. What goes wrong in a module is found where the server is built to
# find it.
sub build_module ($path, $source, @flags) {
	my $top = Holdfast::top();
	my $include = Holdfast::Dir->new;

	symlink "$top/worker/holdfast", $include->path('holdfast')
		or croak "symlink: $!";
	push @flags, '-fsanitize=address,undefined' if binary_has_sanitizers();
	my ($exit, $out, $err) = Holdfast::Command->new([split(' ', $cc),
		'-std=c11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-I',
		$include->path, '-fPIC', '-fvisibility=hidden', '-pthread',
		@flags, '-shared', '-o', "$path.new",
		"$top/t/modules/$source.c", '-Wl,-Bsymbolic'])->wait;

	croak "$source.c: $err" if $exit ne '0' || $err ne '';
	# Never in place: a worker may be running it.
	rename "$path.new", $path or croak "$path: $!";
	return $path;
}

1;
