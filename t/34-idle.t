# SPDX-License-Identifier: BSD-2-Clause
#
# Thousands of idle connections: they cost little, they stay, and each works
# when it is used again.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(raise_nofile anonymous_kb);

my $files = raise_nofile();
my $n = scaled(6000);

$n = int(($files - 200) / 2) * 2 if $n > $files - 200;
plan skip_all => "only $files files may be open" if $n < 200;

my $s = Holdfast->start(files => { 'www/a' => 'x' x 1024 }, conf => <<'E');
workers = 1;
limits = { connections = 100000; };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my ($worker) = $s->workers;
my $get = Holdfast::Client->request_text('GET', '/a');

# As many connections of each kind, each after one exchange.
sub crowd ($n) {
	my @http = map { $s->client('http') } 1 .. $n / 2;
	my @echo = map { $s->client('echo') } 1 .. $n / 2;

	$_->send($get) for @http;
	$_->send('hello') for @echo;
	my $good = grep { $_->response->status == 200 } @http;

	$good += grep { $_->read_bytes(5) eq 'hello' } @echo;
	return ($good, \@http, \@echo);
}

{
	# What comes once, whatever the number of connections.
	my ($good) = crowd(200);

	is $good, 200, 'a first crowd';
}
wait_until { $s->status->{connections} == 0 } 'it to be gone';

my $before = anonymous_kb($worker);
my ($good, $http, $echo) = crowd($n);

is $good, $n, "$n connections were served";
is $s->status->{connections}, $n, 'and are open';
my $each = (anonymous_kb($worker) - $before) * 1024 / $n;

SKIP: {
	skip 'memory of sanitizers is not the server\'s', 1
		if binary_has_sanitizers();
	# Under 256 bytes each, and tables that grow by doubling.
	cmp_ok $each, '<', 400, sprintf 'idle ones cost %.0f bytes each',
		$each;
}

# In an order of its own; the last was idle longest.
$good = 0;
for my $i (map { ($_ * 7919) % ($n / 2) } 1 .. 200) {
	$good++ if $http->[$i]->get('/a')->status == 200;
	$echo->[$i]->send('again');
	$good++ if $echo->[$i]->read_bytes(5) eq 'again';
}
is $good, 400, 'each works when it is used again';
is scalar(grep { $_->ended } @$http, @$echo), 0, 'none was closed';

# All leave at once.
$_->close for @$http, @$echo;
wait_until { $s->status->{connections} == 0 } 'all to be gone';
is $s->client('http')->get('/a')->status, 200, 'it serves on';

$s->finish;
done_testing;
