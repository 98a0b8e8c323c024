# SPDX-License-Identifier: BSD-2-Clause
#
# Reads the tables of t/verdicts; their form is told in t/verdicts/README.
package Holdfast::Verdicts;

use v5.36;
use Carp qw(croak);

my %octets = (r => "\r", n => "\n", t => "\t", 0 => "\0", s => ' ',
	'\\' => '\\');

sub _unescape ($text) {
	$text =~ s{\\(?:\{(\d+)\*((?:[^{}]|\{[^{}]*\})*)\}|x([0-9A-Fa-f]{2})|([rnt0s\\]))}{
		my ($n, $text, $hex, $name) = ($1, $2, $3, $4);

		defined $n ? _unescape($text) x $n
			: defined $hex ? chr hex $hex : $octets{$name}
	}ge;
	return $text;
}

# One line of a request as the octets that it stands for.
sub _line ($text, $lets) {
	if ($text =~ /^%(\w+)$/) {
		return $lets->{$1} // croak "no \"let $1\"";
	}
	my $ends = $text =~ s/(?<!\\)((?:\\\\)*)\\\z/$1/ ? '' : "\r\n";

	return _unescape($text) . $ends;
}

sub _section ($text) {
	return 'ours' if $text eq '-';
	my ($rfc, $section) = $text =~ /^(\d{4}):([\d.]+)$/
		or croak "not a section: $text";

	return "RFC $rfc section $section";
}

sub _begin ($line, $file) {
	my ($statuses, $fate, $section, $name) = $line =~
		/^([\d+?]+) (keep|close) \| (\S+) \| (.+)$/
		or croak "not a case: $line";

	return { statuses => [split /\+/, $statuses], fate => $fate,
		section => _section($section), name => $name, file => $file,
		fields => [], no_fields => [], request => '' };
}

sub _expect ($case, $line) {
	if ($line =~ /^= body:(?: (.*))?$/) {
		$case->{body} = _unescape($1 // '');
	} elsif ($line =~ /^= field: ([^:]+)(?:: (.*))?$/) {
		push $case->{fields}->@*, [$1, $2];
	} elsif ($line =~ /^= no field: (\S+)$/) {
		push $case->{no_fields}->@*, $1;
	} else {
		croak "not an expectation: $line";
	}
	return;
}

sub _read_file ($path) {
	my ($file) = $path =~ m{([^/]+)\.txt$};
	my (@cases, $let);
	my %lets = (end => "\r\n");

	open my $in, '<', $path or croak "$path: $!";
	while (my $line = readline $in) {
		chomp $line;
		next if $line =~ /^#|^$/;
		if ($line =~ /^\t(.*)/) {
			my $octets = _line($1, \%lets);

			if (defined $let) {
				$lets{$let} .= $octets;
			} else {
				$cases[-1]{request} .= $octets;
			}
		} elsif ($line =~ /^let (\w+)$/) {
			$let = $1;
			$lets{$let} = '';
		} elsif ($line =~ /^=/) {
			_expect($cases[-1], $line);
		} else {
			$let = undef;
			push @cases, _begin($line, $file);
		}
	}
	return @cases;
}

# Every case of a directory: {statuses, fate, section, name, file, fields,
# no_fields, body (undef: any), request, method (for the reader)}.
sub read ($class, $directory) {
	my @cases = map { _read_file($_) } sort glob "$directory/*.txt";

	for my $case (@cases) {
		croak "$case->{name}: no request" if $case->{request} eq '';
		$case->{method} = $case->{request} =~ /^(?:\r\n)*HEAD / ? 'HEAD'
			: 'GET';
	}
	return @cases;
}

1;
