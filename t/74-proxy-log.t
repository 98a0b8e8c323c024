# SPDX-License-Identifier: BSD-2-Clause
#
# What the log says of a request that was passed on: where to, how many times,
# and how long it took; as variables and in JSON, also when it has moved.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;
use Holdfast::Proc qw(alive);

my $dir = Holdfast::Dir->new;
my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $path = $request->{target};

	if ($path eq '/breaks') {
		return 0;
	} elsif ($path eq '/slow') {
		wait_until { -e $dir->path('head') } 'the gate';
		print {$socket} "HTTP/1.1 201 Made\r\nContent-Length: 4\r\n\r\nso";
		wait_until { -e $dir->path('rest') } 'the gate';
		print {$socket} 'me';
	} elsif ($path eq '/16k') {
		syswrite $socket, # at once: Nagle has nothing to wait for
			"HTTP/1.1 200 OK\r\nContent-Length: 16384\r\n\r\n"
			. 'x' x 16384;
	} else {
		print {$socket} "HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx";
	}
	return 1;
});

sub conf () {
	my @names = map { "upstream$_" } '', map { ".$_" } qw(server tries status
		time.connect time.first_byte time.total);
	my $format = join '|', map { "\${$_}" } 'path', @names, 'time.total';

	return <<"E";
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
log = { access = "%%DIR%%/access"; format = "$format"; };
upstreams = (
  { name = "app"; servers = ( { address = "$b->{address}"; } ); },
  { name = "two"; balance = "hash"; hash = "x"; servers = (
    { address = "127.0.0.1:1"; }, { address = "$b->{address}"; backup = true; } ); },
  { name = "none"; retries = 1; servers = ( { address = "127.0.0.1:1"; } ); }
);
sites = ( { response_fields = [ "X-Server: \${upstream.server}" ]; routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/two"; handler = "proxy"; upstream = "two"; },
  { path = "/none"; handler = "proxy"; upstream = "none"; },
  { path = "/own"; handler = "respond"; body = "x"; } ); } );
E
}
my $s = Holdfast->start(conf => conf());
my $c = $s->client;
my $at = 0;

# The next line of the log, as its parts.
sub line () {
	my @lines;

	wait_until {
		@lines = split /^/, $s->dir->read('access') // '';
		@lines > $at && $lines[-1] =~ /\n\z/;
	} 'a line of the log';
	chomp(my $line = $lines[$at++]);
	return split /\|/, $line;
}
my $seconds = qr/\A\d+\.\d{6}\z/;

subtest 'one server, asked once' => sub {
	is $c->get('/a')->field('X-Server'), $b->{address}, 'a response field';
	my @row = line();

	is_deeply [@row[0 .. 4]], ['/a', 'app', $b->{address}, 1, 404], 'facts';
	like $row[$_], $seconds, "time $_" for 5 .. 7;
	cmp_ok $row[5], '<=', $row[6], 'connected before the first byte';
	cmp_ok $row[6], '<=', $row[7], 'and that before the end';
	cmp_ok $row[7], '<=', $row[8], 'of what is not all of the request';
	$c->get('/a');
	@row = line();
	is $row[5], '-', 'no time of connecting, where it was kept alive';
	like $row[6], $seconds, 'but of the first byte';
};

subtest 'another request' => sub {
	is $c->get('/own')->field('X-Server'), undef, 'no field';
	my @row = line();

	is_deeply [@row[1 .. 7]], [('-') x 7], 'nothing is said of upstreams';
};

subtest 'tries' => sub {
	$s->allow_log(qr/answered with 502: upstream/, qr/not asked for/);
	is $c->get('/two')->status, 404;
	my @row = line();

	is_deeply [@row[1 .. 4]], ['two', $b->{address}, 2, 404],
		'two, and the last one tells';
	is $c->get('/none')->status, 502;
	@row = line();
	is_deeply [@row[1 .. 4]], ['none', '127.0.0.1:1', 2, '-'],
		'none of them answered';
	is_deeply [@row[5, 6]], ['-', '-'], 'no connection, no byte';
	like $row[7], $seconds, 'but the time that was lost';
};

# To a new worker, with what is under way.
sub move () {
	my @old = $s->workers;

	$s->reload(conf());
	wait_until { !grep { alive($_) } @old } 'the old worker to go';
}

subtest 'moved' => sub {
	my $start = now();
	my $c = $s->client;

	$c->send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_until { grep { $_->{target} eq '/slow' } $b->requests } 'the request';
	move();
	$dir->write('head', '');
	$c->read_until("\r\n\r\nso");
	my $middle = now() - $start;

	move();
	my $before = now() - $start;

	$dir->write('rest', '');
	$c->read_until('me');
	my @row = line();
	my $end = now() - $start;

	is_deeply [@row[0 .. 4]], ['/slow', 'app', $b->{address}, 1, 201], 'facts';
	cmp_ok $row[6], '<', $middle, 'the first byte, of the worker in the middle';
	cmp_ok $row[6], '>', 0, 'from when it was asked by the first';
	cmp_ok $row[7], '>', $before - $middle, 'the whole';
	cmp_ok $row[7], '<', $end;
};

# A small response is kept in memory, and moves without what passed it on.
subtest 'moved while it is sent from memory' => sub {
	my $c = $s->client(undef, rcvbuf => 65536);
	my $n = 600;
	my $asked = sub { scalar grep { $_->{target} eq '/16k' } $b->requests };

	$c->send("GET /16k HTTP/1.1\r\nHost: a\r\n\r\n" x $n);
	wait_until { # no more is asked for: the client does not read
		my $before = $asked->();

		sleep 0.3;
		$before > 0 && $asked->() == $before;
	} 'the responses to be stuck';
	cmp_ok $asked->(), '<', $n, 'not all were sent';
	move();
	is scalar(grep { length $c->response->body == 16384 } 1 .. $n), $n,
		'every response';
	my %lines;

	$lines{join ' ', (line())[0 .. 4]}++ for 1 .. $n;
	is_deeply \%lines, { "/16k app $b->{address} 1 200" => $n },
		'every line tells where it was passed on';
};

subtest 'counters' => sub {
	my $totals = $s->status->{totals};

	is $totals->{upstream_requests}, 605, 'requests passed on';
	is $totals->{upstream_retries}, 2, 'and again';
	is $totals->{upstream_failures}, 3, 'failures';
};

subtest 'JSON' => sub {
	my $conf = conf() =~ s/format = "[^"]*"/format = "json"/r;

	$s->reload($conf);
	$c = $s->client;
	$c->get($_) for '/a', '/own', '/none';
	my @rows = map { JSON::PP::decode_json(join '|', line()) } 1 .. 3;
	my $one = $rows[0]{upstream};
	my $times = delete $one->{times_us};

	is_deeply $one, { name => 'app', server => $b->{address}, tries => 1,
		status => 404 }, 'one that was passed on';
	is_deeply [sort keys %$times], [qw(connect first_byte total)], 'times';
	ok !exists $rows[1]{upstream}, 'another';
	is_deeply [sort keys $rows[2]{upstream}->%*],
		[qw(name server times_us tries)], 'one without an answer';
	is_deeply [keys $rows[2]{upstream}{times_us}->%*], ['total'];
};

$s->finish;
done_testing;
