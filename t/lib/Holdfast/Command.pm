# SPDX-License-Identifier: BSD-2-Clause
#
# A command in the background: its output is kept, its end is waited for with
# a deadline, and it does not outlive the test.
package Holdfast::Command;

use v5.36;
use POSIX qw(WNOHANG);

use Holdfast::Wait;

# new(\@argv, input => bytes or a file handle, env => {}, dir => path).
# Without `input` standard input is /dev/null. input => 'pipe' keeps it open
# for write() and close_input().
sub new ($class, $argv, %opt) {
	open my $out, '+>', undef or die "temporary file: $!";
	open my $err, '+>', undef or die "temporary file: $!";
	my ($in, $pipe);
	my $input = $opt{input};

	if (!defined $input) {
		open $in, '<', '/dev/null' or die "/dev/null: $!";
	} elsif (ref $input) {
		$in = $input;
	} elsif ($input eq 'pipe') {
		pipe $in, $pipe or die "pipe: $!";
		$pipe->autoflush(1);
	} else {
		open $in, '+>', undef or die "temporary file: $!";
		binmode $in;
		print {$in} $input;
		$in->flush;
		seek $in, 0, 0;
	}
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		chdir $opt{dir} if $opt{dir};
		for my $name (keys +($opt{env} // {})->%*) {
			if (defined $opt{env}{$name}) {
				$ENV{$name} = $opt{env}{$name};
			} else {
				delete $ENV{$name};
			}
		}
		POSIX::dup2(fileno $in, 0);
		POSIX::dup2(fileno $out, 1);
		POSIX::dup2(fileno $err, 2);
		$SIG{PIPE} = 'DEFAULT';
		{ no warnings; exec { $argv->[0] } $argv->@* }
		syswrite STDERR, "$argv->[0]: $!\n";
		POSIX::_exit(127);
	}
	return bless { pid => $pid, out => $out, err => $err, pipe => $pipe,
		argv => $argv, owner => $$ }, $class;
}

sub pid ($self) { return $self->{pid} }

sub write ($self, $bytes) {
	local $SIG{PIPE} = 'IGNORE';
	return print { $self->{pipe} } $bytes;
}

sub close_input ($self) {
	close delete $self->{pipe} if $self->{pipe};
	return;
}

sub _content ($handle) {
	# By a descriptor's own path, so that the position of the command's
	# writing, which it shares with us, is left alone.
	open my $again, '<', "/proc/self/fd/" . fileno($handle) or return '';
	binmode $again;
	local $/;
	return readline($again) // '';
}

# What has been written so far.
sub out ($self) { return _content($self->{out}) }
sub err ($self) { return _content($self->{err}) }

sub ended ($self) {
	return 1 if defined $self->{status};
	my $got = waitpid $self->{pid}, WNOHANG;

	return 0 if $got == 0;
	$self->{status} = $got == $self->{pid} ? $? : -1;
	return 1;
}

# Waits for the end: (exit status, output, error output). The exit status of
# a command that a signal ended is "signal N".
sub wait ($self, $seconds = undef) {
	wait_until { $self->ended } "the end of: @{$self->{argv}}", $seconds;
	my $status = $self->{status};

	return ($status & 127 ? 'signal ' . ($status & 127) : $status >> 8,
		$self->out, $self->err);
}

sub DESTROY ($self) {
	return if $self->{owner} != $$ || defined $self->{status};
	local ($?, $!, $@);
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
}

1;
