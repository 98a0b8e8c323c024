# SPDX-License-Identifier: BSD-2-Clause
#
# Clients stay with a server by a cookie, in every worker and after a reload; when
# it cannot be asked another one is, and the cookie is set anew.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;

my $gate = Holdfast::Dir->new;
my %b = map {
	my $name = $_;

	$name => Holdfast::Backend->new(sub ($request, $socket) {
		wait_until { -e $gate->path('go') } 'the gate'
			if $request->{target} eq '/hold';
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
			. "Set-Cookie: own=1\r\n\r\n$name";
		return 1;
	});
} 'a' .. 'c';

sub conf ($more = '', $max = 0) {
	my $servers = join ', ', map {
		"{ address = \"$_->{address}\"; max_connections = $max; }"
	} map { $b{$_} } 'a' .. 'c';

	return <<"CONF";
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( $servers );
  sticky = { cookie = "srv"; $more }; } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
CONF
}
my $s = Holdfast->start(conf => conf());

$s->allow_log(qr/not asked for/);

# A new connection with that cookie: the server, and the cookie that is set.
sub ask ($cookie = undef, $path = '/') {
	my $r = $s->client->get($path,
		defined $cookie ? (Cookie => "x=1; srv=$cookie; y=2") : ());
	my @set = grep { /^srv=/ } $r->all('set-cookie');

	is scalar(grep { /^own=1/ } $r->all('set-cookie')), 1,
		'the cookie of the server goes along';
	return ($r->body, $set[0] // '');
}

my %cookie;

subtest 'a cookie for each server' => sub {
	for (1 .. 12) {
		my ($name, $set) = ask();

		like $set, qr{\Asrv=[0-9a-f]{16}; Path=/; HttpOnly; SameSite=Lax\z},
			'it is set';
		my ($value) = $set =~ /=([0-9a-f]+)/;

		$cookie{$name} //= $value;
		is $value, $cookie{$name}, 'the same for the same server';
	}
	is join('', sort keys %cookie), 'abc', 'all are asked';
};

sub all_stay ($what) {
	for my $name (sort keys %cookie) {
		for (1 .. 4) {
			my ($by, $set) = ask($cookie{$name});

			is $by, $name, "$what: $name again";
			is $set, '', 'it is not set again';
		}
	}
}

all_stay('in every worker');
$s->reload;
all_stay('after a reload');
$s->reload(conf() =~ s/(\{ address.*?\}), (\{.*?\})/$2, $1/r);
all_stay('in another order');

subtest 'a value that is none' => sub {
	for my $value ('', 'x', '0' x 16, $cookie{a} . '0', 'a' x 300) {
		my ($by, $set) = ask($value);

		is $set =~ /^srv=([0-9a-f]+)/ && $1, $cookie{$by}, 'it is set';
	}
};

subtest 'drained' => sub {
	is +($s->run('upstream', 'app', $b{a}{address}, 'drain'))[0], 0;
	all_stay('a drained server keeps its clients');
	for (1 .. 8) {
		my ($by) = ask();

		isnt $by, 'a', 'and gets no others';
	}
};

subtest 'disabled' => sub {
	is +($s->run('upstream', 'app', $b{a}{address}, 'disable'))[0], 0;
	my ($by, $set) = ask($cookie{a});

	isnt $by, 'a', 'another one';
	like $set, qr/^srv=$cookie{$by};/, 'sets its own';
	is +($s->run('upstream', 'app', $b{a}{address}, 'enable'))[0], 0;
	all_stay('enabled');
};

subtest 'down' => sub {
	$b{b}->stop;
	for (1 .. 8) {
		my ($by, $set) = ask($cookie{b});

		isnt $by, 'b', 'another one';
		like $set, qr/^srv=$cookie{$by};/, 'sets its own';
	}
	my $failures = sub { return $s->status->{totals}{upstream_failures} };
	my $before = $failures->();

	ask($cookie{b}) for 1 .. 12;
	# Each of two workers may have tried whether it is back.
	cmp_ok $failures->() - $before, '<=', 4, 'it is not asked in vain';
	$b{b}->start;
};

subtest 'full' => sub {
	$s->reload(conf('', 1) =~ s/workers = 2/workers = 1/r);
	my $held = $s->client;

	wait_until {
		my ($by, $set) = ask($cookie{a});

		$by eq 'a';
	} 'it to be up';
	$held->send("GET /hold HTTP/1.1\r\nHost: a\r\nCookie: srv=$cookie{a}\r\n\r\n");
	wait_until { grep { $_->{target} eq '/hold' } $b{a}->requests } 'it to be full';
	my ($by, $set) = ask($cookie{a});

	isnt $by, 'a', 'another one';
	like $set, qr/^srv=$cookie{$by};/, 'sets its own';
	$gate->write('go', '');
	is $held->response->body, 'a', 'the one that held it';
};

subtest 'attributes' => sub {
	$s->reload(conf('path = "/app"; max_age = "1h"; secure = "always"; '
		. 'httponly = false; samesite = "none";'));
	my ($by, $set) = ask();

	is $set, "srv=$cookie{$by}; Path=/app; Max-Age=3600; Secure; SameSite=None",
		'as they are set';
	$s->reload(conf('samesite = "off"; secret = "x";'));
	($by, $set) = ask();
	like $set, qr{\Asrv=[0-9a-f]{16}; Path=/; HttpOnly\z}, 'fewer';
	unlike $set, qr/$cookie{$by}/, 'another secret, another value';
};

$s->finish;
done_testing;
