# SPDX-License-Identifier: BSD-2-Clause
#
# A response of any kind moves in the middle: twice, into configurations that
# no longer have its route. Every byte is right, the old workers are gone long
# before its end, it has one line in the access log, which says what it would
# say without that, and its connection goes on.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Moves qw(moves_conf moves_files moves_rows moves_lines);
use Holdfast::Proc qw(alive);

my $s = Holdfast->start(conf => moves_conf(), files => moves_files());
my ($requests, %lines) = (0);

sub request_of ($row, $case, %opt) {
	my ($method, $target, $fields, $body) = $row->[1]->@*;
	my $text = Holdfast::Client->request_text($method, $target, ['X-Case' =>
		$case, 'X-Request-Id' => 'id-7', Referer => 'http://r/',
		'User-Agent' => 'moves/1', Cookie => 'b=1; c=cookie',
		$fields->@*], $body);

	$requests++;
	return $opt{old} ? $text =~ s{ HTTP/1\.1\r}{ HTTP/1.0\r}r : $text;
}

sub lines_of ($case) {
	my $text = $s->dir->read('access.log') // '';

	return moves_lines($text, $case);
}

sub move ($more) {
	my @old = $s->workers;

	$s->reload(moves_conf(routes => 0, more => $more));
	$s->wait_workers(2);
	return !grep { alive($_) } @old;
}

# The response, and the client that has it.
sub moved ($row, $case, %opt) {
	my $c = $s->client(undef, rcvbuf => 2048, mss => 536);

	$c->send(request_of($row, $case, %opt));
	$c->more;
	ok move('timeouts = { drain = "1h"; };'),
		'the workers that began it are gone';
	$c->more for 1 .. 3;
	ok move(''), 'and those after them';
	is scalar(lines_of($case)), 0, 'it is still in the middle';
	my $response = eval { $c->response($row->[1][0]) };

	is $@, '', 'it arrives whole';
	return ($response, $c);
}

sub check ($row, $case, $response, $wanted) {
	# Not is(): it would print megabytes.
	ok $response && $row->[2]->($response) eq $wanted, 'every byte is right';
	wait_until { scalar lines_of($case) } 'the line in the access log';
	my @lines = lines_of($case);

	is scalar(@lines), 1, 'it has one line in the access log';
	$lines[0][0] =~ s/boundary=\w+/boundary=/; # never the same
	return $lines[0];
}

for my $row (moves_rows()) {
	my $name = $row->[0];

	subtest $name => sub {
		$s->reload(moves_conf());
		my $plain = $s->client;

		$plain->send(request_of($row, "$name, at rest"));
		my $at_rest = $plain->response($row->[1][0]);
		my $wanted = $row->[3] // $row->[2]->($at_rest);
		my $before = check($row, "$name, at rest", $at_rest, $wanted);

		$plain->close;
		my ($response, $c) = moved($row, $name);
		my $line = check($row, $name, $response, $wanted);

		is $line->[0], $before->[0], 'which says the same as without a move';
		my ($bytes, $usual) = map { $_->[1]{bytes} } $line, $before;

		# For a move it is compressed in a hurry.
		$usual = $bytes if $name =~ /compressed/ && $bytes > $usual &&
			$bytes < 2 * $usual;
		is $bytes, $usual, 'and as many bytes,';
		is $line->[1]{remote_port}, $c->local_port, 'of this client,';
		my $sum = 0;

		$sum += $line->[1]{"time.$_"} for qw(head answer send);
		ok abs($sum - $line->[1]{'time.total'}) < 0.0001,
			'and times from its first byte on';
		is $c->get('/get?x=1')->body, 'got 1', 'the connection goes on';
		$requests++;
		$c->close;
	};
}

# What ends with the connection, and not before.
subtest 'compressed, for HTTP/1.0' => sub {
	my ($row) = grep { $_->[0] eq 'a file that is compressed' } moves_rows();

	$s->reload(moves_conf());
	my ($response, $c) = moved($row, 'old', old => 1);

	check($row, 'old', $response, $row->[3]);
	ok !$c->was_reset, 'it ends well';
};

wait_until { $s->status->{connections} == 0 } 'all to be gone';
my $status = $s->status;

is $status->{totals}{requests}, $requests, 'each request counts once';
is $status->{totals}{accepted}, $status->{totals}{closed},
	'and so does each connection';
is $status->{totals}{respawns}, 0, 'no worker died';
$s->finish;
done_testing;
