# SPDX-License-Identifier: BSD-2-Clause
#
# Handler metrics: the numbers are those that a client counts, in a form that
# Prometheus takes, with labels from the configuration only; and no counter falls
# through reloads, the deaths of workers and an upgrade.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Upgraded;

my $backend = Holdfast::Backend->new(sub ($request, $socket) {
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	return 1;
});
my $conf = <<"E";
workers = 2;
listeners = (
  { name = "front \\"a\\"\\\\"; address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
upstreams = ( { name = "app"; servers = ( { address = "$backend->{address}"; } ); } );
sites = (
  { hosts = [ "admin.test" ]; routes = (
    { path = "/metrics"; handler = "metrics"; },
    { path = "/status"; handler = "status"; } ); },
  { hosts = [ "a.test", "b.test" ]; routes = (
    { path = "/hello"; handler = "respond"; body = "hello"; },
    { name = "the app"; path = "/app"; handler = "proxy"; upstream = "app"; },
    { path = "/form"; methods = [ "GET" ]; handler = "respond"; body = "g"; },
    { path = "/form"; methods = [ "POST" ]; handler = "respond"; body = "p"; } ); },
  { hosts = [ "gone.test" ]; routes = (
    { path = "/"; handler = "respond"; body = "x"; } ); }
);
E
my $s = Holdfast::Upgraded->of(Holdfast->start(conf => $conf));

# As {name{labels} => value}, and {name => type}.
sub parse ($text) {
	my (%value, %type);

	for my $line (split /\n/, $text) {
		if ($line =~ /^# TYPE (\S+) (\S+)$/) {
			fail "$1 twice" if $type{$1};
			$type{$1} = $2;
		} elsif ($line =~ /^# (?:HELP \S+ \S.*|EOF)$/) {
		} elsif ($line =~ /^([a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})?) ([-\d.]+)$/) {
			fail "$1 twice" if exists $value{$1};
			$value{$1} = $2;
		} else {
			fail 'a line of metrics';
			diag $line;
		}
	}
	return (\%value, \%type);
}

sub scrape ($client = undef, @fields) {
	my $c = $client // $s->client('http');
	my $r = $c->get('/metrics', Host => 'admin.test', @fields);

	$c->close unless $client;
	return $r if $r->status != 200;
	return (parse($r->body), $r);
}

sub ask ($host, $path, $method = 'GET', $n = 1) {
	my $c = $s->client('http');

	$c->request($method, $path, [Host => $host], $method eq 'POST' ? '' : undef)
		for 1 .. $n;
	$c->close;
	return;
}

ask('a.test', '/hello', 'GET', 7);
ask('b.test', '/app', 'GET', 3);
ask('a.test', '/missing/' . $_) for 1 .. 5;
ask('a.test', '/form', 'POST', 2);
ask('a.test', '/form');
ask('gone.test', '/', 'GET', 4);
ask("evil$_.test", '/') for 1 .. 3;

my ($value, $type, $r) = scrape();
my %wanted = (
	'holdfast_route_responses_total{site="a.test",route="/hello",class="2xx"}' => 7,
	'holdfast_route_responses_total{site="a.test",route="the app",class="2xx"}' => 3,
	'holdfast_route_responses_total{site="a.test",route="",class="4xx"}' => 5,
	'holdfast_route_responses_total{site="a.test",route="/form",class="2xx"}' => 3,
	'holdfast_route_content_bytes_total{site="a.test",route="/hello"}' => 35,
	'holdfast_route_responses_total{site="gone.test",route="/",class="2xx"}' => 4,
	'holdfast_route_responses_total{site="admin.test",route="",class="4xx"}' => 3,
	'holdfast_requests_total' => 25,
	'holdfast_responses_total{class="2xx"}' => 17,
	'holdfast_responses_total{class="4xx"}' => 8,
	'holdfast_protocols_total{protocol="HTTP/1.1"}' => 25,
	"holdfast_upstream_server_requests_total{upstream=\"app\",server=\"$backend->{address}\"}" => 3,
	"holdfast_upstream_server_failures_total{upstream=\"app\",server=\"$backend->{address}\"}" => 0,
	'holdfast_request_total_seconds_count' => 25,
	'holdfast_request_total_seconds_bucket{le="+Inf"}' => 25,
	'holdfast_workers' => 2,
	'holdfast_generation' => 1,
	'holdfast_reloads_total{outcome="done"}' => 0,
);

is $value->{$_}, $wanted{$_}, $_ for sort keys %wanted;
is $value->{'holdfast_listener_accepted_total{listener="front \\"a\\"\\\\",protocol="http"}'},
	14, 'a listener by its name, escaped';
ok exists $value->{"holdfast_listener_accepted_total{listener=\"127.0.0.2:0\",protocol=\"echo\"}"},
	'and one by its address';
cmp_ok $value->{'holdfast_route_duration_seconds_total{site="a.test",route="/hello"}'},
	'>', 0, 'time';
cmp_ok $value->{"holdfast_memory_bytes{process=\"$_\"}"}, '>', 100_000, "memory of $_"
	for 'master', 'worker 0', 'worker 1';
cmp_ok abs($value->{holdfast_start_time_seconds} - time), '<', 120, 'start';
is $r->field('content-type'), 'text/plain; version=0.0.4; charset=utf-8', 'type';
is scalar(grep { /evil|missing/ } keys %$value), 0, 'nothing that a client chose';
is $type->{holdfast_requests_total}, 'counter', 'a counter';
is $type->{holdfast_request_to_head_seconds}, 'histogram', 'a histogram';
{
	my $last = -1;
	my @buckets = map { $value->{$_} } sort { ($a =~ /le="([\d.]+)/)[0]
		<=> ($b =~ /le="([\d.]+)/)[0] }
		grep { /^holdfast_request_total_seconds_bucket\{le="\d/ } keys %$value;

	is scalar(grep { my $falls = $_ < $last; $last = $_; $falls } @buckets), 0,
		'buckets add up';
	cmp_ok scalar @buckets, '>', 10, 'there are some';
}

SKIP: {
	skip 'no promtool here', 1 unless has_program('promtool');
	open my $in, '|-', 'promtool check metrics >/dev/null 2>' . $s->path('lint')
		or die "promtool: $!";
	print {$in} $r->body;
	close $in;
	is $? . ($s->dir->read('lint') // ''), '0', 'promtool has nothing to say';
}

subtest 'OpenMetrics' => sub {
	my ($value, $type, $r) = scrape(undef,
		Accept => 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5');

	is $r->field('content-type'),
		'application/openmetrics-text; version=1.0.0; charset=utf-8', 'type';
	is $type->{holdfast_requests}, 'counter', 'a counter has no suffix there';
	ok exists $value->{holdfast_requests_total}, 'but its sample does';
	like $r->body, qr/\n# EOF\n\z/, 'the end';
};

subtest 'status over HTTP' => sub {
	my $c = $s->client('http');
	my $row = JSON::PP::decode_json(
		$c->get('/status', Host => 'admin.test')->body);

	is $row->{totals}{requests}, 27, 'totals';
	is $row->{totals}{responses}{'4xx'}, 8, 'by class';
	$c->close;
};

subtest 'no counter falls' => sub {
	my $c = $s->client('http');
	my (%last, @fallen, $refused);
	my $asked = 0;
	my $look = sub () {
		my ($value, $type) = scrape($c);

		if (ref $value ne 'HASH') {
			$refused++;
			return;
		}
		for my $name (grep { /_total\b|_count$|_sum$|_bucket/ } keys %$value) {
			push @fallen, "$name: $last{$name} -> $value->{$name}"
				if exists $last{$name} && $value->{$name} < $last{$name};
			$last{$name} = $value->{$name};
		}
	};
	my $work = sub () {
		ask('a.test', '/hello', 'GET', 5);
		ask('b.test', '/app');
		$asked += 5;
		$look->();
	};

	$work->() for 1 .. 3;
	for (1 .. 3) {
		my $reload = $s->command('reload');

		$work->() until $reload->ended;
		$work->();
	}
	$s->expect_log(qr/killed by signal 9/);
	$s->allow_log(qr/workers are dying at startup/);
	my ($worker) = map { $_->{pid} } sort { $a->{connections} <=> $b->{connections} }
		$s->worker_rows;

	$work->();
	$s->kill_worker($worker);
	$s->wait_workers(2);
	$c->close;
	$c = $s->client('http');
	$work->();
	my $upgrade = $s->command('upgrade');

	$work->() until $upgrade->ended;
	is +($upgrade->wait)[0], 0, 'an upgrade';
	is $s->follow, 0, 'the old master ended well';
	wait_until { $look->(); !$refused-- } 'the numbers of the old master';
	$work->();
	is "@fallen", '', 'none';
	cmp_ok $last{'holdfast_reloads_total{outcome="done"}'}, '==', 3, 'reloads';
	cmp_ok $last{'holdfast_respawns_total'}, '==', 1, 'respawns';
	is $last{'holdfast_route_responses_total{site="a.test",route="/hello",class="2xx"}'},
		7 + $asked, 'and what was counted by route is all there';
	$c->close;
};

subtest 'names that go' => sub {
	$s->write_conf($conf =~ s/gone\.test/new.test/r);
	$s->reload;
	wait_until { (scrape())[0]{holdfast_generation} > 1 } 'the next generation';
	my ($value) = scrape();

	is scalar(grep { /gone/ } keys %$value), 0, 'what is not named any more ends';
	is $value->{'holdfast_route_responses_total{site="new.test",route="/",class="2xx"}'},
		0, 'and a new name begins';
};

subtest 'status --check' => sub {
	my ($exit, $out, $err) = $s->run('status', '--check');

	is "$exit $out$err", "0 OK: generation @{[$s->status->{generation}]}, 2 workers\n",
		'all is well';
	$s->write_conf("$conf\nnonsense = 1;\n");
	$s->expect_log(qr/reload failed/, qr/nonsense/);
	isnt(($s->run('reload'))[0], 0, 'a reload that fails');
	$s->write_conf($conf);
	($exit, $out, $err) = $s->run('status', '--check');
	is $exit, 1, 'is told';
	like $err, qr/^CRITICAL: the reload at .* has failed: /, 'and why';
	my ($value) = scrape();

	is $value->{holdfast_last_reload_success}, 0, 'in metrics, too';
	is $value->{'holdfast_reloads_total{outcome="failed"}'}, 1, 'and counted';
	$s->reload;
	is(($s->run('status', '--check'))[0], 0, 'until the next');
	($value) = scrape();
	is $value->{holdfast_last_reload_success}, 1, 'one that is done';
	is(($s->run('status', '--check', '--json'))[0], 2, 'a mistake');
};

$s->finish;
done_testing;
