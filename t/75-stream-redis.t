# SPDX-License-Identifier: BSD-2-Clause
#
# Redis through a stream: subscribers lose no message, and publishers no
# connection, through reloads and upgrades.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Background;
use Holdfast::Ordinary qw(ordinary ordinary_dir program_of free_port);
use Holdfast::Upgraded;

my $redis = program_of('redis-server');

plan skip_all => 'redis-server is missing' if !defined $redis;

my $dir = ordinary_dir();
my $port = free_port();
my $db = Holdfast::Command->new([ordinary(), $redis, '--bind', '127.0.0.1',
	'--port', $port, '--dir', $dir->path, '--save', '', '--appendonly', 'no'],
	dir => $dir->path);

wait_until { $db->out =~ /Ready to accept/ } 'Redis';

sub conf ($n) {
	return <<"E";
workers = 2;
timeouts = { drain = "1s"; };
listeners = ( { address = "127.0.0.1:%%PORT_redis%%"; protocol = "stream"; upstream = "redis"; } );
upstreams = ( { name = "redis"; servers = ( { address = "127.0.0.1:$port"; } );
  retries = $n; } );
E
}
my $s = Holdfast::Upgraded->of(Holdfast->start(conf => conf(0)));
my @subscribers = map { $s->client } 1 .. 10;

for my $c (@subscribers) {
	$c->send("SUBSCRIBE news\r\n");
	is $c->read_until("\r\n:1\r\n"), "*3\r\n\$9\r\nsubscribe\r\n\$4\r\nnews\r\n:1\r\n",
		'a subscriber';
}
my $publisher = $s->client;
my $publishing = Holdfast::Background->new(sub ($stopping) {
	my $n = 0;

	until ($stopping->()) {
		my $text = sprintf '%08d', ++$n;

		$publisher->send("PUBLISH news $text\r\n");
		my $got = $publisher->read_until("\r\n");

		return { n => $n, fault => $got } if $got ne ":10\r\n";
		sleep 0.002;
	}
	return { n => $n };
}, keep => [$publisher->socket]);

my @failed;

for my $n (1 .. 12) {
	$s->write_conf(conf($n));
	my ($exit, $out, $err) = $s->run('reload');

	push @failed, "reload $n: $err" if $exit ne '0';
	next if $n % 4;
	($exit, $out, $err) = $s->run('upgrade');
	push @failed, "upgrade $n: $err" if $exit ne '0';
	push @failed, 'an old master' if $s->follow ne '0';
}
$publishing->stop;
my $published = $publishing->finished;

is_deeply \@failed, [], 'each reload and upgrade went well';
is $published->{fault}, undef, "$published->{n} messages, each to all subscribers";
cmp_ok $published->{n}, '>', 50, 'there were some';
my $wanted = join '', map { sprintf "*3\r\n\$7\r\nmessage\r\n\$4\r\nnews\r\n\$8\r\n%08d\r\n", $_ }
	1 .. $published->{n};

ok $_->read_bytes(length $wanted) eq $wanted, 'every message, in order'
	for @subscribers;
$s->wait_workers(2);
is $s->status->{totals}{handoff_damaged}, 0, 'no message was damaged';
$_->close for @subscribers, $publisher;
kill 'TERM', $db->pid;
$db->wait;
$s->finish;
done_testing;
