# SPDX-License-Identifier: BSD-2-Clause
#
# "systemctl start" returns when the service serves: on low ports, as another
# user, behind all the walls of the unit.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use Test::More;
use Holdfast::Proc qw(proc_uids);
use Holdfast::Systemd;
use Holdfast::Wait;

my $systemd = Holdfast::Systemd->boot(
	conf => <<'CONF', files => { 'www/index.html' => "<p>hello\n" });
workers = 2;
log = { access = "/var/log/holdfast/access.log"; };
listeners = (
	{ address = "127.0.0.1:80"; },
	{ address = "unix:/run/holdfast/web.sock"; },
	{ address = "127.0.0.1:7"; protocol = "echo"; }
);
sites = ( { routes = (
	{ path = "/"; handler = "static"; root = "../../www"; }
); } );
CONF

is $systemd->systemctl('start', 'holdfast'), 0, 'starts';
is $systemd->get('/')->body, "<p>hello\n", 'and serves at once';
is $systemd->property('ActiveState'), 'active', 'active';
like $systemd->property('StatusText'), qr/generation 1/,
	'the status says what serves';

my @workers = $systemd->workers;
my $user = getpwnam 'www-data';

is scalar @workers, 2, 'two workers';
for my $pid (@workers) {
	my ($uids) = proc_uids($pid);
	open my $status, '<', "/proc/$pid/status" or die "$pid: $!";
	my %field = map { /^(\w+):\s*(.*)/ } readline $status;

	is_deeply $uids, [($user) x 4], "worker $pid is www-data";
	is hex $field{CapPrm}, 0, 'without capabilities';
	is $field{NoNewPrivs}, 1, 'and without a way to new ones';
	is $field{Seccomp}, 2, 'with its system calls filtered';
}

my $echo = $systemd->client(7);
$echo->send("back\n");
is $echo->read_bytes(5), "back\n", 'echo on a low port';

my $web = Holdfast::Client->new('unix:'
	. "/proc/$systemd->{init}/root/run/holdfast/web.sock");
is $web->get('/')->body, "<p>hello\n", 'a Unix socket in /run/holdfast';

ok wait_until {
	my (undef, $text) =
		$systemd->run('cat', '/var/log/holdfast/access.log');
	$text =~ m{GET / };
} 'a line in the access log, in /var/log/holdfast';

my @serves = $systemd->journal('PRIORITY=6', '-g', 'generation 1 serves');
is scalar @serves, 1, 'the journal has lines with their level';
unlike "@serves", qr/^\d{4}-/, 'and without a time of our own';

my ($exit, $json) = $systemd->holdfast('status', '--json');
is $exit, 0, 'holdfast status finds the service';
is_deeply [grep { $_->{rss_kib} == 0 } decode_json($json)->{workers}->@*], [],
	'which sees its workers in /proc';

$systemd->finish;
done_testing;
