# SPDX-License-Identifier: BSD-2-Clause
#
# A server of TCP, or of a Unix socket, for tests of streams:
#
#   my $server = Holdfast::StreamServer->new(sub ($c) { ... });
#   ... servers = ( { address = "$server->{address}"; } ) ...
#
# Each connection has a process of its own, which runs the code and ends. In it,
# line($c) reads a line, note(text) tells the test something, which noted() waits for; reset($c) ends
# the connection by a reset. With unix => 1 it is a Unix socket; rcvbuf => bytes is
# of its connections, of which the kernel then holds few bytes.
package Holdfast::StreamServer;

use v5.36;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);

use Holdfast::Dir;
use Holdfast::Wait;

my $dir; # of the server that runs

sub new ($class, $serve, %opt) {
	my $self = bless { dir => Holdfast::Dir->new, owner => $$, noted => 0 }, $class;
	my $listener;

	if ($opt{unix}) {
		my $path = $self->{dir}->path('socket');

		$listener = IO::Socket::UNIX->new(Local => $path, Listen => 1024)
			or die "$path: $!";
		chmod 0777, $path;
		$self->{address} = "unix:$path";
	} else {
		$listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
			Listen => 1024) or die $!;
		setsockopt $listener, SOL_SOCKET, SO_RCVBUF, $opt{rcvbuf}
			if $opt{rcvbuf};
		$self->{address} = '127.0.0.1:' . $listener->sockport;
	}
	$self->{dir}->write('notes', '');
	$self->{dir}->write('accepted', '');
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		$dir = $self->{dir};
		setpgrp;
		$SIG{TERM} = $SIG{INT} = 'DEFAULT';
		$SIG{CHLD} = $SIG{PIPE} = 'IGNORE';
		_accept_all($listener, $serve);
		POSIX::_exit(0);
	}
	eval { setpgrp $pid, $pid };
	$self->{pid} = $pid;
	return $self;
}

sub _accept_all ($listener, $serve) {
	while (1) {
		my $c = $listener->accept or next;

		_append('accepted', '.');
		if ((fork // die) == 0) {
			close $listener;
			$c->autoflush(1);
			eval { $serve->($c); 1 } or print STDERR "server: $@";
			close $c;
			POSIX::_exit(0);
		}
		close $c;
	}
}

sub _append ($name, $text) {
	open my $file, '>>', $dir->path($name) or die;
	syswrite $file, $text;
	close $file;
}

sub note ($text) { return _append('notes', "$text\n") }

# A line, and not a byte of what follows it.
sub line ($c) {
	my $line = '';

	until ($line =~ /\n\z/) {
		sysread $c, $line, 1, length $line or last;
	}
	return $line;
}

sub reset ($c) {
	setsockopt $c, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
	return close $c;
}

# The next note.
sub noted ($self) {
	my @notes;

	wait_until {
		@notes = split /\n/, $self->{dir}->read('notes') // '';
		@notes > $self->{noted};
	} 'a note of the server';
	return $notes[$self->{noted}++];
}

sub accepted ($self) { return length($self->{dir}->read('accepted') // '') }
sub wait_accepted ($self, $n) {
	return wait_until { $self->accepted >= $n } "$n connections to the server";
}

# Where nobody listens: a port that was taken, and is free.
sub dead_address ($self) {
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.9', Listen => 1)
		or die $!;

	return '127.0.0.9:' . $socket->sockport;
}

sub DESTROY ($self) {
	return if $self->{owner} != $$ || !$self->{pid};
	local $?;
	kill 'KILL', -$self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

1;
