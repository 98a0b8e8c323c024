# SPDX-License-Identifier: BSD-2-Clause
#
# The machine that measures: its CPUs and who gets which, what it is called,
# free ports.
package Bench::Machine;

use v5.36;
use Exporter qw(import);
use IO::Socket::INET;

our @EXPORT_OK = qw(server_cpus load_cpu pinned describe free_port slurp
	has_program);

sub slurp ($path) {
	open my $in, '<', $path or return undef;
	local $/;
	return scalar readline $in;
}

sub has_program ($name) {
	return scalar grep { -x "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin',
		'/sbin';
}

# The CPUs that this process may run on.
sub _cpus () {
	state $cpus = do {
		my ($list) = (slurp('/proc/self/status') // '') =~
			/^Cpus_allowed_list:\s+(\S+)/m;

		[map { /(\d+)-(\d+)/ ? $1 .. $2 : $_ } split /,/, $list // '0'];
	};
	return @$cpus;
}

# Those of a server with that many workers, as a list for taskset.
sub server_cpus ($workers) {
	my @cpus = _cpus();

	splice @cpus, $workers if @cpus > $workers;
	return join ',', @cpus;
}

# The load has the last one: its own, if there is one more than the server has.
sub load_cpu () { return (_cpus())[-1] }

sub pinned ($cpus, @command) { return ('taskset', '-c', $cpus, @command) }

sub describe () {
	my ($model) = (slurp('/proc/cpuinfo') // '') =~ /^model name\s*:\s*(.*)/m;
	my ($kernel) = (slurp('/proc/version') // '') =~ /version (\S+)/;

	my $tcp = slurp('/proc/sys/net/ipv4/tcp_congestion_control') // '';

	return { cpus => scalar(_cpus()), cpu => $model // 'unknown',
		kernel => $kernel // 'unknown', tcp => $tcp =~ s/\s//gr };
}

# Below the ports that the kernel gives to clients.
sub free_port () {
	for (1 .. 1000) {
		my $port = 10000 + int rand 20000;
		my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
			LocalPort => $port, Listen => 1) or next;

		return $port;
	}
	die "no free port\n";
}

1;
