# SPDX-License-Identifier: BSD-2-Clause
#
# The table of t/verdicts, passed on to a server that writes down every byte:
# of what is refused nothing arrives as a whole request, and what arrives is
# canonical, however it was sent.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Verdicts;

# What comes behind a request that was answered is no part of it.
sub respond ($request, $socket) {
	die "bytes behind the request: ${$request->{in}}\n"
		if ${$request->{in}} ne '';
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
		$request->{method} eq 'HEAD' ? '' : 'ok';
	return 1;
}

sub server ($more) {
	my $b = Holdfast::Backend->new(\&respond);

	return { backend => $b, server => Holdfast->start(conf => <<"E2") };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { line = "1k"; header = "4k"; headers = 20; body = "1k"; };
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = (
  { hosts = [ "canary.example" ]; routes = (
    { path = "/"; handler = "respond"; body = "the canary"; } ); },
  { routes = (
    { path = "/"; handler = "proxy"; upstream = "app"; $more } ); }
);
E2
}

my %servers = ('as it comes' => server(''),
	'whole' => server('request_buffer = true;'));
my ($s, $b) = $servers{'as it comes'}->@{qw(server backend)};
# What refuses a request for how it is written; others are up to a route.
my %refuses = map { $_ => 1 } 400, 413, 414, 417, 421, 431, 501, 505;

my $canary = "GET /canary HTTP/1.1\r\nHost: canary.example\r\n\r\n";
my $token = qr/[!#\$%&'*+.^_`|~0-9A-Za-z-]+/;
my $value = qr/[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?/;

# What is not canonical of a head; '' when all is.
sub fault_of ($request) {
	my $raw = $request->{raw};
	my %n;

	return "not canonical: $raw" if $raw !~ m{
		\A[A-Z]+\ /[!-~]*\ HTTP/1\.1\r\n
		(?:$token:\ (?:$value)?\r\n)+\r\n\z}x;
	$n{lc $_->[0]}++ for grep { defined $_->[0] } $request->{fields}->@*;
	my $framed = ($n{'content-length'} // 0) + ($n{'transfer-encoding'} // 0);

	return 'Host ' . ($n{host} // 0) . ' times' if ($n{host} // 0) != 1;
	return "framed $framed times" if $framed > 1;
	return "Connection: $1" if $raw =~ /^Connection: (.*)\r$/mi &&
		!($1 eq 'upgrade' && $n{upgrade}) &&
		!($1 eq 'TE' && $raw =~ /^TE: trailers\r$/m);
	for my $name (qw(keep-alive expect)) {
		return "has $name" if $n{$name};
	}
	return 'TE of the client' if ($n{te} // 0) != ($raw =~ /^Connection: TE/m);
	return 'Trailer without chunks' if $n{trailer} &&
		!$n{'transfer-encoding'};
	return "a path with dots: $raw" if $request->{target} =~ m{/\.\.?(?:[/?]|\z)};
	return '';
}

# Sends it with a canary behind it, and reads what is answered, to the canary's
# answer or the end.
sub is_in_step ($server, $case) {
	my $c = $server->client;

	$c->send($case->{request} . $canary);
	my $in_step = $c->read_until('the canary') =~ /the canary/;

	$c->close;
	return $in_step;
}

my ($n, $n_arrived) = (0, 0);

for my $case (Holdfast::Verdicts->read("$FindBin::Bin/verdicts")) {
	my $is_refused = $case->{fate} eq 'close' &&
		$refuses{$case->{statuses}[-1]} ? 1 : 0;
	my @faults;

	for my $way (sort keys %servers) {
		my ($server, $b) = $servers{$way}->@{qw(server backend)};

		$b->forget;
		my $in_step = is_in_step($server, $case);
		my @seen = $b->requests;
		my @whole = grep { !$_->{broken} } @seen;

		push @faults, "$way: in step, but was to be refused"
			if $is_refused && $in_step;
		push @faults, "$way: arrives: " . $whole[-1]{raw}
			if @whole > $case->{statuses}->@* - $is_refused;
		push @faults, "$way: a part arrives: " . $seen[-1]{raw}
			if $is_refused && $way eq 'whole' && @seen > @whole;
		push @faults, grep { $_ ne '' } map { fault_of($_) } @seen;
		push @faults, map { "$way: $_" } $b->faults;
		push @faults, "$way: a canary arrives"
			if grep { $_->{target} =~ m{^/canary} } @seen;
		$n_arrived += @whole;
	}
	ok !@faults, "$case->{file}: $case->{section}: $case->{name}";
	diag "  $_" for @faults;
	$n++;
}
cmp_ok $n, '>=', 230, "$n requests";
cmp_ok $n_arrived, '>=', 100, "$n_arrived arrived";

subtest 'a target in absolute form says the host' => sub {
	my $c = $s->client;

	$b->forget;
	$c->send("GET http://a.example:81/x HTTP/1.1\r\nHost: b.example\r\n\r\n");
	is $c->response->status, 200;
	my ($seen) = $b->requests;

	like $seen->{raw}, qr{\AGET /x HTTP/1\.1\r\nHost: a\.example:81\r\n};
	is Holdfast::Backend::field($seen, 'x-forwarded-host'), 'a.example:81';
	unlike $seen->{raw}, qr/b\.example/, 'what the Host field says does not';
};

subtest 'h2c is no protocol to go on with' => sub {
	my $c = $s->client;

	$b->forget;
	$c->send("GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: x, h2c\r\n"
		. "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
		. "Connection: Upgrade, HTTP2-Settings\r\n\r\n");
	is $c->response->status, 200;
	unlike [$b->requests]->[0]{raw}, qr/upgrade|settings/i;
};

$_->{server}->finish for values %servers;
done_testing;
