# SPDX-License-Identifier: BSD-2-Clause
#
# Servers that people run, to be proxied to: nginx, Python's http.server and
# Node's. Each is an object with an address, as `servers` has it, and ends with
# the test:
#
#   my $node = Holdfast::RealServer->node;          # t/tools/server.js
#   my $nginx = Holdfast::RealServer->nginx($dir);  # serves the directory
#   my $python = Holdfast::RealServer->python($dir);
package Holdfast::RealServer;

use v5.36;
use File::Basename qw(dirname);
use IO::Socket::UNIX;

use Holdfast::Command;
use Holdfast::Dir;
use Holdfast::Wait;

my $tools = dirname(__FILE__) . '/../../tools';

sub _start ($class, $argv, %opt) {
	my $command = Holdfast::Command->new($argv, %opt);

	return bless { command => $command }, $class;
}

sub _wait_port ($self, $pattern) {
	wait_until {
		my $out = $self->{command}->out;

		die $self->{command}->err if $self->{command}->ended;
		$self->{address} = "127.0.0.1:$1" if $out =~ $pattern;
	} "$self->{command}{argv}[0] to listen";
	return $self;
}

sub node ($class) {
	return $class->_start(['/usr/bin/env', 'node', "$tools/server.js"])
		->_wait_port(qr/^(\d+)\n/);
}

sub python ($class, $root) {
	return $class->_start(['/usr/bin/python3', '-u', '-m', 'http.server',
		'--bind', '127.0.0.1', '--protocol', 'HTTP/1.1',
		'--directory', $root, 0])->_wait_port(qr/ port (\d+)/);
}

# At a Unix socket: nginx has no way to say which port the kernel picked.
sub nginx ($class, $root, $more = '') {
	my $dir = Holdfast::Dir->new;
	my $socket = $dir->path('socket');
	my $user = $> == 0 ? 'user root;' : '';
	my $temp = join "\n", map { "${_}_temp_path " . $dir->path($_) . ';' }
		qw(client_body proxy fastcgi uwsgi scgi);

	chmod 0755, $dir->path;
	$dir->write('nginx.conf', <<"E");
$user
daemon off;
master_process off;
pid ${\$dir->path('pid')};
error_log stderr notice;
events { }
http {
  access_log off;
  $temp
  types { text/html html; text/plain txt; }
  server { listen unix:$socket; root $root; autoindex off; $more }
}
E
	my $self = $class->_start(['/usr/sbin/nginx', '-e', 'stderr', '-p',
		$dir->path, '-c', $dir->path('nginx.conf')]);

	wait_until {
		die $self->{command}->err if $self->{command}->ended;
		IO::Socket::UNIX->new(Peer => $socket);
	} 'nginx to listen';
	$self->@{qw(dir address)} = ($dir, "unix:$socket");
	return $self;
}

1;
