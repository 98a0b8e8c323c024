# SPDX-License-Identifier: BSD-2-Clause
#
# A fresh directory of a test, which workers that dropped to another user can
# read. It goes away at the end of a test that passed; otherwise it is kept
# and the test says where.
package Holdfast::Dir;

use v5.36;
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp ();
use Time::HiRes ();

use Holdfast::Wait;

my @dirs;

# TMPDIR, unless another user cannot get there.
sub _base () {
	my $base = File::Spec->tmpdir;

	return $base if $> != 0;
	for (my $path = $base; $path ne '/'; $path = dirname($path)) {
		return '/tmp' unless ((stat $path)[2] // 0) & 1;
	}
	return $base;
}

sub new ($class) {
	my $path = File::Temp::tempdir('holdfast-XXXXXX', DIR => _base());
	my $self = bless { path => $path }, $class;

	chmod 0755, $path;
	push @dirs, $self;
	return $self;
}

sub path ($self, $name = undef) {
	return defined $name ? "$self->{path}/$name" : $self->{path};
}

# Writes a file, with the directories on its way, in place. Private keys are for
# their owner only.
sub write ($self, $name, $content, $mode = $name =~ /\.key\z/ ? 0600 : 0644) {
	my $path = $self->path($name);
	my $umask = umask 022;

	make_path(dirname($path));
	umask $umask;
	open my $out, '>:raw', $path or die "$path: $!";
	print {$out} $content;
	close $out or die "$path: $!";
	chmod $mode, $path;
	return $path;
}

# Waits until the file has not changed for a while: what changed a moment ago
# is rightly not trusted to stay.
sub settle ($self, $name) {
	my $path = $self->path($name);

	wait_until { Time::HiRes::time() - (Time::HiRes::stat($path))[10] > 0.2 }
		"$path to settle";
}

# Puts a new file in the place of an old one, at once.
sub replace ($self, $name, $content) {
	my $new = $self->write("$name.new", $content);

	rename $new, $self->path($name) or die "$new: $!";
	return $self->path($name);
}

sub mkdir ($self, $name) {
	my $umask = umask 022;

	make_path($self->path($name));
	umask $umask;
	return $self->path($name);
}

sub read ($self, $name) {
	open my $in, '<:raw', $self->path($name) or return undef;
	local $/;
	return readline($in) // '';
}

sub remove_all () {
	for my $dir (splice @dirs) {
		remove_tree($dir->path, { safe => 0, error => \my $errors });
	}
}

sub kept () { return map { $_->path } @dirs }

1;
