# SPDX-License-Identifier: BSD-2-Clause
#
# One HTTP response, read by the letter of RFC 9112.
package Holdfast::Response;

use v5.36;

my $token = qr/[!#\$%&'*+.^_`|~0-9A-Za-z-]+/;

# Dies with a sentence when the head is not right.
sub parse ($class, $head) {
	my ($status_line, @lines) = split /\r\n/, $head;

	$status_line //= '';
	my ($version, $status, $reason) =
		$status_line =~ m{\AHTTP/(1\.[01]) (\d{3}) ([\t -~\x80-\xff]*)\z}
		or die "not a status line\n";
	my @fields;

	for my $line (@lines) {
		my ($name, $value) = $line =~
			/\A($token):[ \t]*([\t -~\x80-\xff]*?)[ \t]*\z/
			or die "not a field: $line\n";
		push @fields, [$name, $value];
	}
	return bless { version => $version, status => $status,
		reason => $reason, fields => \@fields, body => '',
		head => $head }, $class;
}

# How the body ends, and that it can only end so (RFC 9112 section 6.3).
sub framing ($self, $method) {
	my @lengths = $self->all('content-length');
	my @codings = $self->all('transfer-encoding');
	my $status = $self->{status};

	die "more than one Content-Length\n" if @lengths > 1;
	die "Content-Length is not a number\n"
		if @lengths && $lengths[0] !~ /\A\d+\z/;
	die "Content-Length with Transfer-Encoding\n" if @lengths && @codings;
	if ($status < 200 || $status == 204) {
		die "a framed body in a $status\n" if @lengths || @codings;
		return 'none';
	}
	return 'none' if $method eq 'HEAD' || $status == 304;
	if (@codings) {
		die "unknown Transfer-Encoding\n" if "@codings" ne 'chunked';
		return 'chunked';
	}
	return 'length' if @lengths;
	die "neither length nor Connection: close\n" unless $self->closes;
	return 'end';
}

sub status ($self) { return $self->{status} }
sub reason ($self) { return $self->{reason} }
sub version ($self) { return $self->{version} }
sub body ($self) { return $self->{body} }
sub head ($self) { return $self->{head} }

sub all ($self, $name) {
	return map { $_->[1] }
		grep { lc $_->[0] eq lc $name } $self->{fields}->@*;
}

# The value of a field, undef without one; several are joined.
sub field ($self, $name) {
	my @values = $self->all($name);

	return @values ? join(', ', @values) : undef;
}

sub has_option ($self, $option) {
	return scalar grep { lc eq $option }
		split /[ \t]*,[ \t]*/, $self->field('connection') // '';
}

# Will the server close the connection after it, by what it says?
sub closes ($self) {
	return 1 if $self->has_option('close');
	return $self->{version} eq '1.0' && !$self->has_option('keep-alive');
}

1;
