# SPDX-License-Identifier: BSD-2-Clause
#
# Listening sockets that are passed as systemd passes them: LISTEN_FDS.
#
#   my $s = Holdfast->start(before_exec => pass_on($socket), conf => ...);
package Holdfast::Activation;

use v5.36;
use Exporter qw(import);
use Fcntl qw(F_DUPFD);
use POSIX ();

use Holdfast ();

our @EXPORT_OK = qw(pass_on);

# Was the server built with libsystemd?
sub is_supported () {
	return scalar grep { /libsystemd/ } qx(ldd @{[Holdfast::binary()]});
}

# Makes the sockets 3, 4, ... of the process that calls what this returns.
sub pass_on (@sockets) {
	return sub {
		# Out of the way first: one of them may be 3 already.
		my @high = map { fcntl($_, F_DUPFD, 50) + 0 } @sockets;

		POSIX::dup2($high[$_], 3 + $_) for 0 .. $#high;
		POSIX::close($_) for @high;
		$ENV{LISTEN_FDS} = @sockets;
		$ENV{LISTEN_PID} = $$;
	};
}

1;
