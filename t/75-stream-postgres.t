# SPDX-License-Identifier: BSD-2-Clause
#
# PostgreSQL through a stream, over TCP and a Unix socket: sessions of psql(1) that
# stay open, and keep their transaction, through 20 reloads and 3 upgrades.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Ordinary qw(ordinary ordinary_dir program_of free_port);
use Holdfast::Upgraded;

my @bin = reverse sort glob '/usr/lib/postgresql/*/bin';
my %program = map { $_ => program_of($_, @bin) } qw(postgres initdb psql);

plan skip_all => 'PostgreSQL is missing' if grep { !defined } values %program;

my $dir = ordinary_dir();
my $data = $dir->path('data');
my $port = free_port();
my ($exit, $out, $err) = Holdfast::Command->new([ordinary(), $program{initdb},
	'-D', $data, '-U', 'test', '-A', 'trust', '--no-sync'],
	env => { LC_ALL => 'C' }, dir => $dir->path)->wait;

is $exit, 0, 'initdb' or diag $err;

my $db = Holdfast::Command->new([ordinary(), $program{postgres}, '-D', $data,
	'-p', $port, '-k', $dir->path, '-c', 'listen_addresses=127.0.0.1',
	'-c', 'fsync=off'], env => { LC_ALL => 'C' }, dir => $dir->path);

wait_until { -e $dir->path(".s.PGSQL.$port") && $db->err =~ /ready to accept/ }
	'PostgreSQL';

sub conf ($n) {
	return <<"E";
workers = 2;
timeouts = { drain = "1s"; };
listeners = (
  { address = "127.0.0.1:%%PORT_tcp%%"; protocol = "stream"; upstream = "tcp"; },
  { address = "127.0.0.2:%%PORT_unix%%"; protocol = "stream"; upstream = "unix"; }
);
upstreams = (
  { name = "tcp"; servers = ( { address = "127.0.0.1:$port"; } );
    health = { type = "tcp"; }; },
  { name = "unix"; servers = ( { address = "unix:@{[$dir->path]}/.s.PGSQL.$port"; } );
    retries = $n; }
);
E
}
my $s = Holdfast::Upgraded->of(Holdfast->start(conf => conf(0)));

sub session ($to) {
	my ($host, $to_port) = split /:/, $s->address($to);

	return Holdfast::Command->new([$program{psql}, '-X', '-A', '-t', '-q',
		'-v', 'ON_ERROR_STOP=1', '-h', $host, '-p', $to_port, '-U', 'test',
		'postgres'], input => 'pipe', env => { PGSSLMODE => 'disable' });
}

my $count = 0;

# The answer to a query.
sub ask ($psql, $query) {
	my $mark = 'mark' . ++$count;

	$psql->write("$query\n\\echo $mark\n");
	my $answer;

	wait_until {
		die 'psql has ended: ' . $psql->err if $psql->ended;
		($answer) = $psql->out =~ /(?:mark\d+\n|\A)((?:(?!mark).*\n)*)$mark\n/;
		defined $answer;
	} "an answer to $query";
	chomp $answer;
	return $answer;
}

my %psql = map { $_ => session($_) } qw(tcp unix);

ask($psql{tcp}, 'CREATE TABLE kept (who text, n int);');
my (%pid, %xid);

for my $to (sort keys %psql) {
	ask($psql{$to}, 'BEGIN;');
	ask($psql{$to}, "INSERT INTO kept VALUES ('$to', 0);");
	$pid{$to} = ask($psql{$to}, 'SELECT pg_backend_pid();');
	$xid{$to} = ask($psql{$to}, 'SELECT txid_current();');
	like $pid{$to}, qr/^\d+$/, "$to: a session";
}

my @failed;

for my $n (1 .. 20) {
	$s->write_conf(conf($n));
	my ($status, $o, $e) = $s->run('reload');

	push @failed, "reload $n: $e" if $status ne '0';
	if ($n % 7 == 0) { # 7, 14, and the last one below
		($status, $o, $e) = $s->run('upgrade');
		push @failed, "upgrade $n: $e" if $status ne '0';
		push @failed, 'an old master' if $s->follow ne '0';
	}
	ask($psql{$_}, "INSERT INTO kept VALUES ('$_', $n);") for sort keys %psql;
}
($exit, $out, $err) = $s->run('upgrade');
push @failed, "the last upgrade: $err" if $exit ne '0';
push @failed, 'an old master' if $s->follow ne '0';
is_deeply \@failed, [], 'each reload and upgrade went well';

my $other = session('tcp');

is ask($other, 'SELECT count(*) FROM kept;'), 0, 'nothing is committed yet';
for my $to (sort keys %psql) {
	is ask($psql{$to}, 'SELECT pg_backend_pid();'), $pid{$to},
		"$to: the same session";
	is ask($psql{$to}, 'SELECT txid_current();'), $xid{$to},
		'in the same transaction';
	is ask($psql{$to}, 'SELECT length(repeat(chr(97), 5000000));'), 5_000_000;
	is length ask($psql{$to}, 'SELECT repeat(chr(98), 5000000);'), 5_000_000,
		'a large row';
	ask($psql{$to}, 'COMMIT;');
}
is ask($other, 'SELECT count(*), sum(n) FROM kept;'), '42|420', 'all is there';
for my $psql (values %psql, $other) {
	$psql->write("\\q\n");
	is +($psql->wait)[0], 0, 'a session ends well';
}
$s->wait_workers(2);
is $s->status->{totals}{handoff_damaged}, 0, 'no message was damaged';
kill 'INT', $db->pid;
$db->wait;
$s->finish;
done_testing;
