# SPDX-License-Identifier: BSD-2-Clause
#
# Other people's servers that refuse to run as root, or should not: their command
# runs as an ordinary user, in a directory that is that user's.
#
#   my @as = ordinary();             # in front of a command: setpriv ..., or nothing
#   my $dir = ordinary_dir();        # a Holdfast::Dir
package Holdfast::Ordinary;

use v5.36;
use Exporter qw(import);
use IO::Socket::INET;

use Holdfast::Dir;

our @EXPORT_OK = qw(ordinary ordinary_dir program_of free_port);

my @user = $> == 0 ? getpwnam('nobody') : getpwuid($>);

sub ordinary () {
	return () if $> != 0;
	return ('setpriv', "--reuid=$user[2]", "--regid=$user[3]", '--clear-groups');
}

sub ordinary_dir () {
	my $dir = Holdfast::Dir->new;

	chown $user[2], $user[3], $dir->path if $> == 0;
	return $dir;
}

# A port of 127.0.0.1 that nobody listens on.
sub free_port () {
	my $probe = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
		or die $!;

	return $probe->sockport;
}

# Where a program is, which need not be in the PATH; undef when it is nowhere.
sub program_of ($name, @more) {
	for my $path (split(/:/, $ENV{PATH} // ''), '/usr/sbin', @more) {
		return "$path/$name" if -x "$path/$name" && -f _;
	}
	return undef;
}

1;
