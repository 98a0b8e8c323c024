# SPDX-License-Identifier: BSD-2-Clause
#
# A server that is measured: started, asked how much of the machine it has
# used, ended. Everything is summed over all its processes and threads.
package Bench::Server;

use v5.36;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(WNOHANG setsid);
use Time::HiRes qw(sleep time);

use Bench::Machine qw(server_cpus pinned slurp);

my $patience = 10;	# s, to start and to end

my %running;

# name; command => [...]; port; dir (its own, removed by who made it);
# workers; cpus => a list for taskset, if not those of its workers; reload => the
# name of a signal to the first process.
sub start ($class, %opt) {
	my $self = bless { %opt }, $class;

	$self->{pid} = fork // die "fork: $!\n";
	if ($self->{pid} == 0) {
		# A session of its own, as a service has: the scheduler shares a
		# CPU out among sessions (sched(7), autogroup).
		setsid();
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$opt{dir}/output";
		open STDERR, '>&', \*STDOUT;
		exec pinned($opt{cpus} // server_cpus($opt{workers}),
			$opt{command}->@*)
			or POSIX::_exit(127);
	}
	$running{$self->{pid}} = $self;
	$self->_wait_until_it_serves;
	return $self;
}

sub _wait_until_it_serves ($self) {
	my $until = time + $patience;

	until (IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		PeerPort => $self->{port})) {
		$self->_give_up('it ended') if waitpid($self->{pid}, WNOHANG) > 0;
		$self->_give_up('it does not listen') if time > $until;
		sleep 0.02;
	}
	sleep 0.1;	# workers may come after the socket
}

sub _give_up ($self, $why) {
	my $output = join '', map { slurp($_) // '' }
		"$self->{dir}/output", "$self->{dir}/error.log";

	$self->stop;
	die "$why: ", $output =~ s/\s+/ /gr =~ s/^(.{300}).*/$1.../r, "\n";
}

sub name ($self) { return $self->{name} }
sub port ($self) { return $self->{port} }

# The first process and everything below it, zombies too.
sub pids ($self) {
	my %children;

	for my $path (glob '/proc/[0-9]*/stat') {
		my ($pid, $parent) = (slurp($path) // '') =~
			/^(\d+) \(.*\) \S (\d+)/s or next;

		push $children{$parent}->@*, $pid;
	}
	my @pids = ($self->{pid});

	for (my $i = 0; $i < @pids; $i++) {
		push @pids, ($children{$pids[$i]} // [])->@*;
	}
	return @pids;
}

# {thread id => nanoseconds on a CPU}
sub threads_ns ($self) {
	my %ns;

	for my $path (map { glob "/proc/$_/task/[0-9]*/schedstat" } $self->pids) {
		my ($thread) = $path =~ m{task/(\d+)};

		$ns{$thread} = $1 if (slurp($path) // '') =~ /^(\d+)/;
	}
	return \%ns;
}

# Nanoseconds on a CPU so far. Processes that have ended and were waited for
# are in their parents' account, which counts in ticks.
sub cpu_ns ($self) {
	state $tick_ns = 1e9 / POSIX::sysconf(POSIX::_SC_CLK_TCK());
	my $ns = 0;

	$ns += $_ for values $self->threads_ns->%*;
	for my $pid ($self->pids) {
		my $stat = slurp("/proc/$pid/stat") // next;
		my @field = split ' ', $stat =~ s/.*\) //sr;

		$ns += ($field[13] + $field[14]) * $tick_ns;
	}
	return $ns;
}

# {pss, anonymous} in bytes: what it has with its part of what is shared, and
# what it has allocated.
sub memory ($self) {
	my %bytes = (pss => 0, anonymous => 0);

	for my $pid ($self->pids) {
		my $rollup = slurp("/proc/$pid/smaps_rollup") // next;

		$bytes{pss} += $1 * 1024 if $rollup =~ /^Pss:\s+(\d+)/m;
		$bytes{anonymous} += $1 * 1024
			if $rollup =~ /^Anonymous:\s+(\d+)/m;
	}
	return \%bytes;
}

# System calls that all its processes make while $work->() runs, as {name =>
# how many}; undef where nobody may trace.
sub syscalls ($self, $work) {
	my $out = "$self->{dir}/strace";
	my @pids = map { ('-p', $_) } $self->pids;
	my $pid = fork // die "fork: $!\n";

	if ($pid == 0) {
		open STDERR, '>', "$out.errors";
		exec 'strace', '-f', '-c', '-U', 'name,calls', '-o', $out, @pids
			or POSIX::_exit(127);
	}
	my $attached = $self->_wait_until_traced($pid);

	$work->() if $attached;
	kill 'INT', $pid;
	waitpid $pid, 0;
	return undef unless $attached;
	return { (slurp($out) // '') =~ /^(\w+)\s+(\d+)$/mg };
}

sub _wait_until_traced ($self, $strace) {
	my $until = time + $patience;

	while (time < $until && waitpid($strace, WNOHANG) == 0) {
		my @not_yet = grep {
			(slurp("/proc/$_/status") // '') =~ /^TracerPid:\s+0$/m
		} $self->pids;

		return 1 unless @not_yet;
		sleep 0.02;
	}
	return 0;
}

sub reload ($self) {
	kill $self->{reload}, $self->{pid};
}

sub stop ($self) {
	my $until = time + $patience;
	my $pid = $self->{pid};
	my @pids = $self->pids;

	kill 'TERM', $pid;
	while (time < $until && waitpid($pid, WNOHANG) == 0) {
		sleep 0.02;
		# Drains take as long as clients stay; ours have gone.
		kill 'INT', $pid if time > $until - $patience + 1;
	}
	kill 'KILL', -$pid;	# whoever is left in its group
	# A worker may have a group of its own.
	kill 'KILL', grep { getpgrp($_) == $pid || getpgrp($_) == $_ } @pids;
	waitpid $pid, WNOHANG;
	delete $running{$pid};
}

my $owner = $$;

END {
	if ($$ == $owner) {
		my $status = $?;

		$_->stop for values %running;
		$? = $status;
	}
}

1;
