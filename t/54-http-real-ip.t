# SPDX-License-Identifier: BSD-2-Clause
#
# real_ip: whom a request comes from that other servers passed on, and that
# nobody else can say so.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
workers = 1;
log = { access = "access.log"; };
real_ip = { from = [ "127.0.0.2/31", "192.0.2.0/24", "2001:db8::/32", "unix:" ]; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "unix:%%DIR%%/http.sock"; }
);
sites = (
  { hosts = [ "deny.test" ]; deny = [ "198.51.100.0/24" ];
    routes = ( { path = "/"; handler = "respond"; body = "in"; } ); },
  { routes = ( { path = "/"; handler = "respond";
      body = "${remote_addr} ${remote_port} ${connection_addr}"; } ); }
);
E

sub ask ($from, @fields) {
	my $c = $from eq 'unix'
		? Holdfast::Client->new('unix:' . $s->path('http.sock'))
		: $s->client('http', from => $from);
	my $body = $c->get('/', @fields)->body;

	$c->close;
	return $body;
}
my $xff = 'X-Forwarded-For';

# [from where, what the field says, whom it is from]
for my $case (
	# Not believed.
	['127.0.0.1', ['198.51.100.1'], '127.0.0.1'],
	['127.0.0.4', ['192.0.2.1, 198.51.100.1'], '127.0.0.4'],
	# Believed.
	['127.0.0.2', ['198.51.100.1'], '198.51.100.1'],
	['127.0.0.3', ['198.51.100.1'], '198.51.100.1'],
	['unix', ['198.51.100.1'], '198.51.100.1'],
	['127.0.0.2', [], '127.0.0.2'],
	['127.0.0.2', [''], '127.0.0.2'],
	# What stands before the first that is not believed is only said.
	['127.0.0.2', ['203.0.113.9, 198.51.100.1'], '198.51.100.1'],
	['127.0.0.2', ['192.0.2.9, 198.51.100.1'], '198.51.100.1'],
	['127.0.0.2', ['203.0.113.9, 198.51.100.1, 192.0.2.7'], '198.51.100.1'],
	['127.0.0.2', ['198.51.100.1 ,192.0.2.8,	192.0.2.7'],
		'198.51.100.1'],
	# All are believed: the first of them.
	['127.0.0.2', ['192.0.2.1, 192.0.2.7'], '192.0.2.1'],
	# Several fields are one list.
	['127.0.0.2', ['203.0.113.9', '198.51.100.1', '192.0.2.7'],
		'198.51.100.1'],
	# What is no address ends it.
	['127.0.0.2', ['198.51.100.1, unknown'], '127.0.0.2'],
	['127.0.0.2', ['198.51.100.1, unknown, 192.0.2.7'], '192.0.2.7'],
	['127.0.0.2', ['198.51.100.1,'], '127.0.0.2'],
	['127.0.0.2', ['198.51.100.1, , 192.0.2.7'], '192.0.2.7'],
	['127.0.0.2', ['198.51.100.1', 'x', '192.0.2.7'], '192.0.2.7'],
	['127.0.0.2', ['198.51.100.1/24'], '127.0.0.2'],
	['127.0.0.2', ['198.51.100.999'], '127.0.0.2'],
	['127.0.0.2', ['0198.51.100.1'], '127.0.0.2'],
	['127.0.0.2', ['x' x 10000], '127.0.0.2'],
	['127.0.0.2', [',' x 10000], '127.0.0.2'],
	['127.0.0.2', ['192.0.2.1,' x 1000 . '192.0.2.2'], '192.0.2.1'],
	# Forms of addresses.
	['127.0.0.2', ['2001:db9::1'], '2001:db9::1'],
	['127.0.0.2', ['2001:db9::1, 2001:db8::7'], '2001:db9::1'],
	['127.0.0.2', ['[2001:db9::1]'], '2001:db9::1'],
	['127.0.0.2', ['[2001:db9::1]:x'], '127.0.0.2'],
	['127.0.0.2', ['[2001:db9::1'], '127.0.0.2'],
	['127.0.0.2', ['[]'], '127.0.0.2'],
	['127.0.0.2', ['::ffff:198.51.100.1'], '198.51.100.1'],
	['127.0.0.2', ['198.51.100.1:'], '127.0.0.2'],
	['127.0.0.2', ['198.51.100.1:99999'], '127.0.0.2'],
) {
	my ($from, $values, $peer) = @$case;
	my $said = join ' | ', map { substr $_, 0, 60 } @$values;

	like ask($from, map { ($xff => $_) } @$values), qr/\A\Q$peer\E [0-9]/,
		"$said, from $from";
}
is ask('127.0.0.2', $xff => '198.51.100.1:4711'),
	'198.51.100.1 4711 127.0.0.2', 'the port, and whose connection it is';
is ask('127.0.0.2', $xff => '[2001:db9::1]:4711'),
	'2001:db9::1 4711 127.0.0.2', 'of IPv6';
is ask('unix', $xff => '198.51.100.1'), '198.51.100.1 0 unix',
	'by a Unix socket, without a port';

subtest 'each request of a connection for itself' => sub {
	my $c = $s->client('http', from => '127.0.0.2');

	like $c->get('/', $xff => '198.51.100.1')->body, qr/^198\.51\.100\.1 /,
		'the first';
	like $c->get('/')->body, qr/^127\.0\.0\.2 /, 'one without the field';
	like $c->get('/', $xff => '198.51.100.2')->body, qr/^198\.51\.100\.2 /,
		'another';
	$c->close;
};

subtest 'access' => sub {
	my $c = $s->client('http', from => '127.0.0.2');

	is $c->get('/', Host => 'deny.test', $xff => '198.51.100.1')->status,
		403, 'it is denied by the address of the client';
	is $c->get('/', Host => 'deny.test', $xff => '203.0.113.1')->status,
		200, 'and let in by it';
	is $c->get('/', Host => 'deny.test',
		$xff => '198.51.100.1, 203.0.113.1')->status, 200,
		'whatever it claims itself';
	$c->close;
};

$s->finish;
like $s->dir->read('access.log'), qr/^198\.51\.100\.1 - /m,
	'the access log has the address of the client';
done_testing;
