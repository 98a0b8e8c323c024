# SPDX-License-Identifier: BSD-2-Clause
#
# limits.temp: the files of bodies have a limit together, of all workers.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $s = Holdfast->start(prepare => sub ($dir) {
	$dir->mkdir('temp');
	chmod 01777, $dir->path('temp') or die $!;
}, conf => <<'E');
workers = 2;
temp = "%%DIR%%/temp";
limits = { temp = "300k"; body = "1m"; body_memory = "4k"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "${form_size.a}"; } ); } );
E
my @head = ('POST / HTTP/1.1', 'Host: a',
	'Content-Type: application/x-www-form-urlencoded');

sub head ($n) {
	return join("\r\n", @head, 'Content-Length: ' . ($n + 2), '', 'a=');
}

# A body's room is free when its exchange is over, which may be a moment after
# its response has come: it is before the next one on the same connection.
sub is_over ($c) {
	$c->get('/');
	return;
}

sub upload ($n, $chunked = 0) {
	my $c = $s->client;

	$c->send($chunked ? join("\r\n", @head, 'Transfer-Encoding: chunked', '',
			sprintf('%x', $n + 2), 'a=' . 'x' x $n, '0', '', '')
		: head($n) . 'x' x $n);
	my $r = $c->response;

	is_over($c) if $r->status == 200;
	$c->close;
	return $r->status == 200 ? $r->body : $r->status;
}

# Bodies that are coming, one at each worker, once their files have what was
# sent: room is for those who come first.
sub begin_two () {
	my @held = map { $s->client_of($_, '/') } $s->workers;

	$_->send(head(100_000) . 'x' x 99_000) for @held;
	wait_until {
		my $bytes = 0;

		for my $file (map { glob "/proc/$_/fd/*" } $s->workers) {
			$bytes += -s $file // 0
				if (readlink $file // '') =~ m{/temp/};
		}
		$bytes == 2 * (99_000 + length 'a=');
	} 'two bodies to come';
	return @held;
}

is upload(200_000), 200_000, 'one that has room';
is upload(400_000), 507, 'one that is too large alone';
is upload(200_000), 200_000, 'whose room is free again';

my @held = begin_two();

for my $chunked (0, 1) {
	is upload(150_000, $chunked), 507,
		'two that are coming, at two workers, leave no room for another';
}
is upload(3_000), 3_000, 'but for one that stays in memory';
is upload(50_000), 50_000, 'and for one that is small enough';
$_->send('x' x 1_000) for @held;
is $_->response->body, 100_000, 'they have room until their ends' for @held;
is_over($_) for @held;
is upload(200_000), 200_000, 'and then it is free';

@held = begin_two();
is upload(150_000), 507, 'there is none again';

# Load may have moved one: then one worker holds both.
my ($worker) = map { $_->{pid} }
	sort { $b->{connections} <=> $a->{connections} } $s->worker_rows;

$s->allow_log(qr/workers are dying at startup/);
$s->kill_worker($worker);
wait_until { upload(150_000) eq '150000' } 'that of a worker that died is free';
$_->close for @held;
like $s->log_text, qr/answered with 507: files of bodies are at limits\.temp/,
	'the log says why';
$s->finish;
done_testing;
