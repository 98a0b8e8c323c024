# SPDX-License-Identifier: BSD-2-Clause
#
# What a client has to take, and the time that it has for that, go along when
# its connection moves: one that takes nothing is closed as soon as without a
# move, however often it moves, and one that takes enough is not.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;

my $content = join '', map { sprintf "%07d\n", $_ } 0 .. 249_999;
my $seconds = 2 * slow();

sub conf ($n) {
	return <<"EOF_CONF";
workers = 1;
log = { access = "%%DIR%%/access.log"; format = "\${header.x-case} \${bytes}"; };
timeouts = { send = "${seconds}s"; };
limits = { rate = 20000; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/f/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/g$n"; handler = "respond"; body = "g"; } ); } );
EOF_CONF
}

my $s = Holdfast->start(conf => conf(0), files => { 'www/f' => $content });
my ($lazy, $steady) = map { $s->client(undef, rcvbuf => 2048, mss => 536) } 1 .. 2;
my $begun = now();

$lazy->send(Holdfast::Client->request_text('GET', '/f/f', ['X-Case' => 'lazy']));
$steady->send(Holdfast::Client->request_text('GET', '/f/f',
	['X-Case' => 'steady', Connection => 'close']));

sub is_over () {
	return ($s->dir->read('access.log') // '') =~ /^lazy /m;
}

my $got = '';

for (my $n = 1; now() < $begun + 3 * $seconds; $n++) {
	$s->reload(conf($n));
	# 40,000 bytes a second, at least.
	while (length $got < (now() - $begun) * 40_000) {
		$got .= $steady->read_bytes(2000);
	}
	last if is_over();
	sleep 0.1;
}
my $took = now() - $begun;

ok is_over(), 'one that takes nothing is closed, however often it moves';
cmp_ok $took, '<', 2 * $seconds, 'when its time is over';
cmp_ok $took, '>=', $seconds, 'and not before';
is scalar($s->logged(qr/it took too little of a response/)), 1,
	'the log says why';
$got .= $steady->read_bytes(length($content) + 1000 - length $got) until
	$steady->has_ended;
ok $got =~ s/\A.*?\r\n\r\n//s && $got eq $content,
	'one that takes enough gets all of it';
$steady->close;
$lazy->close;
$s->wait_workers(1);
$s->finish;
done_testing;
