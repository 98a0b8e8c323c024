# SPDX-License-Identifier: BSD-2-Clause
#
# Masters of different releases: one that does not understand what the other
# says lets it be. The old one goes on serving, a new one ends with the reason.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl qw(F_DUPFD);
use Socket;
use Test::More;
use Holdfast;
use Holdfast::Upgraded;

# master/upgrade.c: struct upgrade_message.
my %type = (hello => 1, end => 3, ready => 5);

sub message ($version, $type, $text = '') {
	return pack 'LLQZ*', $version, $type{$type}, 0, $text;
}

my $conf = <<'E';
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
my $s = Holdfast::Upgraded->start(conf => $conf);
my @pids = ($s->master, $s->workers);
my $c = $s->client;

is $c->get('/')->body, 'ok', 'a client';

my $reason = qr/sent an unknown message/;

# [what the new master says, the bytes]
for my $case (
	['a later version', message(2, 'ready')],
	['no version', message(0, 'ready')],
	['half a message', substr(message(1, 'ready'), 0, 16)],
	['something else', 'x' x 100],
) {
	my ($name, $bytes) = @$case;

	subtest "a new master says: $name" => sub {
		my $hex = unpack 'H*', $bytes;

		# It stays: only what it said is wrong.
		$s->install(<<"E");
#!$^X
open my \$channel, '+<&=', \$ENV{HOLDFAST_UPGRADE} or die;
syswrite \$channel, pack 'H*', '$hex';
sleep 100;
E
		my ($exit, $out, $err) = $s->run('upgrade');

		is $exit, 1, 'the upgrade fails';
		like $err, $reason, 'and says why';
		is_deeply [$s->master, $s->workers], \@pids,
			'the same processes serve';
		is $c->get('/')->body, 'ok', 'the client noticed nothing';
		wait_until { $s->processes == @pids } 'the new one to end';
	};
}
$s->expect_log(qr/upgrade failed: .*$reason/);

subtest 'and then a good one' => sub {
	$s->install;
	is +($s->run('upgrade'))[0], 0, 'the upgrade succeeds';
	is $s->follow, 0, 'the old master ends well';
	is $c->get('/')->body, 'ok', 'the client noticed nothing';
};
$c->close;
$s->finish;

# [what the old master gives, the messages]
for my $case (
	['a later version', message(2, 'hello'), message(2, 'end')],
	['half a message', substr message(1, 'hello'), 0, 16],
	['nothing, and ends'],
) {
	my ($name, @messages) = @$case;

	subtest "an old master says: $name" => sub {
		socketpair(my $ours, my $theirs, AF_UNIX, SOCK_SEQPACKET, 0)
			or die "socketpair: $!";
		syswrite $ours, $_ for @messages;
		my $t = Holdfast->start(conf => $conf, unready => 1,
			before_exec => sub {
				$ENV{HOLDFAST_UPGRADE} =
					fcntl($theirs, F_DUPFD, 3) + 0;
			});

		close $theirs;
		shutdown $ours, 2 unless @messages;
		is $t->wait_end, 1, 'the new master ends';
		like $t->log_text, qr/cannot start: .*the old master/,
			'and says why';
		ok !-e $t->control_path, 'it has taken nothing';
		$t->expect_log(qr/cannot start: .*the old master/);
		$t->finish(exit => 1);
	};
}

done_testing;
