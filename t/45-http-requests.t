# SPDX-License-Identifier: BSD-2-Clause
#
# The table of t/verdicts: how each raw request, right or wrong, is answered,
# however it is cut up and whatever is around it, and that the connection is
# in step or closed afterwards. t/verdicts/README says how to read it.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Verdicts;

my $s = Holdfast->start(files => { 'www/file' => "file\n",
		'users' => 'u:' . crypt('p', '$6$rounds=1000$salt') . "\n" },
	conf => <<'E2' =~ s/LONG/'text ' x 10_000/er);
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { line = "1k"; header = "4k"; headers = 20; body = "1k"; };
sites = (
  { routes = (
    { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
    { path = "/ok"; match = "exact"; handler = "respond"; body = "ok"; },
    { path = "/path"; handler = "respond"; body = "${path}"; },
    { path = "/query"; handler = "respond"; body = "${query}"; },
    { path = "/host"; handler = "respond"; body = "${host}"; },
    { path = "/form"; match = "exact"; handler = "respond";
      methods = [ "POST" ]; body = "${form.x}"; },
    { path = "/secret"; handler = "respond"; body = "${form.x:-secret}";
      auth_file = "%%DIR%%/users"; },
    { path = "/packed"; handler = "respond"; body = "LONG";
      compress = [ "gzip" ]; },
    { path = "/split"; handler = "respond"; body = "ok";
      response_fields = [ "X-Q: ${query.x}", "X-H: ${header.x}" ]; },
    { path = "/jump"; handler = "redirect"; to = "/${query.x}"; },
    { path = "/moved/"; handler = "redirect"; to = "/"; },
    { path = "/before"; handler = "respond"; body = "before"; },
    { path = "/canary"; handler = "respond"; body = "canary"; } ); },
  { hosts = [ "b.example" ]; routes = (
    { path = "/ok"; handler = "respond"; body = "ok of b"; },
    { path = "/canary"; handler = "respond"; body = "canary"; } ); }
);
E2

my $canary = "GET /canary HTTP/1.1\r\nHost: a\r\n\r\n";
my $before = "GET /before HTTP/1.1\r\nHost: a\r\n\r\n";

# What is wrong with a response; '' when nothing is.
sub fault_of ($case, $r, $status, $last) {
	return "answered $r->{status}, not $status" if $r->status != $status;
	return '' unless $last;
	return 'the wrong content: ' . $r->body
		if defined $case->{body} && $r->body ne $case->{body};
	for my $field ($case->{fields}->@*) {
		my ($name, $value) = @$field;
		my $got = $r->field($name);

		return "no $name" unless defined $got;
		return "$name: $got" if defined $value && $got ne $value;
	}
	for my $name ($case->{no_fields}->@*) {
		return "has $name" if defined $r->field($name);
	}
	my $says = $r->closes ? 'close' : 'keep';

	return "says $says" if $says ne $case->{fate};
	return '';
}

# Reads what the request is answered.
sub judge_answers ($case, $c) {
	my @wanted = $case->{statuses}->@*;

	while (@wanted) {
		my $wanted = shift @wanted;
		my $r = eval { $c->response($case->{method}) } or return "$@";

		if ($wanted =~ s/\?\z// && $r->status != $wanted) {
			$wanted = shift @wanted;
		}
		my $fault = fault_of($case, $r, $wanted, !@wanted);

		return $fault if $fault ne '';
	}
	return '';
}

sub judge_canary ($c) {
	my $r = eval { $c->response } or return "out of step: $@";

	return 'out of step: ' . $r->head . $r->body
		if $r->status != 200 || $r->body ne 'canary';
	return 'answers more than was asked' if $c->buffered ne '';
	return '';
}

# `sent`: the canary is on its way already.
sub judge ($case, $c, $sent) {
	my $fault = judge_answers($case, $c);

	return $fault if $fault ne '';
	if ($case->{fate} eq 'close') {
		return '' if eval { $c->at_end };
		return $@ ? "does not close: $@"
			: $c->was_reset ? 'resets the connection'
			: 'answers what comes behind it';
	}
	$c->send($canary) unless $sent;
	return judge_canary($c);
}

my %ways = (
	'whole' => sub ($case, $c) {
		$c->send($case->{request});
		return judge($case, $c, 0);
	},
	'byte by byte' => sub ($case, $c) {
		# An answer may come before the end; a client that does not
		# look sends on, and must find the answer all the same.
		for my $byte (split //, $case->{request}) {
			last if $c->send($byte) == 0;
		}
		return judge($case, $c, 0);
	},
	'with what follows it' => sub ($case, $c) {
		$c->send($case->{request} . $canary);
		return judge($case, $c, 1);
	},
	'behind a good one' => sub ($case, $c) {
		$c->send($before . $case->{request} . $canary);
		my $r = eval { $c->response } or return "$@";

		return "the good one: " . $r->status if $r->body ne 'before';
		return judge($case, $c, 1);
	},
);

my $n = 0;
for my $case (Holdfast::Verdicts->read("$FindBin::Bin/verdicts")) {
	my @faults;

	for my $way (sort keys %ways) {
		my $c = $s->client;
		my $fault = $ways{$way}->($case, $c);

		push @faults, "$way: $fault" if $fault ne '';
		$c->close;
	}
	ok !@faults, "$case->{file}: $case->{section}: $case->{name}";
	diag "  $_" for @faults;
	$n++;
}
cmp_ok $n, '>=', 230, "$n requests";

is $s->get('/ok')->body, 'ok', 'the server goes on';
$s->finish;
done_testing;
