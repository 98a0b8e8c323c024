# SPDX-License-Identifier: BSD-2-Clause
#
# What cannot move because there is more of it than limits.move_file is served
# to its end by the worker that has it, however long that takes: timeouts.drain
# is not for it. The server may end meanwhile, and then it is.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Moves qw(inflated moves_conf moves_files moves_rows moves_text);
use Holdfast::Proc qw(alive);

my $drain = 'timeouts = { drain = "200ms"; };';
my %conf = (limits => 'move_file = "100k";', more => $drain);
my $files = moves_files();
my $s = Holdfast->start(conf => moves_conf(%conf), files => {
	map { $_ => $files->{$_} } grep { !/^list/ } keys $files->%*
}, prepare => sub ($dir) { $dir->mkdir('list') });
my %rows = map { $_->[0] => $_ } moves_rows();
my @large = ('memory', 'a file that is compressed');

# A client in the middle of a response, of this case.
sub begin ($name) {
	my $c = $s->client(undef, rcvbuf => 2048, mss => 536);

	$c->send(Holdfast::Client->request_text($rows{$name}[1]->@*));
	$c->more;
	return $c;
}

my @old = $s->workers;
my %client = map { $_ => begin($_) } @large, 'a file';

$s->reload(moves_conf(%conf, routes => 0));
$s->wait_log(
	qr/: \d+ connections are served to their end here: \d over limits\.move_file/);
# The master would have ended a worker that drains and says nothing.
sleep 0.2 + 5.5;
cmp_ok scalar(grep { alive($_) } @old), '>=', 1,
	'who has it is there long after timeouts.drain';
for my $name (sort keys %client) {
	my $row = $rows{$name};
	my $r = eval { $client{$name}->response };

	ok $r && $row->[2]->($r) eq $row->[3], "it arrives whole: $name";
	is $client{$name}->get('/get?x=2')->body, 'got 2',
		'and its connection goes on';
}
ok eval { wait_until { !grep { alive($_) } @old } 'x' },
	'then the old workers go';
$_->close for values %client;

subtest 'when the server ends, timeouts.drain is for all' => sub {
	$s->reload(moves_conf(%conf));
	@old = $s->workers;
	my $c = begin('memory');
	my $before = $s->logged(qr/served to their end here/);

	$s->reload;
	wait_until { $s->logged(qr/served to their end here/) > $before }
		'the old worker to go on';
	$s->expect_log(qr/1 connections? (?:was|were) cut/);
	is +($s->run('quit'))[0], 0, 'it ends';
	$s->wait_end;
	my ($line) = $s->logged(qr/: cut: /);
	my $port = $c->local_port;

	is $line->{text}, "127.0.0.1:$port: cut: POST /memory: it waited for " .
		'the client to take the response', 'and says who was cut, and why';
};

$s->finish;
done_testing;
