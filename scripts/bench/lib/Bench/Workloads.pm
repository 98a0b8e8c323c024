# SPDX-License-Identifier: BSD-2-Clause
#
# What is measured: each workload is a row of @workloads, and each has one of
# the functions below, which does one round of it with one server and returns
# {name of a figure => value}. Figures of time are in microseconds, of memory
# in bytes. A function dies with the reason when it cannot be done.
package Bench::Workloads;

use v5.36;
use Exporter qw(import);
use List::Util qw(min max sum);
use Time::HiRes qw(sleep time);

use Bench::Load;
use Bench::Servers qw(start_server);

our @EXPORT_OK = qw(workloads make_files count_syscalls @sizes);

our $seconds = 0.7;	# of a measurement
our $crowd = 10000;	# connections of which few are active
our $paths;		# a file with those of the mixed directory
our @sizes = (1, 10, 100, 500, 1000, 2000, 5000, 10000);

my @peers = qw(nginx haproxy h2o lighttpd);
my @proxies = qw(nginx haproxy h2o);
my @events = qw(epoll_et epoll_lt poll select);
my $upgrade = join "\r\n", 'Connection: Upgrade', 'Upgrade: websocket',
	'Sec-WebSocket-Version: 13',
	'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
my $form = 'name=Ada+Lovelace&city=London&subject=Engines&message=' .
	'The+Analytical+Engine+weaves+algebraic+patterns%21';

# load: options of load.c. warm: requests before it is measured. unit: what CPU time is counted for. rate: requests
# a second of an open loop, for latencies. syscalls: requests to count them
# over. mode, workers: of the servers. fresh: a server of its own each round.
my @workloads = (
	{ name => 'keepalive', title => '1 KiB file, keep-alive, 64 connections',
	  servers => ['holdfast', @peers, @events, 'prefork', 'fork'],
	  run => \&plain, load => ['-c', 64], rate => 20000, syscalls => 4000 },
	{ name => 'close', title => '1 KiB file, one connection per request, 64 at once',
	  servers => ['holdfast', @peers, @events, 'prefork', 'fork'],
	  run => \&plain, load => ['-c', 64, '-x'], mode => 'close',
	  syscalls => 2000 },
	{ name => 'connect', title => '1 KiB file, one connection per request, sent when the client knows that it is connected',
	  servers => ['holdfast', @peers, @events, 'prefork', 'fork'],
	  run => \&plain, load => ['-c', 64, '-x', '-w'], mode => 'close',
	  syscalls => 2000 },
	{ name => 'respond', title => 'A short answer from the configuration, 64 connections',
	  servers => ['holdfast', 'nginx', 'haproxy', 'h2o', 'lighttpd-lua'],
	  run => \&plain, load => ['-c', 64, '-u', '/respond'],
	  syscalls => 4000 },
	{ name => 'pipeline', title => '1 KiB file, 16 requests at once on each of 64 connections',
	  servers => ['holdfast', @peers, 'epoll_et'],
	  run => \&plain, load => ['-c', 64, '-p', 16], syscalls => 16000 },
	{ name => 'file-100k', title => '100 KiB file, 64 connections',
	  servers => ['holdfast', 'nginx', 'h2o', 'lighttpd'],
	  run => \&plain, load => ['-c', 64, '-u', '/100k'], rate => 2000,
	  syscalls => 2000, without => 'haproxy serves no files' },
	{ name => 'file-100m', title => '100 MiB file, 4 connections', unit => 'MiB',
	  servers => ['holdfast', 'nginx', 'h2o', 'lighttpd'],
	  run => \&plain, load => ['-c', 4, '-u', '/100m'],
	  syscalls => 8, without => 'haproxy serves no files' },
	{ name => 'idle', title => '10,000 connections of which 100 are active, 1 KiB file',
	  servers => ['holdfast', @peers, qw(epoll_et epoll_lt poll)],
	  run => \&idle, fresh => 1,
	  without => 'select cannot have more than 1024 descriptors' },
	{ name => 'echo', title => 'Echo of 1 KiB, 64 connections',
	  servers => ['holdfast', @events, 'prefork', 'fork'],
	  run => \&plain, load => ['-c', 64, '-e', 1024], mode => 'echo',
	  syscalls => 4000, without => 'no peer echoes' },
	{ name => 'form', title => 'POST of a form, answered from its field, 64 connections',
	  servers => ['holdfast', 'nginx-lua', 'nginx-njs', 'nginx-perl',
		'haproxy', 'h2o', 'lighttpd-lua', 'epoll_et'],
	  run => \&plain, load => ['-c', 64, '-u', '/form', '-b', $form],
	  syscalls => 4000 },
	{ name => 'mixed', title => 'Files of /usr/share/doc in turn, 64 connections',
	  servers => ['holdfast', 'nginx', 'h2o', 'lighttpd'],
	  run => \&plain, load => ['-c', 64, '-f', \$paths], rate => 5000,
	  warm => 4000,
	  syscalls => 4000, without => 'haproxy serves no files' },
	{ name => 'proxy', title => '1 KiB through a proxy, keep-alive on both sides, 64 connections',
	  servers => ['holdfast', @proxies, 'proxy_et'], run => \&plain,
	  load => ['-c', 64], mode => 'proxy', warm => 4000, syscalls => 4000 },
	{ name => 'proxy-close', title => '1 KiB through a proxy, one connection per request, the upstream kept alive',
	  servers => ['holdfast', @proxies], run => \&plain,
	  load => ['-c', 64, '-x'], mode => 'proxy', warm => 2000,
	  syscalls => 2000 },
	{ name => 'proxy-100m', title => '100 MiB through a proxy, 4 connections', unit => 'MiB',
	  servers => ['holdfast', @proxies, 'proxy_et'], run => \&plain,
	  load => ['-c', 4, '-u', '/100m'], mode => 'proxy', syscalls => 8 },
	{ name => 'stream-close', title => '1 KiB through a proxy of TCP, one connection per request',
	  servers => ['holdfast', 'nginx', 'haproxy'], run => \&plain,
	  load => ['-c', 64, '-x'], mode => 'stream', warm => 2000,
	  syscalls => 2000, without => 'h2o is no proxy of TCP' },
	{ name => 'stream-100m', title => '100 MiB through a proxy of TCP, 4 connections', unit => 'MiB',
	  servers => ['holdfast', 'nginx', 'haproxy'], run => \&plain,
	  load => ['-c', 4, '-u', '/100m'], mode => 'stream', syscalls => 8,
	  without => 'h2o is no proxy of TCP' },
	{ name => 'websocket', title => '5,000 idle WebSockets through a proxy',
	  servers => ['holdfast', @proxies], run => \&websocket, mode => 'proxy',
	  load => ['-u', '/tunnel', '-h', $upgrade], fresh => 1, rounds => 3 },
	{ name => 'skew', title => 'Two workers, and the busy connections belong to one of them',
	  servers => ['holdfast', 'nginx', 'h2o', 'lighttpd'],
	  run => \&skew, before => \&_too_much_for_one, workers => 2, fresh => 1,
	  without => 'haproxy serves no files' },
	{ name => 'reload', title => 'A reload every second, 64 active and 100 idle connections',
	  servers => ['holdfast', @peers], run => \&reload, fresh => 1 },
	{ name => 'connections', title => 'Cost against the number of connections, at most 8 of which are active',
	  servers => ['holdfast', 'nginx', @events], run => \&connections,
	  fresh => 1, rounds => 3,
	  without => 'select cannot have more than 1024 descriptors' },
);

# Whatever measures holdfast can compare it with another build.
$_->{servers} = [map { $_ eq 'holdfast' ? ($_, 'before') : $_ }
	$_->{servers}->@*] for @workloads;

sub workloads () { return @workloads }

# What is served. 100 MiB take a moment to write.
sub make_files ($www) {
	my %size = ('1k' => 1 << 10, '100k' => 100 << 10, '100m' => 100 << 20);

	for my $name (keys %size) {
		open my $out, '>', "$www/$name" or die "$www/$name: $!\n";
		print $out 'x' x $size{$name};
		close $out or die "$www/$name: $!\n";
	}
	# Hidden files, symbolic links and odd names are not for everyone.
	my @files = grep { m{^/usr/share/doc/[\w./+-]+\z} && !m{/\.} }
		split /\n/, qx(find /usr/share/doc -type f -size -512k | sort);

	die "no files in /usr/share/doc\n" unless @files;
	open my $out, '>', $paths or die "$paths: $!\n";
	print $out map { s{^/usr/share}{}r . "\n" }
		@files[0 .. min($#files, 1999)];
}

sub _start_load ($w, $server, @more) {
	my @options = map { ref ? $$_ : $_ } ($w->{load} // [])->@*;

	return Bench::Load->start($server->port, @options, @more);
}

sub _check ($r) {
	die "nothing was answered\n" unless $r->{requests} || $r->{bytes};
	for my $what (qw(wrong lost closed late)) {
		die "$r->{$what} requests or connections were $what\n"
			if $r->{$what};
	}
	return $r;
}

# (CPU time of the server while the load works, what the load says)
sub _measure ($load, $server, $seconds, @connections) {
	$load->tell('seconds', $seconds);
	my $before = $server->cpu_ns;
	my $r = $load->go(@connections);

	return (($server->cpu_ns - $before) / 1000, $r);
}

sub _units ($w, $r) {
	return ($w->{unit} // '') eq 'MiB' ? $r->{bytes} / (1 << 20)
		: $r->{requests};
}

# A tenth of the time, or so many requests: caches are filled.
sub _warm ($load, $server, $requests = undef) {
	$load->tell('count', $requests) if $requests;
	_measure($load, $server, $seconds / 10);
	$load->tell('count', 0) if $requests;
}

# As many as can be for a while, then a fixed number a second.
sub plain ($w, $server) {
	my $load = _start_load($w, $server);

	_warm($load, $server, $w->{warm});
	my ($cpu, $r) = _measure($load, $server, $seconds);

	_check($r);
	my $units = _units($w, $r);
	my %figures = (cpu => $cpu / $units, rate => $units / $r->{seconds},
		pss => $server->memory->{pss});

	if ($w->{rate}) {
		$load->tell('rate', $w->{rate});
		my (undef, $r) = _measure($load, $server, $seconds * 0.6);

		%figures = (%figures, _check($r)->%{qw(p50 p90 p99 p999)});
	}
	return \%figures;
}

# {system call => how many a request}, or a unit
sub count_syscalls ($w, $server) {
	my $load = _start_load($w, $server);

	$load->tell('count', $w->{syscalls});
	my $r;
	my $calls = $server->syscalls(sub { $r = $load->go }) // return undef;
	my $units = _units($w, $r);

	delete $calls->{total};
	return { map { $_ => $calls->{$_} / $units } keys %$calls };
}

# The same active connections alone, then with a crowd beside them.
sub idle ($w, $server) {
	my $active = 100;
	my $load = Bench::Load->start($server->port, '-c', $active);

	_warm($load, $server);
	my ($cpu_alone, $alone) = _measure($load, $server, $seconds);

	_check($alone);
	$load->end;
	sleep 0.1;
	my $before = $server->memory->{anonymous};

	$load = Bench::Load->start($server->port, '-c', $active, '-i',
		$crowd - $active);
	my $each = ($server->memory->{anonymous} - $before) / ($crowd - $active);

	_warm($load, $server);
	my ($cpu, $r) = _measure($load, $server, $seconds);

	_check($r);
	$load->tell('rate', 10000);
	my (undef, $open) = _measure($load, $server, $seconds * 0.6);

	_check($open);
	return { cpu => $cpu / $r->{requests},
		rate => $r->{requests} / $r->{seconds},
		alone => $cpu_alone / $alone->{requests},
		growth => ($cpu / $r->{requests}) /
			($cpu_alone / $alone->{requests}),
		per_connection => $each,
		$open->%{qw(p50 p90 p99 p999)} };
}

# What one takes with both of its connections, and nobody speaks.
sub websocket ($w, $server) {
	_start_load($w, $server, '-c', 100)->end;
	sleep 0.2;
	my $before = $server->memory->{anonymous};
	my $n = $crowd / 2;
	my $load = _start_load($w, $server, '-c', $n);

	sleep 0.2;
	return { per_connection =>
		($server->memory->{anonymous} - $before) / $n };
}

# Which thread answers on a connection: the one that has worked most since.
sub _owner ($load, $server, $i) {
	my $before = $server->threads_ns;

	$load->ask($i);
	my $after = $server->threads_ns;
	my ($owner) = sort {
		$after->{$b} - ($before->{$b} // 0) <=>
			$after->{$a} - ($before->{$a} // 0)
	} keys %$after;

	return $owner;
}

# Requests a second that are a quarter more than one worker of nginx can serve
# (or of holdfast, without nginx), for everyone and for this round.
sub _too_much_for_one ($w) {
	my $server = eval { start_server('nginx') } // start_server('holdfast');
	my $load = Bench::Load->start($server->port, '-c', 16);

	_warm($load, $server);
	my (undef, $r) = _measure($load, $server, $seconds / 2);

	$load->end;
	$server->stop;
	return 1.25 * $r->{requests} / $r->{seconds};
}

# Many connections are opened; then only some of those are used that one
# worker has, the one that has most. Whoever moves none of them serves all
# requests with one worker while the other has nothing to do. The answers are
# short: for long ones the clients would need as much of the two CPUs as the
# server, and it would be for them that requests wait.
sub skew ($w, $server) {
	my ($all, $some) = (64, 16);
	my $load = Bench::Load->start($server->port, '-c', $all);
	my %owns;

	sleep 0.5;	# who wants to spread them has had time to
	push $owns{_owner($load, $server, $_)}->@*, $_ for 0 .. $all - 1;
	my ($most) = sort { $owns{$b}->@* <=> $owns{$a}->@* } keys %owns;
	my @busy = $owns{$most}->@*;

	splice @busy, $some if @busy > $some;
	$load->tell('rate', $w->{each_round});
	my $before = $server->threads_ns;
	my ($cpu, $r) = _measure($load, $server, $seconds * 2, @busy);
	my $after = $server->threads_ns;
	my @took = map { $after->{$_} - ($before->{$_} // 0) } keys %$after;

	return { others => 1 - max(@took) / sum(@took), cpu => $cpu / $r->{requests},
		rate => $r->{requests} / $r->{seconds}, busy => scalar @busy,
		owned => scalar $owns{$most}->@*, $r->%{qw(late p50 p90 p99 p999)} };
}

# A fixed rate, without and with reloads; whatever the server does to
# connections is counted.
sub reload ($w, $server) {
	my $reloads = max(1, int(3 * $seconds));
	my $load = Bench::Load->start($server->port, '-c', 64, '-i', 100, '-r',
		10000, '-P');
	my (undef, $quiet) = _measure($load, $server, $reloads + 0.3);

	_check($quiet);
	$load->tell('seconds', $reloads + 0.3);
	$load->begin;
	sleep 0.2;
	for (1 .. $reloads) {
		$server->reload;
		sleep 1;
	}
	my $r = $load->result;

	return { quiet_p99 => $quiet->{p99}, growth => $r->{p99} / $quiet->{p99},
		rate => $r->{requests} / $r->{seconds},
		(map { $_ => $r->{$_} / $reloads }
			qw(lost closed told refused late wrong)),
		$r->%{qw(p50 p90 p99 p999)} };
}

# A few that are active, and more and more that are not.
sub connections ($w, $server) {
	my %figures;

	for my $n (grep { $_ <= $crowd } @sizes) {
		next if $server->name eq 'select' && $n > 1000;
		my $active = min($n, 8);
		my $load = Bench::Load->start($server->port, '-c', $active,
			'-i', $n - $active);

		_measure($load, $server, $seconds / 20);
		my ($cpu, $r) = _measure($load, $server, max($seconds / 4, 0.2));

		_check($r);
		$figures{"cpu_$n"} = $cpu / $r->{requests};
	}
	return \%figures;
}

1;
