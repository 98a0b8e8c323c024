# SPDX-License-Identifier: BSD-2-Clause
#
# retry_on: what a request is tried again after is what the configuration says,
# and a response that is not the last is nobody's.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;

# It does what the last part of the path says.
my $bad = Holdfast::Backend->new(sub ($request, $socket) {
	my ($what) = $request->{target} =~ m{([^/]*)\z};

	if ($what eq 'silent') {
		1 while sysread $socket, my $end, 1;
	} elsif ($what eq 'garbage') {
		print {$socket} "SSH-2.0-x\r\n";
	} elsif ($what =~ /reset/) {
		print {$socket} "HTTP/1.1 200 OK\r\nConte" if $what eq 'half-reset';
		return Holdfast::Backend::break_off($socket);
	} elsif ($what eq 'half') {
		print {$socket} "HTTP/1.1 200 OK\r\nConte";
	} elsif ($what =~ /\A\d+\z/) {
		print {$socket} "HTTP/1.1 $what X\r\nContent-Length: 3\r\n\r\nbad";
	}
	return 0;
});
my $good = Holdfast::Backend->new(sub ($request, $socket) {
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";
	return 1;
});
my $gone = Holdfast::Backend->new(sub { 0 });
$gone->stop;

sub upstream ($name, $first, $on) {
	return <<"E";
  { name = "$name"; servers = ( { address = "$first->{address}"; },
    { address = "$good->{address}"; backup = true; } );
    timeouts = { first_byte = "1s"; }; $on },
E
}
sub route ($name) {
	return <<"E";
  { path = "/$name/"; handler = "proxy"; upstream = "$name"; },
E
}

my %on = (
	default => '',
	none => 'retry_on = [];',
	invalid => 'retry_on = [ "invalid" ];',
	timeout => 'retry_on = [ "timeout" ];',
	closed => 'retry_on = [ "closed" ];',
	statuses => 'retry_on = [ "503", "404" ];',
	posts => 'retry_on = [ "503", "closed", "non_idempotent" ];',
	once => 'retry_on = [ "503" ]; retries = 0;',
);
my $upstreams = join '', map { upstream($_, $bad, $on{$_}) } sort keys %on;
my $routes = join '', map { route($_) } sort keys %on;

$upstreams .= upstream('refused', $gone, '')
	. upstream('alone', $gone, 'retry_on = [ "timeout" ];');
$routes .= route('refused') . route('alone');

my $s = Holdfast->start(conf => <<"E");
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
log = { access = "%%DIR%%/access"; format =
  "\${method} \${target} \${status} \${upstream.tries} \${upstream.status}"; };
upstreams = (
$upstreams  { name = "single"; servers = ( { address = "$bad->{address}"; } );
    retry_on = [ "503" ]; } );
sites = ( { routes = (
$routes  { path = "/single/"; handler = "proxy"; upstream = "single"; } ); } );
E
my $c = $s->client;

$s->allow_log(qr/answered with 50[24]: upstream/, qr/not asked for/);

# [method, path, status, the server's requests for it]
for my $case (
	['GET', '/default/x', 200, 1],
	['GET', '/default/silent', 200, 1],
	['GET', '/default/reset', 200, 1],
	['GET', '/default/half', 502, 1],
	['GET', '/default/half-reset', 502, 1],
	['GET', '/closed/reset', 200, 1],
	['GET', '/invalid/half-reset', 200, 1],
	['GET', '/invalid/reset', 502, 1],
	['POST', '/default/reset', 502, 1],
	['GET', '/default/garbage', 502, 1],
	['GET', '/default/503', 503, 1],
	['POST', '/default/x', 502, 1],
	['GET', '/none/x', 502, 1],
	['GET', '/none/silent', 504, 1],
	['GET', '/invalid/garbage', 200, 1],
	['GET', '/invalid/half', 200, 1],
	['POST', '/invalid/half', 502, 1],
	['GET', '/invalid/x', 502, 1],
	['GET', '/timeout/silent', 200, 1],
	['GET', '/timeout/x', 502, 1],
	['GET', '/closed/x', 200, 1],
	['GET', '/closed/silent', 504, 1],
	['GET', '/statuses/503', 200, 1],
	['GET', '/statuses/404', 200, 1],
	['GET', '/statuses/500', 500, 1],
	['HEAD', '/statuses/503', 200, 1],
	['POST', '/statuses/503', 503, 1],
	['POST', '/posts/503', 200, 1],
	['POST', '/posts/x', 200, 1],
	['GET', '/once/503', 503, 1],
	['GET', '/single/503', 503, 1],
	['GET', '/refused/x', 200, 0],
	['POST', '/refused/x', 200, 0],
	['GET', '/alone/x', 502, 0],
) {
	my ($method, $path, $status, $asked) = @$case;

	# It is not to be taken out: three failures would do.
	if ($bad->requests >= 2) {
		$s->reload;
		$c = $s->client;
		$bad->forget;
	}
	my $before = $bad->requests;
	my $r = $c->request($method, $path, [], $method eq 'POST' ? 'abc' : undef);

	is $r->status, $status, "$method $path";
	is $bad->requests - $before, $asked, 'and what the bad one was asked';
	is $r->body, 'good', 'nothing of the other response'
		if $status == 200 && $method ne 'HEAD';
	is $c->get('/refused/in-step')->status, 200, 'in step';
}
wait_until { ($s->dir->read('access') // '') =~ m{^GET /alone}m } 'the log';
like $s->dir->read('access'), qr{^GET /statuses/503 200 2 200$}m,
	'the log tells of the last try';
$s->finish;
done_testing;
