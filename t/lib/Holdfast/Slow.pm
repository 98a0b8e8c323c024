# SPDX-License-Identifier: BSD-2-Clause
#
# Clients that take their time: each sends its request and reads the response
# at a rate of its own, all at once in one process, without keeping what they
# read.
package Holdfast::Slow;

use v5.36;
use Digest::MD5;
use Errno qw(EAGAIN);
use Exporter qw(import);
use Time::HiRes qw(sleep);

use Holdfast::Response;
use Holdfast::Wait;

our @EXPORT_OK = qw(slow_job slow_load);

# One of them: on this connection the request, in bytes a second; `inflate`
# says that the content is compressed. The same request comes once more when it
# is done.
sub slow_job ($client, $request, %opt) {
	return { socket => $client->socket, request => $request,
		rate => $opt{rate}, send_rate => $opt{send_rate} // 1e9,
		inflate => $opt{inflate}, name => $opt{name} };
}

sub _fault ($job, $why) {
	$job->{fault} //= $why;
	$job->{done} = 1;
	return;
}

sub _begin ($job) {
	$job->{out} = $job->{request};
	$job->{in} = '';
	$job->{md5} = Digest::MD5->new;
	delete $job->@{qw(head left chunk)};
	$job->{inflater} = $job->{inflate} && do {
		require Compress::Zlib;
		(Compress::Zlib::inflateInit(-WindowBits => 31))[0];
	};
	return;
}

sub _take ($job, $bytes) {
	$job->{read} += length $bytes;
	if ($job->{inflater}) {
		my ($out) = $job->{inflater}->inflate($bytes);

		$bytes = $out // '';
	}
	# What is never the same twice.
	$bytes =~ s/--[0-9a-f]{32}/--boundary/g if $job->{parts};
	$job->{md5}->add($bytes);
	return;
}

# Takes off `in` what is whole of it; true when the response is.
sub _parse ($job) {
	if (!$job->{head}) {
		$job->{in} =~ s/\A(.*?\r\n\r\n)//s or return 0;
		my $r = eval { Holdfast::Response->parse($1) };

		return _fault($job, "not a head: $1") unless $r;
		return _fault($job, $r->head) if $r->status >= 300 || $r->closes;
		$job->{head} = $r->head;
		$job->{left} = $r->field('content-length');
		$job->{parts} = ($r->field('content-type') // '') =~
			/^multipart/;
	}
	# A boundary must not be cut in two.
	if (defined $job->{left}) {
		return 0 if $job->{parts} && length $job->{in} < $job->{left};
		my $bytes = substr $job->{in}, 0, $job->{left}, '';

		$job->{left} -= length $bytes;
		_take($job, $bytes);
		return $job->{left} == 0;
	}
	while (1) {
		if (!defined $job->{chunk}) {
			$job->{in} =~ s/\A([0-9a-f]+)\r\n// or return 0;
			$job->{chunk} = hex $1;
		}
		return 0 if length $job->{in} < $job->{chunk} + 2;
		_take($job, substr $job->{in}, 0, $job->{chunk}, '');
		return _fault($job, 'a chunk does not end')
			if substr($job->{in}, 0, 2, '') ne "\r\n";
		return 1 if $job->{chunk} == 0;
		delete $job->{chunk};
	}
}

sub _finished ($job) {
	push $job->{sums}->@*, $job->{md5}->hexdigest;
	return _fault($job, 'more than the response') if $job->{in} ne '';
	$job->{done} = 1 if $job->{last};
	_begin($job) unless $job->{done};
	return;
}

sub _turn ($job, $seconds) {
	$job->{may_send} += $seconds * $job->{send_rate};
	$job->{may_read} += $seconds * $job->{rate};
	if ($job->{out} ne '' && $job->{may_send} >= 1) {
		local $SIG{PIPE} = 'IGNORE';
		my $n = syswrite $job->{socket}, $job->{out},
			$job->{may_send} > 65536 ? 65536 : int $job->{may_send};

		return _fault($job, "cannot send: $!")
			if !defined $n && $! != EAGAIN;
		$n //= 0;
		substr $job->{out}, 0, $n, '';
		$job->{may_send} -= $n;
	}
	return if $job->{may_read} < 1;
	my $n = sysread $job->{socket}, $job->{in},
		$job->{may_read} > 262144 ? 262144 : int $job->{may_read},
		length $job->{in};

	if (!defined $n) {
		# What was not there is not made up for.
		$job->{may_read} = 0 if $! == EAGAIN;
		return $! == EAGAIN ? undef : _fault($job, "cannot read: $!");
	}
	return _fault($job, "the end after $job->{read} bytes") if $n == 0;
	$job->{may_read} -= $n;
	_finished($job) if _parse($job);
	return;
}

# Runs them until $stopping->(), and then until each has its response. Returns
# for each {name, sums => [MD5 of the content, ...], fault}.
sub slow_load ($stopping, @jobs) {
	my ($last, $end) = (now());

	for my $job (@jobs) {
		$job->@{qw(may_send may_read read)} = (0, 0, 0);
		_begin($job);
	}
	while (grep { !$_->{done} } @jobs) {
		my $now = now();

		if (!$end && $stopping->()) {
			$_->{last} = 1 for @jobs;
			$end = $now + patience();
		}
		for my $job (grep { !$_->{done} } @jobs) {
			_turn($job, $now - $last);
			_fault($job, "late, after $job->{read} bytes")
				if $end && $now > $end;
		}
		$last = $now;
		sleep 0.01;
	}
	return { jobs => [map {
		{ name => $_->{name}, sums => $_->{sums} // [],
			fault => $_->{fault} }
	} @jobs] };
}

1;
