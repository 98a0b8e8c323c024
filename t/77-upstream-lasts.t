# SPDX-License-Identifier: BSD-2-Clause
#
# What is known of servers outlives the workers that found it out: their health,
# slow start, addresses and numbers, through a reload, an upgrade and the end of
# the only worker.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;
use Holdfast::Names;
use Holdfast::Upgraded;

my $dir = Holdfast::Dir->new;
my %b = map {
	my $name = $_;

	$name => Holdfast::Backend->new(sub ($request, $socket) {
		my $status = $request->{target} eq '/healthz'
			&& -e $dir->path('sick') ? 503 : 200;

		print {$socket} "HTTP/1.1 $status X\r\nContent-Length: 1\r\n\r\n$name";
		return 1;
	});
} 'a', 'b';
my $names = Holdfast::Names->new;
my $srv = '_http._tcp.app.test';

$names->set('app.test' => ['127.0.0.1']);
$names->set($srv => [[1, 1, $b{b}{port}, 'app.test']]);

sub conf ($interval = '50ms') {
	return <<"CONF";
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
  { name = "app"; servers = ( { address = "$b{a}{address}"; },
    { address = "$b{b}{address}"; } ); },
  { name = "checked"; servers = ( { address = "$b{b}{address}"; } );
    health = { path = "/healthz"; interval = "$interval"; fall = 1; rise = 1; }; },
  { name = "named"; servers = ( { address = "app.test:$b{b}{port}"; } ); },
  { name = "srv"; servers = ( { srv = "$srv"; } ); }
);
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/named"; handler = "proxy"; upstream = "named"; },
  { path = "/srv"; handler = "proxy"; upstream = "srv"; } ); } );
CONF
}
my $s = Holdfast::Upgraded->of(Holdfast->start(env => { $names->env },
	conf => conf()));

$s->allow_log(qr/not asked for/, qr/checks in a row/, qr/cannot resolve/,
	qr/signal 9|Killed/i, qr/dying at startup/);

sub server ($name) {
	my ($upstream, $n) = $name =~ m{\A(\D+)(\d)\z};
	my ($found) = grep { $_->{name} eq $upstream } $s->status->{upstreams}->@*;

	return $found->{servers}[$n];
}

# Each way in which the worker is replaced; the file stays as it is.
sub each_way ($check) {
	$s->reload;
	$check->('a reload');
	is +($s->run('upgrade'))[0], 0, 'an upgrade';
	$s->follow;
	$check->('an upgrade');
	my ($worker) = $s->workers;

	$s->kill_worker($worker);
	$s->wait_workers(1);
	$check->('the end of the only worker');
}

sub get ($path, $n) {
	my $c = $s->client;
	my %by;

	for (1 .. $n) {
		my $r = $c->get($path);

		$by{$r->status == 200 ? $r->body : $r->status}++;
	}
	return \%by;
}

subtest 'numbers' => sub {
	get('/', 10);
	each_way(sub ($what) {
		is join(' ', map { server("app$_")->{requests} } 0, 1), '5 5', $what;
	});
	get('/', 2);
	is server('app0')->{requests}, 6, 'and they go on';
};

subtest 'a server that is down by checks' => sub {
	$dir->write('sick', '');
	wait_until { server('checked0')->{state} eq 'down by checks' } 'it to be';
	$s->reload(conf('100s')); # no check in this test from now on
	each_way(sub ($what) {
		is server('checked0')->{state}, 'down by checks', $what;
	});
};

subtest 'a server that is down by requests' => sub {
	$b{a}->stop;
	wait_until {
		is +(keys get('/', 4)->%*)[0], 'b', 'b answers';
		server('app0')->{state} eq 'down by requests';
	} 'it to be';
	each_way(sub ($what) {
		is server('app0')->{state}, 'down by requests', $what;
		is server('app1')->{state}, 'up', "$what: the other is not";
	});
};

subtest 'slow start' => sub {
	$b{a}->start;
	my $n = () = $s->log_text =~ /it answers again/g;
	my $began = now();

	wait_until {
		get('/', 4);
		$n < (() = $s->log_text =~ /it answers again/g);
	} 'it to be back';
	my $back = now();

	each_way(sub ($what) {
		my $by = get('/', 100);
		my $part = (now() - $back) / 10;

		# It began between the two; its share is a part of one of two.
		$part = 0.1 if $part < 0.1;
		$part = 1 if $part > 1;
		cmp_ok(($by->{a} // 0) / 100, '<=', $part / (1 + $part) + 0.03,
			sprintf '%s: its share %.2f s after it was back', $what,
			now() - $back);
	});
};

subtest 'addresses, while the name service fails' => sub {
	is_deeply get('/named', 1), { b => 1 }, 'by name';
	is_deeply get('/srv', 1), { b => 1 }, 'by a record';
	$names->set($_ => 'fail') for 'app.test', $srv;
	each_way(sub ($what) {
		is_deeply get('/named', 3), { b => 3 }, "$what: by name";
		is_deeply get('/srv', 3), { b => 3 }, "$what: by a record";
	});
	$names->set('app.test' => ['127.0.0.1']);
	$names->set($srv => [[1, 1, $b{a}{port}, 'app.test']]);
	wait_until { (keys get('/srv', 1)->%*)[0] eq 'a' } 'another server';
	pass 'what the record says then';
};

$s->finish;
done_testing;
