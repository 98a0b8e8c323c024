# SPDX-License-Identifier: BSD-2-Clause
#
# `redirect`: where it leads, and that a client cannot lead it elsewhere.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/old/"; handler = "redirect"; to = "/new/"; status = 301; },
  { path = "/default"; handler = "redirect"; to = "/d"; },
  { path = "/exact"; match = "exact"; handler = "redirect"; to = "/e";
    status = 303; },
  { path = "/var/"; handler = "redirect"; to = "/v?to=${query.x:-none}";
    status = 307; },
  { path = "/moved/"; handler = "redirect";
    to = "https://example.org/${rest}"; status = 308; },
  { path = "/away/"; handler = "redirect"; to = "https://example.org/"; }
); } );
E
my $c = $s->client;

# [target, status, Location]
for my $case (
	['/old/', 301, '/new/'],
	['/old/x', 301, '/new/x'],
	['/old/x/y?z=1', 301, '/new/x/y?z=1'],
	['/old/?q', 301, '/new/?q'],
	['/old/a%20b', 301, '/new/a%20b'],
	['/old/../old/x', 301, '/new/x'],
	['/old/%e2%82%ac', 301, qr{\A/new/%E2%82%AC\z}i],
	['/old/%3Cb%3E', 301, qr{\A/new/%3Cb%3E\z}i],
	['/default', 302, '/d'],
	['/default?x=1', 302, '/d?x=1'],
	['/exact', 303, '/e'],
	['/exact?x=1', 303, '/e'],
	['/var/', 307, '/v?to=none'],
	['/var/?x=1', 307, '/v?to=1'],
	['/moved/a/b', 308, 'https://example.org/a/b'],
	['/away/a?b', 302, 'https://example.org/a?b'],
) {
	my ($target, $status, $to) = @$case;
	my $r = $c->get($target);

	is $r->status, $status, "$target: status";
	ref $to ? like($r->field('location'), $to, "$target: Location")
		: is($r->field('location'), $to, "$target: Location");
	like $r->reason, qr/\S/, "$target: a reason";
}

subtest 'no field can be made with it' => sub {
	for my $target ('/var/?x=a%0d%0aSet-Cookie:%20b',
			'/var/?x=a%0aX:b', '/var/?x=%0d', '/var/?x=%00',
			'/var/?x=%7f') {
		my $client = $s->client;
		my $r = $client->get($target);

		ok !defined $r->field('set-cookie'), "$target: no new field";
		ok !defined $r->field('x'), "$target: none by LF";
		unlike $r->field('location') // '', qr/[\0-\x20\x7f]/,
			"$target: nothing but visible characters";
	}
};

is $c->request('POST', '/old/x', [], 'body')->status, 301,
	'every method is redirected: POST';
is $c->request('DELETE', '/old/x')->status, 301, 'DELETE';
is $c->request('HEAD', '/old/x')->field('location'), '/new/x', 'HEAD';

$c->close;
$s->finish;
done_testing;
