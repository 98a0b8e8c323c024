# SPDX-License-Identifier: BSD-2-Clause
#
# Listeners that a reload adds, removes, changes.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Silent;

my $one = one_listener();
my $both = two_listeners('{ address = "unix:%%DIR%%/s.sock"; }');
my $s = Holdfast->start(conf => $one);
my $first = $s->address('one');

sub body ($address) {
	return Holdfast::Client->new($address)->get('/')->body;
}

$s->reload($both);
my $second = $s->address('two');
my $unix = 'unix:' . $s->path('s.sock');

is $s->address('one'), $first, 'the old listener keeps its port';
is body($_), 'ok', "$_ serves" for $first, $second, $unix;
is_deeply [sort map { $_->{address} } $s->status->{listeners}->@*],
	[sort $first, $second, $unix], 'status has all three';

# Removed, with somebody in the middle of something, somebody idle, and
# somebody who is connected but not accepted yet: none is cut.
my $half = Holdfast::Client->new($second);
my $idle = Holdfast::Client->new($second);

$half->send("GET / HTTP/1.1\r\nHost: ");
$idle->get('/');
my @workers = $s->workers;

Holdfast::Proc::stop_process(@workers);
# More than a worker accepts in one tick.
my @queued = silent($second, 400);

$_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @queued;
$s->write_conf($one);
my $reload = $s->command('reload');

# The new generation can be ready without them; then they go on.
$s->wait_log(qr/generation 3 serves/);
Holdfast::Proc::continue_process(@workers);
is(($reload->wait)[0], 0, 'the reload succeeds');

my $answered = grep { eval { $_->response->body eq 'ok' } } @queued;

is $answered, 400, 'who was in the accept queue is served';
$half->send("a\r\n\r\n");
is $half->response->body, 'ok', 'who was in the middle is served';
ok $half->at_end, 'and then the connection ends';
my $last = $idle->get('/');

is $last->body, 'ok', 'who was idle is served once more';
ok $last->closes && $idle->at_end, 'and then that connection ends too';
wait_until { !Holdfast::Client->try($second) } 'the address to be closed';
pass 'the address is closed';
ok !-e $s->path('s.sock'), 'and so is the Unix socket';
is body($first), 'ok', 'the other one serves';
is_deeply [map { $_->{address} } $s->status->{listeners}->@*], [$first],
	'status has one';

# Back, on a port of its own again; then another protocol on it.
$s->reload($both);
is body($s->address('two')), 'ok', 'added again';
my $again = $s->address('two');

$s->reload($both =~ s/(PORT_two%%";)/$1 protocol = "echo";/r);
is $s->address('two'), $again, 'the same port with another protocol';
my $echo = Holdfast::Client->new($again);

$echo->send('hello');
is $echo->read_bytes(5), 'hello', 'which is spoken there now';
$echo->close;

$s->finish;
done_testing;
