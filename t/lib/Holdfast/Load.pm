# SPDX-License-Identifier: BSD-2-Clause
#
# Clients that keep a server busy and write down everything a real client
# would have suffered from. To be run in the background.
package Holdfast::Load;

use v5.36;
use Exporter qw(import);

use Holdfast::Client;
use Holdfast::Wait;

our @EXPORT_OK = qw(keepalive_load polite_load connect_load);

my $enough = 20;	# faults to write down

# Requests on these connections, one after another on each, all at the same
# time, until $stopping->(): each must be answered with 200 and stay open. One
# that is not is a fault of the connection with that index, and is let go.
sub keepalive_load ($stopping, $target, @clients) {
	my $text = Holdfast::Client->request_text('GET', $target);
	my ($requests, %faults) = (0);

	until ($stopping->()) {
		my @left = grep { !defined $faults{$_} } 0 .. $#clients;

		for my $i (@left) {
			$faults{$i} = 'cannot send'
				if $clients[$i]->send($text) < length $text;
		}
		for my $i (@left) {
			my $r = eval { $clients[$i]->response };

			$requests++;
			$faults{$i} //= $@ unless $r;
			$faults{$i} //= $r->head if $r &&
				($r->status != 200 || $r->closes);
		}
	}
	return { requests => $requests, faults => \%faults };
}

# The same with clients that connect again when the server says close. A
# client that was idle for long when its connection was closed under it may
# try again (RFC 9110 section 9.2.2); one that was not has lost a request.
sub polite_load ($stopping, $target, $address, $n) {
	my $text = Holdfast::Client->request_text('GET', $target);
	my ($requests, $closes, $raced, @faults) = (0, 0, 0);
	my @slots = map { { c => undef, since => now() } } 1 .. $n;

	until ($stopping->() || @faults > $enough) {
		for my $slot (@slots) {
			if (!$slot->{c}) {
				$slot->{c} = eval {
					Holdfast::Client->new($address) };
				push @faults, "connect: $@" unless $slot->{c};
				$slot->{fresh} = 1;
			}
			$slot->{sent} = now();
			$slot->{c}->send($text) if $slot->{c};
		}
		for my $slot (@slots) {
			my $c = $slot->{c} // next;
			my $r = eval { $c->response };

			$requests++;
			if (!$r) {
				my $idle = $slot->{sent} - $slot->{since};

				if (!$slot->{fresh} && $idle > 0.3 &&
				    $c->buffered eq '') {
					$raced++;
				} else {
					push @faults, sprintf
						'idle %.3f s: %s', $idle, $@;
				}
				undef $slot->{c};
				next;
			}
			push @faults, $r->head if $r->status != 200;
			$slot->{fresh} = 0;
			$slot->{since} = now();
			if ($r->closes) {
				$closes++;
				push @faults, 'said close and did not'
					unless $c->at_end;
				undef $slot->{c};
			}
		}
	}
	return { requests => $requests, closes => $closes, raced => $raced,
		faults => \@faults };
}

# A connection for each request.
sub connect_load ($stopping, $target, $address) {
	my $text = Holdfast::Client->request_text('GET', $target,
		[Connection => 'close']);
	my ($requests, @faults) = (0);

	until ($stopping->() || @faults > $enough) {
		my $c = eval { Holdfast::Client->new($address) };

		$requests++;
		if (!$c) {
			push @faults, "connect: $@";
			next;
		}
		$c->send($text);
		my $r = eval { $c->response };

		push @faults, "$@" unless $r;
		push @faults, $r->head if $r && $r->status != 200;
	}
	return { requests => $requests, faults => \@faults };
}

1;
