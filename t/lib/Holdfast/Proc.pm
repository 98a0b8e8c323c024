# SPDX-License-Identifier: BSD-2-Clause
#
# What /proc knows of processes.
package Holdfast::Proc;

use v5.36;
use Exporter qw(import);
use POSIX ();
use Socket qw(unpack_sockaddr_in);

use Holdfast::Wait;

our @EXPORT_OK = qw(alive client_ports proc_state children server_processes fds fd_targets
	rss_kb anonymous_kb cpu_ticks cpu_wanted proc_status proc_uids
	raise_nofile stop_process continue_process socket_holder);

sub _slurp ($path) {
	open my $in, '<', $path or return undef;
	local $/;
	return scalar readline $in;
}

# [state, ppid, pgrp] of a process, empty when there is none.
sub _stat ($pid) {
	my $stat = _slurp("/proc/$pid/stat") // return;

	# The name stands in parentheses and may hold anything.
	return $stat =~ /.*\) (\S) (\d+) (\d+)/s ? ($1, $2, $3) : ();
}

# "R", "S", "T" (stopped) ...; undef when there is no such process.
sub proc_state ($pid) { return (_stat($pid))[0] }

# The time that it has used, its own and the kernel's, in clock ticks.
sub cpu_ticks ($pid) {
	my $stat = _slurp("/proc/$pid/stat") // return 0;
	my @fields = split ' ', $stat =~ s/.*\) //sr;

	return $fields[11] + $fields[12];
}

# Seconds for which it ran or waited for a processor, however busy the machine is
# (see /proc/PID/schedstat; without it, seconds for which it ran).
sub cpu_wanted ($pid) {
	my ($ran, $waited) = split ' ', _slurp("/proc/$pid/schedstat") // '';

	return cpu_ticks($pid) / 100 unless defined $waited;
	return ($ran + $waited) / 1e9;
}

# A zombie is not alive.
sub alive ($pid) {
	my $state = proc_state($pid) // return 0;

	return $state !~ /[ZX]/;
}

sub _pids () {
	opendir my $dir, '/proc' or die "/proc: $!";
	return sort { $a <=> $b } grep { /^\d+$/ } readdir $dir;
}

sub children ($pid) {
	my @pids = grep {
		my ($state, $ppid) = _stat($_);
		defined $ppid && $ppid == $pid && $state !~ /[ZX]/
	} _pids();

	return @pids;
}

# Every living process of a server: those of its process group, and those that
# write to its standard error, because each worker has a session of its own.
sub server_processes ($pgrp, $stderr) {
	my @pids = grep {
		my ($state, undef, $group) = _stat($_);
		defined $group && $state !~ /[ZX]/ && ($group == $pgrp ||
			(readlink("/proc/$_/fd/2") // '') eq $stderr)
	} _pids();

	return @pids;
}

# {fd => what it is}, as "socket:[123]" or "/path".
sub fd_targets ($pid) {
	opendir my $dir, "/proc/$pid/fd" or return {};
	return { map { $_ => readlink("/proc/$pid/fd/$_") // '?' }
			grep { /^\d+$/ } readdir $dir };
}

# The clients' ports of all TCP connections (IPv4) that a process holds.
sub client_ports ($pid) {
	my %is_its = map { /^socket:\[(\d+)\]$/ ? ($1 => 1) : () }
		values fd_targets($pid)->%*;

	open my $tcp, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
	readline $tcp;
	return map { hex((split /:/, $_->[2])[1]) }
		grep { $is_its{$_->[9]} && $_->[3] ne '0A' }
		map { [split] } readline $tcp;
}

sub fds ($pid) { return scalar keys fd_targets($pid)->%* }

sub rss_kb ($pid) {
	my $status = _slurp("/proc/$pid/status") // return 0;

	return $status =~ /^VmRSS:\s+(\d+) kB/m ? $1 : 0;
}

# Memory that was allocated, whether or not it is still shared with a parent or
# children; files that are mapped do not count, because whether they are shared
# depends on who else runs the same program.
sub anonymous_kb ($pid) {
	my $rollup = _slurp("/proc/$pid/smaps_rollup") // return 0;

	return $rollup =~ /^Anonymous:\s+(\d+) kB/m ? $1 : 0;
}

# The text of /proc/PID/status.
sub proc_status ($pid) { return _slurp("/proc/$pid/status") // '' }

# Real, effective, saved and file system user, then the same of the group,
# then the supplementary groups.
sub proc_uids ($pid) {
	my $status = _slurp("/proc/$pid/status") // return;
	my ($uids) = $status =~ /^Uid:\s+(.*)/m;
	my ($gids) = $status =~ /^Gid:\s+(.*)/m;
	my ($groups) = $status =~ /^Groups:[ \t]*(.*)/m;

	return ([split ' ', $uids], [split ' ', $gids], [split ' ', $groups]);
}

# This process may open as many files as it is allowed to: returns how many.
sub raise_nofile () {
	my $limits = _slurp("/proc/$$/limits") // '';
	my ($hard) = $limits =~ /^Max open files\s+\S+\s+(\d+)/m;

	return 1024 unless $hard;
	system('prlimit', '--pid', $$, "--nofile=$hard:$hard");
	($hard) = (_slurp("/proc/$$/limits") // '') =~
		/^Max open files\s+(\d+)/m;
	return $hard;
}

sub stop_process (@pids) {
	kill 'STOP', @pids;
	for my $pid (@pids) {
		wait_until { (proc_state($pid) // 'T') eq 'T' }
			"process $pid to stop";
	}
}

sub continue_process (@pids) {
	kill 'CONT', @pids;
	for my $pid (@pids) {
		wait_until { (proc_state($pid) // '') ne 'T' }
			"process $pid to continue";
	}
}

# Which of the processes holds the other end of this connected TCP socket
# (IPv4); undef while none does: it is still in the accept queue.
sub socket_holder ($socket, @pids) {
	my $text = sub ($name) {
		my ($port, $ip) = unpack_sockaddr_in($name);

		return sprintf('%08X:%04X', unpack('L', $ip), $port);
	};
	my $peer = getpeername $socket or return undef;
	my ($near, $far) = map { $text->($_) } getsockname $socket, $peer;
	open my $tcp, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
	my $inode;

	while (my $row = readline $tcp) {
		my @column = split ' ', $row;

		$inode = $column[9]
			if $column[1] eq $far && $column[2] eq $near;
	}
	return undef unless $inode;
	for my $pid (@pids) {
		return $pid if grep { $_ eq "socket:[$inode]" }
			values fd_targets($pid)->%*;
	}
	return undef;
}

1;
