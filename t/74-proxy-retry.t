# SPDX-License-Identifier: BSD-2-Clause
#
# What is asked again on another server, and what is not: nothing that could
# be done twice.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Backend;

sub answer ($name) {
	return sub ($request, $socket) {
		if ($request->{target} =~ /fails/) {
			print {$socket} "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n";
			return 1;
		}
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name"
			unless $request->{method} eq 'HEAD';
		return 1;
	};
}
my $a = Holdfast::Backend->new(answer('a'));
my $b = Holdfast::Backend->new(answer('b'));
# Closes each connection after its first answer, without saying so.
my $stale = Holdfast::Backend->new(sub ($request, $socket) {
	return 0 if $request->{n} > 1; # it read the request, and says nothing
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ns";
	return 1;
});
my $breaks = Holdfast::Backend->new(sub ($request, $socket) { return 0 });

my $s = Holdfast->start(conf => <<"E");
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "two"; servers = ( { address = "$a->{address}"; },
    { address = "$b->{address}"; } ); },
  { name = "stale"; retries = 0; servers = ( { address = "$stale->{address}"; } ); },
  { name = "breaks"; servers = ( { address = "$breaks->{address}"; },
    { address = "$a->{address}"; backup = true; } ); },
  { name = "posts"; servers = ( { address = "$breaks->{address}"; },
    { address = "$a->{address}"; backup = true; } ); },
  { name = "once"; retries = 0; servers = ( { address = "$breaks->{address}"; },
    { address = "$a->{address}"; backup = true; } ); }
);
sites = ( { routes = (
  { path = "/two"; handler = "proxy"; upstream = "two"; },
  { path = "/stale"; handler = "proxy"; upstream = "stale"; },
  { path = "/breaks"; handler = "proxy"; upstream = "breaks"; },
  { path = "/whole"; handler = "proxy"; upstream = "breaks";
    request_buffer = true; },
  { path = "/post"; handler = "proxy"; upstream = "posts"; },
  { path = "/collected"; handler = "proxy"; upstream = "posts";
    request_buffer = true; },
  { path = "/once"; handler = "proxy"; upstream = "once"; } ); } );
E
my $c = $s->client;

$s->allow_log(qr/answered with 50\d: upstream/, qr/not asked for/);

subtest 'an idempotent request goes to another server' => sub {
	is $c->get('/breaks')->body, 'a', 'GET';
	is $c->request('PUT', '/breaks', [], 'x' x 1000)->body, 'a',
		'PUT, with its body';
	is +($a->requests)[-1]{body}, 'x' x 1000;
	is $c->get('/once')->status, 502, 'but not without retries';
};

subtest 'any other does not' => sub {
	my $before = () = $a->requests;

	is $c->request('POST', '/post', [], 'x')->status, 502, 'POST';
	is $c->request('PATCH', '/collected', [], 'x')->status, 502, 'PATCH';
	my $after = () = $a->requests;

	is $after, $before, 'the other server saw nothing of it';
	is $c->request('PUT', '/whole', [], 'y' x 200_000)->body, 'a',
		'a large PUT that was collected is asked again';
	is +($a->requests)[-1]{body}, 'y' x 200_000;
};

subtest 'a connection that the server had closed' => sub {
	for my $n (1 .. 20) {
		is $c->get('/stale')->body, 's', "GET $n";
	}
	for my $n (1 .. 3) {
		sleep 1.1; # a POST takes no connection that was idle for longer
		is $c->request('POST', '/stale', [], 'x')->body, 's', "POST $n";
	}
};

subtest 'errors of an application' => sub {
	my %by;

	is $c->get('/two/fails')->status, 500, 'are passed on' for 1 .. 10;
	$by{$c->get('/two')->body}++ for 1 .. 10;
	is_deeply \%by, { a => 5, b => 5 }, 'and no server is taken out for them';
};

subtest 'a server that goes and comes back' => sub {
	my %by;

	$by{$c->get('/two')->body}++ for 1 .. 10;
	is_deeply \%by, { a => 5, b => 5 }, 'both are asked';
	$b->stop;
	%by = ();
	$by{$c->get('/two')->body}++ for 1 .. 20;
	is_deeply \%by, { a => 20 }, 'no request fails while one is gone';
	$s->wait_log(qr/server \Q$b->{address}\E: not asked for 1 s/);
	$b->start;
	wait_until { $c->get('/two')->body eq 'b' } 'the server to be asked';
	$s->wait_log(qr/server \Q$b->{address}\E: it answers again/);
	%by = ();
	$by{$c->get('/two')->body}++ for 1 .. 40;
	cmp_ok $by{b} // 0, '<', 16, 'its share grows slowly';
	cmp_ok $by{a}, '>=', 24;
};

subtest 'all are gone' => sub {
	$a->stop;
	$b->stop;
	is $c->get('/two')->status, 502 for 1 .. 10;
	$a->start;
	wait_until { $c->get('/two')->status == 200 } 'one to be asked again', 5;
};

$s->finish;
done_testing;
