# SPDX-License-Identifier: BSD-2-Clause
#
# Bounds of a request head: 414 for its target, 431 for its fields.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { header = "4k"; headers = 10; };
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E

# A head of exactly $n bytes, made long in its target or in a field.
sub head_of ($n, $where) {
	my $empty = $where eq 'target' ? "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
		: "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
	my $fill = 'x' x ($n - length $empty);

	return $where eq 'target' ? $empty =~ s{ / }{ /$fill }r
		: $empty =~ s/X: /X: $fill/r;
}

sub fields ($n) {
	return "GET / HTTP/1.1\r\nHost: a\r\n"
		. join('', map { "X$_: y\r\n" } 2 .. $n) . "\r\n";
}

# [name, request, status]
for my $case (
	['a target as long as may be', head_of(4096, 'target'), 200],
	['a field as long as may be', head_of(4096, 'field'), 200],
	['a head one byte too long', head_of(4097, 'field'), 431],
	['a field far too long', head_of(100_000, 'field'), 431],
	['a field that does not end', substr(head_of(9000, 'field'), 0, 8000),
		431],
	['a target far too long', head_of(100_000, 'target'), 414],
	['a target that does not end',
		substr(head_of(9000, 'target'), 0, 8000), 414],
	['ten fields', fields(10), 200],
	['eleven fields', fields(11), 431],
	['five hundred fields', fields(500), 431],
) {
	my ($name, $request, $status) = @$case;

	for my $way ('at once', 'in pieces', 'behind another') {
		my $c = $s->client;

		if ($way eq 'in pieces') {
			for (my $at = 0; $at < length $request; $at += 97) {
				$c->send(substr $request, $at, 97) or last;
				$c->pull;
				last if $c->buffered ne '' || $c->ended;
			}
		} else {
			$c->send(($way eq 'at once' ? ''
				: "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				. $request);
		}
		is $c->response->body, 'ok', 'the other' if $way =~ /other/;
		my $r = $c->response;

		is $r->status, $status, "$name, $way";
		if ($status == 200) {
			is $c->get('/')->body, 'ok', 'in step';
		} else {
			ok $r->closes, 'says close';
			ok $c->at_end, 'and closes, without a reset';
		}
	}
}

# Between: a request line over the limit together with its fields, but not
# alone, is too many fields' bytes (431); both are refusals.
like $s->client->request('GET', '/' . 'x' x 4070)->status, qr/^4(14|31)$/,
	'a target that leaves no room for fields';

$s->finish;
done_testing;
