# SPDX-License-Identifier: BSD-2-Clause
#
# A running holdfast: started from a configuration written in the test,
# waited for until it serves, and judged when it ends.
package Holdfast::Server;

use v5.36;
use Carp qw(croak);
use File::Spec ();
use JSON::PP ();
use POSIX qw(WNOHANG);
use Test::More ();

use Holdfast::Client;
use Holdfast::Command;
use Holdfast::Dir;
use Holdfast::Proc qw(alive server_processes stop_process continue_process
	socket_holder);
use Holdfast::Wait;

my @running;	# all that were started: they have to end with the test

sub running () { return grep { !$_->{ended} } @running }

# Holdfast->start(conf => TEXT, ...) - see t/lib/Holdfast.pm.
sub start ($class, $binary, %opt) {
	my $self = bless {
		binary => $binary,
		dir => $opt{dir} // Holdfast::Dir->new,
		names => {},	# of %%PORT_x%%: the host part of the address
		# Of the machine, not of the server.
		# The second: LeakSanitizer, of a process that is killed while it
		# looks for leaks.
		allowed => [qr/limits\.connections is \d+, but a process may/,
			qr/^==\d+==Unable to get registers from thread/,
			qr/more lines about .* were not logged/],
		expected => [],
		owner => $$,
		wrap => $opt{wrap} // [],
		env => $opt{env} // {},
		before_exec => $opt{before_exec},
		log_names => ['stderr'],
	}, $class;

	push @running, $self;
	my $files = $opt{files} // {};

	$self->{dir}->write($_, $files->{$_}) for sort keys $files->%*;
	$opt{prepare}->($self->{dir}) if $opt{prepare};
	$self->write_conf($opt{conf});
	$self->launch;
	$self->wait_ready unless $opt{unready};
	return $self;
}

# Starts the process, in a group of its own, on the configuration as it is.
sub launch ($self) {
	my $dir = $self->{dir}->path;
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		POSIX::setpgid(0, 0);
		# chmod 000 and chown must hit files, not inherited habits.
		umask 022;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$dir/stdout" or POSIX::_exit(126);
		open STDERR, '>>', "$dir/stderr" or POSIX::_exit(126);
		delete @ENV{qw(NOTIFY_SOCKET LISTEN_FDS LISTEN_PID
			WATCHDOG_USEC WATCHDOG_PID JOURNAL_STREAM)};
		@ENV{keys $self->{env}->%*} = values $self->{env}->%*;
		$SIG{PIPE} = $SIG{INT} = $SIG{TERM} = 'DEFAULT';
		$self->{before_exec}->() if $self->{before_exec};
		my @argv = ($self->{wrap}->@*, $self->{binary}, '-c',
			$self->conf_path, 'run');

		{ no warnings; exec { $argv[0] } @argv }
		syswrite STDERR, "$argv[0]: $!\n";
		POSIX::_exit(127);
	}
	$self->{child} = $pid;
	$self->{master} = undef;
	delete $self->{ended};
	delete $self->{status};
	return;
}

# Serves, or dies with the log.
sub wait_ready ($self) {
	my $ready = eval {
		wait_until {
			$self->reap and die "it ended\n";
			grep { $_->{text} =~ /^generation \d+ serves\b/ }
				$self->log_since_launch;
		} 'holdfast to serve';
	};

	croak "holdfast does not start: $@" . $self->log_tail unless $ready;
	$self->master;
	return;
}

# The process of the master: the one that says so in the log (it is not the
# child where the child is strace).
sub master ($self) {
	return $self->{master} //= do {
		my ($line) = reverse grep { $_->{who} eq 'master' }
			$self->log_lines;

		$line ? $line->{pid} : $self->{child};
	};
}

# --- configuration -------------------------------------------------------

sub dir ($self) { return $self->{dir} }
sub path ($self, $name) { return $self->{dir}->path($name) }
sub conf_path ($self) { return $self->{dir}->path('holdfast.conf') }

# A control socket's address has 107 bytes at most.
sub control_path ($self) {
	my $path = $self->{dir}->path('control.sock');

	return $path if length $path < 100;
	$self->{control_dir} //= File::Temp->newdir('holdfast-XXXXXX',
		DIR => '/tmp');
	return "$self->{control_dir}/control.sock";
}

sub some_user () {
	for my $name (qw(www-data nobody)) {
		return $name if defined getpwnam $name;
	}
	return 'nobody';
}

# The configuration with its placeholders filled in, and with the settings
# that every test needs at its end (so that lines keep their numbers).
sub expand ($self, $text) {
	while ($text =~ /"((?:\*|[\d.]+|\[[^\]]*\])):%%PORT_(\w+)%%"/g) {
		my ($host, $name) = ($1, $2);

		$self->{names}{$name} = $host;
	}
	$text =~ s/%%PORT_\w+%%/0/g;
	my $dir = $self->{dir}->path;

	$text =~ s/%%DIR%%/$dir/g;
	$text .= "\n" unless $text =~ /\n\z/;
	$text .= sprintf qq(control = "%s";\n), $self->control_path
		unless $text =~ /^\s*control\s*=/m;
	$text .= "workers = 2;\n" unless $text =~ /^\s*workers\s*=/m;
	$text .= sprintf qq(user = "%s";\n), some_user()
		unless $> != 0 || $text =~ /^\s*user\s*=/m;
	return $text;
}

sub write_conf ($self, $text) {
	$text = $self->expand($text);

	# Right whatever the test writes, for what the harness asks itself.
	my ($control) = $text =~ /^(\s*control\s*=.*)/m;

	($self->{asks}) = $control =~ /"([^"]*)"/;
	$self->{dir}->replace('ask.conf', $control . <<'E');

listeners = ( { address = "7"; protocol = "echo"; } );
E
	return $self->{dir}->replace('holdfast.conf', $text);
}

# A new configuration, and a reload that has to succeed.
sub reload ($self, $text = undef) {
	$self->write_conf($text) if defined $text;
	my ($exit, $out, $err) = $self->run('reload');

	croak "holdfast reload: exit $exit\n$out$err" . $self->log_tail
		if $exit ne '0';
	return;
}

# --- addresses -----------------------------------------------------------

# The address of the listener written with %%PORT_name%%; without a name, of
# "http" or the only one.
sub address ($self, $name = undef) {
	if (!defined $name) {
		my @names = keys $self->{names}->%*;

		$name = @names == 1 ? $names[0] : 'http';
	}
	my $host = $self->{names}{$name} // croak "no listener '$name'";
	my $port;

	for my $line ($self->log_lines) {
		$port = $1 if $line->{text} =~
			/^listening on \Q$host\E:(\d+) \(/;
	}
	croak "holdfast did not say where '$name' ($host) listens"
		unless $port;
	return $host eq '*' ? "127.0.0.1:$port" : "$host:$port";
}

sub port ($self, $name = undef) {
	return $self->address($name) =~ /:(\d+)$/ ? $1 : croak 'no port';
}

# A connection: client('name', rcvbuf => ...), client() to the only one.
sub client ($self, $name = undef, %opt) {
	return Holdfast::Client->new($self->address($name), %opt);
}

# One request on a connection of its own.
sub get ($self, $target, @fields) {
	my $client = $self->client;

	return $client->get($target, Connection => 'close', @fields);
}

# A connection that this worker has accepted (all others are stopped until
# it has), after one request for $target that it answered.
sub client_of ($self, $worker, $target, %opt) {
	my @others = grep { $_ != $worker } $self->workers;

	stop_process(@others);
	my $client = $self->client(undef, %opt);
	my $ok = eval {
		$client->get($target);
		1;
	};
	my $error = $@;

	continue_process(@others);
	die $error unless $ok;
	return $client;
}

# --- what it says --------------------------------------------------------

# Files besides standard error where the log goes, in the test's directory.
sub also_log ($self, @names) {
	push $self->{log_names}->@*, @names;
	return;
}

sub log_text ($self) {
	return join '', map { $self->{dir}->read($_) // '' }
		$self->{log_names}->@*;
}

# Every whole line of the log as {time, level, who, pid, text, raw}, whether
# it is text or JSON (log.error_format); what is not a line of the log has only
# `raw` and the level "foreign".
sub log_lines ($self) {
	my @lines;

	for my $raw ($self->log_text =~ /^(.*)\n/mg) {
		if ($raw =~ /^(\d{4}-\d\d-\d\dT[\d:.]+Z)\ (error|warn|info|debug)
				\ (.+?)\[(\d+)\]:\ (.*)$/x) {
			push @lines, { time => $1, level => $2, who => $3,
				pid => $4, text => $5, raw => $raw };
		} elsif ($raw =~ /^\{.*"process":.*\}$/) {
			my $row = JSON::PP->new->utf8->decode($raw);

			push @lines, { time => $row->{time},
				level => $row->{level}, who => $row->{process},
				pid => $row->{pid}, text => $row->{text},
				raw => $raw };
		} else {
			push @lines, { level => 'foreign', who => '',
				text => $raw, raw => $raw };
		}
	}
	return @lines;
}

sub log_since_launch ($self) {
	my @lines = $self->log_lines;
	my $from = $self->{launch_mark} // 0;

	return @lines[$from .. $#lines];
}

# The lines that match.
sub logged ($self, $pattern) {
	return grep { $_->{raw} =~ $pattern } $self->log_lines;
}

# Waits until a line matches (the $nth that does).
sub wait_log ($self, $pattern, $nth = 1) {
	my $line = eval {
		wait_until { ($self->logged($pattern))[$nth - 1] }
			"the log to say $pattern";
	};

	croak "$@" . $self->log_tail unless $line;
	return $line;
}

sub log_tail ($self, $n = 60) {
	my @lines = split /^/, $self->log_text;

	@lines = @lines[-$n .. -1] if @lines > $n;
	return "\n--- the log's end ---\n" . join('', @lines) . "---\n";
}

# --- commands ------------------------------------------------------------

sub command ($self, @args) {
	my %opt = ref $args[-1] ? (pop @args)->%* : ();

	return Holdfast::Command->new(
		[$self->{binary}, '-c', $self->conf_path, @args], %opt);
}

# run('reload'): (exit status, output, error output).
sub run ($self, @args) { return $self->command(@args)->wait }

# What status says; whether the configuration is right now or not.
sub status ($self) {
	my ($exit, $out, $err) = Holdfast::Command->new([$self->{binary},
		'--control', File::Spec->rel2abs($self->{asks},
			$self->{dir}->path), 'status', '--json'])->wait;

	# A release before --control.
	($exit, $out, $err) = Holdfast::Command->new([$self->{binary},
		'-c', $self->path('ask.conf'), 'status', '--json'])->wait
		if $exit eq '2';

	croak "holdfast status: exit $exit: $err" . $self->log_tail
		if $exit ne '0';
	return JSON::PP->new->utf8->decode($out);
}

# The workers of the generation that serves, by slot, as status shows them.
sub worker_rows ($self) {
	my $status = $self->status;
	my @rows = sort { $a->{slot} <=> $b->{slot} } grep {
		$_->{generation} == $status->{generation} &&
			$_->{state} eq 'serving'
	} $status->{workers}->@*;

	return @rows;
}

sub workers ($self) { return map { $_->{pid} } $self->worker_rows }

# Waits until $n workers serve and none are left of older generations.
sub wait_workers ($self, $n) {
	return wait_until {
		my $status = $self->status;
		my @all = $status->{workers}->@*;

		@all == $n && @all == grep {
			$_->{generation} == $status->{generation} &&
				$_->{state} eq 'serving'
		} @all;
	} "$n workers to serve";
}

# --- signals and the end -------------------------------------------------

sub signal ($self, $signal) { return kill $signal, $self->master }

# Kills a worker, whose death then is no fault of the server.
sub kill_worker ($self, $pid, $signal = 'KILL') {
	my $number = POSIX->can("SIG$signal")->();

	$self->expect_log(
		qr/worker \d+ \(pid $pid\) died: killed by signal $number\b/);
	return kill $signal, $pid;
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

# Has the process ended? Collects its status when it has.
sub reap ($self) {
	return 1 if defined $self->{status};
	my $got = waitpid $self->{child}, WNOHANG;

	return 0 if $got == 0;
	$self->{status} = $got == $self->{child} ? $? : 0;
	return 1;
}

# Every process that is left of it.
sub processes ($self) {
	return server_processes($self->{group} // $self->{child},
		$self->{dir}->path('stderr'));
}

# Waits for the end of master and workers, however it came about; the exit
# status of the master ("signal N").
sub wait_end ($self, $seconds = undef) {
	eval {
		wait_until { $self->reap } 'holdfast to end', $seconds;
		wait_until { !$self->processes } 'its processes to end',
			$seconds;
		1;
	} or croak "$@" . $self->log_tail;
	return $self->exit_status;
}

sub exit_status ($self) {
	my $status = $self->{status};

	return $status & 127 ? 'signal ' . ($status & 127) : $status >> 8;
}

# Starts it again on the same directory, after its end.
sub restart ($self) {
	croak 'still running' unless defined $self->{status};
	$self->{launch_mark} = () = $self->log_lines;
	$self->launch;
	$self->wait_ready;
	return;
}

sub end_by_force ($self) {
	return if $self->{owner} != $$ || !$self->{child};
	# A stopped process dies of KILL too.
	kill 'KILL', $self->processes;
	$self->reap or eval { wait_until { $self->reap } 'the kill', 10 };
	$self->{ended} = 1;
	return;
}

# What went wrong in its life, a sentence each.
sub _faults ($self) {
	my @faults;
	my %seen;
	my $names = $self->{log_names};

	for my $line ($self->log_lines) {
		my $text = $line->{raw};

		if ($text =~ /(?:Address|Leak|Thread|UndefinedBehavior)Sanitizer
				|runtime\ error:/x) {
			push @faults, "sanitizer: $text";
			next;
		}
		# OpenSSL's jobs have stacks of their own, which that does not know.
		next if $text =~ /ASan\ is\ ignoring\ requested
				|False\ positive\ error\ reports\ may\ follow
				|google\/sanitizers\/issues\/189/x;
		next if $line->{level} eq 'info' || $line->{level} eq 'debug';
		my $known = 0;

		for my $pattern ($self->{allowed}->@*,
				 $self->{expected}->@*) {
			next unless $text =~ $pattern;
			$known = 1;
			$seen{$pattern} = 1;
		}
		push @faults, "unexpected in the log: $text" unless $known;
	}
	for my $pattern ($self->{expected}->@*) {
		next if $seen{$pattern} || $self->logged($pattern);
		push @faults, "missing in the log: $pattern";
	}
	my $out = $self->{dir}->read('stdout') // '';

	push @faults, "written to standard output: $out"
		if $out ne '' && !$self->{may_write_stdout};
	return @faults;
}

# Ends it gracefully and judges its whole life, as one test: it ended by
# itself with status 0 (or with what `exit` says, when it has ended already),
# left no process, and its log has no warning or error that was not expected.
sub finish ($self, %opt) {
	my $exit = $opt{exit} // 0;
	my @faults;

	kill 'TERM', $self->master unless defined $self->{status};
	eval {
		wait_until { $self->reap } 'holdfast to end';
		wait_until { !$self->processes } 'its processes to end';
		1;
	} or push @faults, "$@ left: " . join ' ', $self->processes;
	$self->end_by_force;
	push @faults, sprintf('exit status %s, not %s', $self->exit_status,
		$exit) if $self->exit_status ne $exit;
	push @faults, $self->_faults;
	my $builder = Test::More->builder;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$builder->ok(!@faults, $opt{name} // 'holdfast ended well');
	# The rest of a sanitizer's report, or of a flood, is in the log's end.
	my $more = @faults > 20 ? @faults - 20 : 0;

	$builder->diag("  $_") for @faults[0 .. $#faults - $more];
	$builder->diag("  and $more more") if $more;
	$builder->diag($self->log_tail) if @faults;
	return !@faults;
}

1;
