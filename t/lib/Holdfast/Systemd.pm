# SPDX-License-Identifier: BSD-2-Clause
#
# A real systemd with the project's own units, for one test:
#
#   my $systemd = Holdfast::Systemd->boot(conf => 'listeners = ( ... );');
#   is $systemd->systemctl('start', 'holdfast'), 0, 'starts';
#   is $systemd->get('/')->body, "hello\n", 'and serves';
#   $systemd->finish;
#
# systemd is process 1 of namespaces of its own (mounts, pids, cgroups, host
# name, ipc), on a file system that it cannot write to but for fresh /run,
# /tmp, /var/tmp and /var/log, and it knows no units but its journal's and
# ours. The test stays outside and looks in; only the network is shared, and
# that is a fresh one too, so ports are free to choose: 80 is as good as any.
#
# What the service sees (outside it is path()):
#
#   /run/box/sbin/holdfast                the binary of the build under test
#   /run/box/etc/holdfast/holdfast.conf   `conf`
#   /run/box/units/                       the rendered scripts/*.in
#   /run/box/NAME                         each of `files`
#
# $systemd->finish is a test: it fails on warnings and errors of the service
# that the test did not announce with expect_log(), on processes that died of
# a signal, on reports of sanitizers. The box of a test that failed is kept,
# with the journal in it.
package Holdfast::Systemd;

use v5.36;
use File::Copy qw(copy);
use POSIX qw(WNOHANG);
use Test::More;

use Holdfast ();
use Holdfast::Client;
use Holdfast::Dir;
use Holdfast::Wait;

my $program = '/lib/systemd/systemd';
my $owner = $$;
my $running;

# Why there can be no systemd here, or undef.
sub obstacle () {
	return 'a systemd in namespaces needs root' if $> != 0;
	return "needs systemd ($program)" unless -x $program;
	for my $tool (qw(systemctl journalctl unshare nsenter setpriv)) {
		return "needs $tool"
			unless grep { -x "$_/$tool" } qw(/usr/bin /bin);
	}
	system('unshare --mount --pid --net --cgroup --ipc --uts --fork '
		. 'mount -t tmpfs tmpfs /tmp 2>/dev/null');
	return 'unshare or mount is not permitted here' if $? != 0;
	return undef;
}

# Starts the test over in a network of its own.
sub _enter_own_network () {
	return if $ENV{HOLDFAST_OWN_NETWORK};
	local $ENV{HOLDFAST_OWN_NETWORK} = 1;
	local $ENV{PERL5LIB} = join ':', grep { !ref } @INC;
	exec 'unshare', '--net', '--', $^X, $0, @ARGV
		or die "unshare: $!";
}

# Boots, or ends the test with skip_all. Takes `conf`, the text of the
# configuration; `files`, a hash of names and contents; `service` and `socket`,
# what "systemctl edit" would add to these units.
sub boot ($class, %arg) {
	my $obstacle = obstacle();

	plan skip_all => $obstacle if $obstacle;
	_enter_own_network();

	my $self = bless { dir => Holdfast::Dir->new, expected => [],
		allowed => [] }, $class;
	if (!eval { $self->_make_cgroup }) {
		Holdfast::Dir::remove_all();
		plan skip_all => "needs a cgroup2 of its own: $@";
	}
	$running = $self;
	$self->_furnish(%arg);
	$self->_power_on;
	return $self;
}

# --- what a test asks and says

sub path ($self, @name) { return $self->{dir}->path(@name) }

sub write_conf ($self, $text) {
	return $self->{dir}->replace('etc/holdfast/holdfast.conf', $text);
}

# Runs a command beside the systemd; returns its exit status, and in list
# context also what it wrote.
sub run ($self, @command) {
	my $pid = open(my $out, '-|') // die "fork: $!";

	if (!$pid) {
		open STDERR, '>&', \*STDOUT;
		exec 'nsenter', '-t', $self->{init},
			qw(-m -p -C -i -u --), @command
			or POSIX::_exit(127);
	}
	my $text = do { local $/; readline($out) // '' };

	close $out;
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;

	return wantarray ? ($status, $text) : $status;
}

sub systemctl ($self, @argument) {
	return $self->run('systemctl', '--no-pager', @argument);
}

# The verbs of holdfast itself, on the service's configuration.
sub holdfast ($self, @argument) {
	return $self->run('/run/box/sbin/holdfast', '-c',
		'/run/box/etc/holdfast/holdfast.conf', @argument);
}

sub property ($self, $name, $unit = 'holdfast.service') {
	my (undef, $text) = $self->systemctl('show', '--value', '-p', $name,
		$unit);

	chomp $text;
	return $text;
}

# What the service itself has said, line by line (`@filter` as for
# journalctl). Lines of systemd about it are not among them.
sub journal ($self, @filter) {
	return $self->_journal(@filter, '_SYSTEMD_UNIT=holdfast.service');
}

sub _journal ($self, @filter) {
	$self->run(qw(journalctl --sync));
	my (undef, $text) = $self->run(qw(journalctl -q --no-pager -o cat),
		@filter);

	return split /\n/, $text;
}

# The pids of the service as this test sees them.
sub processes ($self) {
	open my $procs, '<',
		"$self->{cgroup}/system.slice/holdfast.service/cgroup.procs"
		or return;
	chomp(my @pids = readline $procs);
	return @pids;
}

sub master ($self) {
	my ($master) = grep { _parent($_) == $self->{init} } $self->processes;

	return $master;
}

sub workers ($self) {
	my $master = $self->master // return;

	return grep { _parent($_) == $master } $self->processes;
}

sub _parent ($pid) {
	my $status = eval { _read("/proc/$pid/status") } // '';

	return $status =~ /^PPid:\s*(\d+)/m ? $1 : -1;
}

sub client ($self, $port = 80) {
	return Holdfast::Client->new("127.0.0.1:$port");
}

# One request on a connection of its own.
sub get ($self, $target, $port = 80) {
	return $self->client($port)->get($target, Connection => 'close');
}

# Warnings and errors that the test provokes: these must come ...
sub expect_log ($self, @patterns) {
	push $self->{expected}->@*, @patterns;
	return;
}

# ... and these may.
sub allow_log ($self, @patterns) {
	push $self->{allowed}->@*, @patterns;
	return;
}

# The guard.
sub finish ($self) {
	my @faults = $self->_faults;
	my $builder = Test::More->builder;

	$builder->ok(!@faults, 'the service left no complaints');
	$builder->diag("  $_") for @faults;
	$self->{finished} = 1;
	return !@faults;
}

# --- boot

sub _read ($path) {
	open my $file, '<', $path or die "$path: $!\n";
	local $/;
	return readline($file) // '';
}

# Our own group in the cgroup2 hierarchy, since two systemds in one group
# would each take the other's services for its own.
sub _make_cgroup ($self) {
	my ($mount) = map { (split)[1] } grep { (split)[2] eq 'cgroup2' }
		split /\n/, _read('/proc/self/mounts');
	my ($group) = _read('/proc/self/cgroup') =~ m{^0::(/.*)$}m;

	die "none is mounted\n" unless $mount && $group;
	$group = '' if $group eq '/';
	my $dir = "$mount$group/holdfast-test-$$";

	# One may be left of a process with this number that was killed.
	_remove_groups($dir);
	mkdir $dir or die "$dir: $!\n";
	return $self->{cgroup} = $dir;
}

sub _render ($self, $unit, $more) {
	my %value = (sbindir => '/run/box/sbin', bindir => '/run/box/sbin',
		sysconfdir => '/run/box/etc');
	my $text = _read(Holdfast::top() . "/scripts/$unit.in");

	$text =~ s/\@(\w+)\@/$value{$1} || die "$unit.in: no \@$1\@ here"/ge;
	$self->{dir}->write("units/$unit", $text);
	$self->{dir}->write("units/$unit.d/test.conf", $more) if $more;
	return;
}

sub _furnish ($self, %arg) {
	my $dir = $self->{dir};

	$dir->mkdir('sbin');
	copy(Holdfast::binary(), $self->path('sbin/holdfast'))
		or die "sbin/holdfast: $!";
	chmod 0755, $self->path('sbin/holdfast');
	$dir->write('etc/holdfast/holdfast.conf', $arg{conf});
	$dir->write($_, $arg{files}{$_}) for keys +($arg{files} // {})->%*;

	my $service = "[Service]\nLimitCORE=0\n";

	# To look for leaks takes ptrace(2), which the unit does not allow.
	$service .= qq(Environment="ASAN_OPTIONS=$ENV{ASAN_OPTIONS}:detect_leaks=0"\n)
		if $ENV{ASAN_OPTIONS};
	$service .= qq(Environment="UBSAN_OPTIONS=$ENV{UBSAN_OPTIONS}"\n)
		if $ENV{UBSAN_OPTIONS};
	$self->_render('holdfast.service', $service . ($arg{service} // ''));
	$self->_render('holdfast.socket', $arg{socket});

	# The targets that a service names by default, and the journal.
	$dir->write("units/$_.target", "[Unit]\nDefaultDependencies=no\n")
		for qw(sysinit basic sockets shutdown);
	$dir->write('units/box.target', <<~'UNIT');
		[Unit]
		DefaultDependencies=no
		Requires=systemd-journald.service
		After=systemd-journald.service
		UNIT
	for my $name (qw(systemd-journald.service systemd-journald.socket
			systemd-journald-dev-log.socket)) {
		$dir->write("units/$name",
			_read("/lib/systemd/system/$name"));
	}
	$dir->write('console', '');
	$dir->write('init', <<~'INIT');
		set -eu
		box=$1
		mount --make-rprivate /
		# How those outside call us, by a /proc that we then leave.
		read -r pid rest </proc/self/stat
		mount -n -t proc proc /proc
		mount -n -t tmpfs -o mode=755 tmpfs /run
		mkdir -p /run/box /run/lock /run/systemd/system
		mount -n --bind "$box" /run/box
		mount -n -t tmpfs -o mode=1777 tmpfs /tmp
		mount -n -t tmpfs -o mode=1777 tmpfs /var/tmp
		mount -n -t tmpfs -o mode=755 tmpfs /var/log
		mount -n -t cgroup2 cgroup2 /sys/fs/cgroup
		mount -n --bind /run/box/console /dev/console
		mount -n --bind /dev/null /dev/kmsg
		mount -n -o remount,bind,ro /
		echo "$pid" >/run/box/pid.new
		mv /run/box/pid.new /run/box/pid
		cd /
		exec env -i container=box PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			SYSTEMD_UNIT_PATH=/run/box/units \
			/lib/systemd/systemd --system --unit=box.target \
			--log-target=journal --show-status=no
		INIT
	return;
}

sub _power_on ($self) {
	my $pid = fork // die "fork: $!";

	if (!$pid) {
		open my $procs, '>', "$self->{cgroup}/cgroup.procs";
		syswrite $procs, $$;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', $self->path('boot');
		open STDERR, '>&', \*STDOUT;
		# Nothing of it outlives this test, however that ends.
		exec qw(setpriv --pdeathsig KILL unshare --kill-child),
			qw(--pid --mount --ipc --uts --cgroup sh),
			$self->path('init'), $self->path
			or POSIX::_exit(127);
	}
	$self->{outer} = $pid;
	eval {
		wait_until {
			die "it ended\n" if waitpid($pid, WNOHANG) == $pid;
			$self->_is_up;
		} 'systemd to come up';
		1;
	} or die $@, map { eval { _read($self->path($_)) } // '' }
		qw(boot console);
	return;
}

sub _is_up ($self) {
	$self->{init} ||= eval { int _read($self->path('pid')) } or return 0;
	return -S "/proc/$self->{init}/root/run/systemd/private"
		&& $self->systemctl('is-active', '-q', 'box.target') == 0;
}

# --- the end

sub _faults ($self) {
	my @lines = $self->journal('-p', 'warning');
	my @faults;

	# A sanitizer writes to standard error, without a level.
	push @lines, grep { /Sanitizer|runtime error:/ } $self->journal;
	push @lines, grep { /code=(killed|dumped)/ }
		$self->_journal('_PID=1', 'UNIT=holdfast.service');
	for my $line (@lines) {
		push @faults, "unexpected: $line"
			unless grep { $line =~ $_ }
				$self->{expected}->@*, $self->{allowed}->@*;
	}
	for my $pattern ($self->{expected}->@*) {
		push @faults, "missing: $pattern"
			unless grep { $_ =~ $pattern } @lines;
	}
	return @faults;
}

sub _power_off ($self) {
	kill 'KILL', $self->{outer};
	waitpid $self->{outer}, 0;
	# A group can be removed once its last process has been reaped.
	wait_until { _remove_groups($self->{cgroup}) } 'empty cgroups';
	return;
}

sub _remove_groups ($dir) {
	_remove_groups($_) for grep { -d } glob "$dir/*";
	return rmdir $dir;
}

# Before the one of Holdfast.pm, which removes or keeps the box.
END {
	if ($running && $$ == $owner) {
		my $status = $?;

		if ($running->{init} && !($running->{finished} && $status == 0
				&& Test::More->builder->is_passing)) {
			my (undef, $text) = $running->run(
				qw(journalctl -q --no-pager -o short-precise));

			$running->{dir}->write('journal', $text);
			diag $text;
			diag 'the service was not finished'
				unless $running->{finished};
			$status ||= 1;
		}
		$running->_power_off if $running->{outer};
		$? = $status;
	}
}

1;
