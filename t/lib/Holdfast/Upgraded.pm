# SPDX-License-Identifier: BSD-2-Clause
#
# A server whose master changes. A test that upgrades makes one of its server
# at once, and says follow() after each upgrade that went well:
#
#   my $s = Holdfast::Upgraded->of(Holdfast->start(...));
#   is +($s->run('upgrade'))[0], 0;
#   is $s->follow, 0, 'the old master ended well';
#
# To upgrade to other binaries it is started as a copy of its own:
#
#   my $s = Holdfast::Upgraded->start(conf => ...);
#   $s->install('#!/bin/sh ...');	# or install() for the real one
#
# The masters to come are children of those before them: this process adopts
# them when these have ended (prctl(2), PR_SET_CHILD_SUBREAPER).
package Holdfast::Upgraded;

use v5.36;
use parent -norequire, 'Holdfast::Server';
use Carp qw(croak);
use File::Copy qw(copy);
use POSIX ();

use Holdfast ();
use Holdfast::Dir;
use Holdfast::Proc qw(alive);
use Holdfast::Wait;

my %number = (x86_64 => 157, aarch64 => 167, riscv64 => 167);

sub _adopt_orphans () {
	my $machine = (POSIX::uname())[4];
	my $prctl = $number{$machine} // die "prctl on $machine?\n";

	syscall($prctl, 36, 1, 0, 0, 0) == 0 or die "prctl: $!\n";
}

sub of ($class, $server) {
	_adopt_orphans();
	$server->{group} = $server->{child};
	return bless $server, $class;
}

sub start ($class, %opt) {
	_adopt_orphans();
	my $dir = Holdfast::Dir->new;

	_copy_binary($dir->mkdir('bin') . '/holdfast');
	my $self = $class->of(Holdfast::Server->start(
		$dir->path('bin/holdfast'), %opt, dir => $dir));

	# For the verbs, whatever there is to upgrade to.
	$self->{binary} = Holdfast::binary();
	return $self;
}

sub _copy_binary ($path) {
	copy(Holdfast::binary(), "$path.new") or die "$path.new: $!";
	chmod 0755, "$path.new";
	rename "$path.new", $path or die "$path: $!";
}

# What the next upgrade finds: these bytes, executable, or the real binary.
sub install ($self, $bytes = undef, $mode = 0755) {
	return _copy_binary($self->path('bin/holdfast'))
		unless defined $bytes;
	$self->{dir}->write('bin/holdfast.new', $bytes, $mode);
	rename $self->path('bin/holdfast.new'), $self->path('bin/holdfast');
	return;
}

# The bytes of the real binary, "normal", or of t/tools/holdfast_NAME of the
# build, whose formats differ; undef where there is none.
sub program ($name) {
	my $build = Holdfast::build();
	my $path = $name eq 'normal' ? Holdfast::binary()
		: defined $build ? "$build/t/tools/holdfast_$name" : return undef;

	open my $in, '<:raw', $path or return undef;
	local $/;
	return readline $in;
}

# After an upgrade: waits for the end of the old master, from now on is about
# the new one, which the control socket tells unless it is given. Returns the old
# one's exit status.
sub follow ($self, $new = $self->status->{pid}) {
	croak 'the master is still the same' if $new == $self->master;
	$self->{master} = $new;
	eval {
		wait_until { $self->reap } 'the old master to end';
		1;
	} or croak "$@" . $self->log_tail;
	my $status = $self->exit_status;

	$self->{child} = $new;
	delete $self->{status};
	return $status;
}

sub end_by_force ($self) {
	return if $self->{owner} != $$ || !$self->{group};
	my @pids = $self->processes;

	kill 'KILL', @pids;
	eval { wait_until { !$self->processes } 'the kill', 10 };
	# All that were ours by birth or adoption.
	waitpid $_, POSIX::WNOHANG() for @pids;
	1 while waitpid(-$self->{group}, POSIX::WNOHANG()) > 0;
	$self->{status} //= 0;
	$self->{ended} = 1;
	return;
}

1;
