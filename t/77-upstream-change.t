# SPDX-License-Identifier: BSD-2-Clause
#
# Servers of upstreams that are changed at run time: every worker heeds a change
# before the verb is answered, and so do those that come later, by a respawn, a
# reload or an upgrade, as long as the configuration names the server.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Upgraded;

my %b = map {
	my $name = $_;

	$name => Holdfast::Backend->new(sub ($request, $socket) {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name";
		return 1;
	});
} 'a' .. 'c';
my ($a, $b, $c) = map { $b{$_}{address} } 'a' .. 'c';

sub conf (@servers) {
	my $servers = join ', ', map { "{ address = \"$_\"; }" } @servers;

	return <<"E";
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( $servers ); } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
E
}
my $s = Holdfast::Upgraded->of(Holdfast->start(conf => conf($a, $b)));

# Which servers answer, of a number of requests to each worker: one that was disabled
# begins with a tenth of its share.
sub answers ($n = 60) {
	my %by;

	for my $worker ($s->workers) {
		my $client = $s->client_of($worker, '/');

		$by{$client->get('/')->body}++ for 1 .. $n;
	}
	return \%by;
}

sub done (@words) {
	my ($exit, $out, $err) = $s->run('upstream', @words);

	is $exit, 0, "@words" or diag $err;
	return $out;
}

sub refused ($why, @words) {
	my ($exit, $out, $err) = $s->run('upstream', @words);

	is $exit, 1, "refused: @words";
	like $err, $why, "@words: why";
}

sub view ($address) {
	my ($found) = grep { $_->{address} eq $address }
		$s->status->{upstreams}[0]{servers}->@*;
	return $found;
}

is_deeply [sort keys answers()->%*], [qw(a b)], 'both at first';

subtest 'drain and enable' => sub {
	is done('app', $a, 'drain'),
		"upstream app: server $a: drained (was enabled)\n", 'answered';
	is_deeply [keys answers()->%*], ['b'], 'no request after that';
	is view($a)->{idle}, 0, 'idle connections were closed';
	is view($a)->{mode}, 'drained', 'as status says';
	ok view($a)->{changed}, 'it was changed';
	like done(), qr/^app +\Q$a\E +drained +1 .*\(at run time: drained\)$/m,
		'shown';
	$s->wait_log(qr/upstream app: server \Q$a\E: drained \(was enabled\); asked for by user $>, process \d+/);
	done('app', $a, 'enable');
	is_deeply [sort keys answers()->%*], [qw(a b)], 'enabled';
	ok !view($a)->{changed}, 'as the file says';
};

subtest 'weight' => sub {
	done('app', $a, 'weight', 5);
	my $by = answers(12);

	cmp_ok $by->{a}, '>=', 19, 'by weight, in each worker';
	is view($a)->{weight}, 5, 'status';
	is view($a)->{configured_weight}, 1, 'and what the file says';
	like done('app'), qr/^app +\Q$a\E +up +5 .*weight 5; the file says 1/m;
	done('app', $a, 'weight', 1);
};

subtest 'disable' => sub {
	done('app', $_, 'disable') for $a, $b;
	is $s->get('/')->status, 503, 'none is left';
	$s->expect_log(qr/every server is drained or disabled/);
	done('app', $b, 'enable');
	is_deeply [keys answers()->%*], ['b'];
};

subtest 'it lasts' => sub {
	$s->expect_log(qr/signal 9|Killed/i);
	$s->allow_log(qr/dying at startup/);
	$s->kill_worker(($s->workers)[0]);
	$s->wait_workers(2);
	is_deeply [keys answers()->%*], ['b'], 'a worker that is spawned';
	$s->reload;
	is_deeply [keys answers()->%*], ['b'], 'a reload';
	is +($s->run('upgrade'))[0], 0, 'an upgrade';
	$s->follow;
	is_deeply [keys answers()->%*], ['b'], 'the new master has it';
	is view($a)->{mode}, 'disabled', 'and shows it';
	done('app', $a, 'enable');
	is_deeply [sort keys answers()->%*], [qw(a b)], 'and can change it';
};

subtest 'add and remove' => sub {
	done('app', 'add', $c, 'weight', 2);
	my $by = answers();

	is_deeply [sort keys %$by], [qw(a b c)], 'added';
	cmp_ok $by->{c}, '>', $by->{b}, 'with a weight';
	is view($c)->{origin}, 'added', 'status';
	$s->reload;
	is_deeply [sort keys answers()->%*], [qw(a b c)], 'after a reload';
	is +($s->run('upgrade'))[0], 0, 'an upgrade';
	$s->follow;
	is_deeply [sort keys answers()->%*], [qw(a b c)], 'after an upgrade';
	done('app', 'remove', $a);
	is_deeply [sort keys answers()->%*], [qw(b c)], 'one of the file is removed';
	is view($a)->{mode}, 'removed', 'status';
	done('app', 'remove', $c);
	is_deeply [keys answers()->%*], ['b'], 'one that was added, too';
	is view($c), undef, 'and is not shown any more';
	refused(qr/last server of upstream "app"/, 'app', 'remove', $b);
	done('app', 'add', $a);
	is_deeply [sort keys answers()->%*], [qw(a b)], 'it comes back';
};

subtest 'what the file does not name any more is forgotten' => sub {
	done('app', $a, 'drain');
	done('app', 'add', $c);
	$s->reload(conf($b));
	is_deeply [sort keys answers()->%*], [qw(b c)], 'the added one stays';
	$s->wait_log(qr/server \Q$a\E: what was changed at run time is forgotten/);
	$s->reload(conf($a, $b));
	is_deeply [sort keys answers()->%*], [qw(a b c)], 'it is not drained';
	$s->reload(conf($a, $b, $c));
	is view($c)->{origin}, 'file', 'an added one that the file has now';
	$s->reload(conf($a, $b));
	is_deeply [sort keys answers()->%*], [qw(a b)], 'goes with the file';
};

subtest 'mistakes' => sub {
	refused(qr/no upstream "ap"; did you mean "app"\?/, 'ap', $a, 'drain');
	refused(qr/no server "\Q${a}0\E"; did you mean/, 'app', "${a}0", 'drain');
	refused(qr/from 1 to 1000, not "$_"/, 'app', $a, 'weight', $_)
		for 0, 1001, 'x', '5x';
	refused(qr/no address of a server/, 'app', 'add', $_)
		for 'nonsense', '1.2.3.4:99999', 'unix:';
	refused(qr/a server of upstream "app" already/, 'app', 'add', $a);
	refused(qr/takes enable, drain/, 'app', $a, 'halt');
	refused(qr/takes enable, drain/, 'app', $a, 'weight');
	refused(qr/no upstream "nope"/, 'nope');
	is +($s->run('upstream', 'app', 'a b', 'drain'))[0], 2, 'a space';
	is_deeply [sort keys answers()->%*], [qw(a b)], 'nothing has changed';
};

subtest 'as JSON' => sub {
	my $json = JSON::PP::decode_json(done('app', '--json'));

	is_deeply [map { $_->{address} } $json->{upstreams}[0]{servers}->@*],
		[$a, $b], 'servers';
};

subtest 'under way' => sub {
	done('app', 'add', $c);
	my @clients = map { $s->client_of($_, '/') } $s->workers;

	$_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n" x 20) for @clients;
	done('app', 'remove', $c);
	for my $client (@clients) {
		is $client->response->status, 200, 'answered' for 1 .. 20;
	}
};

$s->finish;
done_testing;
