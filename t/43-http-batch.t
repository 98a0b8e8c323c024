# SPDX-License-Identifier: BSD-2-Clause
#
# Connections that have something to do at the same time are served together:
# all are read from, all are answered, all are written to. What happens to one
# of them in the meantime is no matter for the others.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler build_module);
use Holdfast::Proc qw(stop_process continue_process);

plan skip_all => 'no C compiler here' unless has_compiler();

my $s = Holdfast->start(prepare => sub ($dir) {
	build_module($dir->path('batch.so'), 'batch');
}, conf => <<"E");
workers = 1;
log = { access = "%%DIR%%/access.log"; };
timeouts = { keepalive = "3s"; header = "3s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/m"; handler = "module"; module = "./batch.so"; },
  { path = "/"; handler = "respond"; body = "@{['x' x 4000]}"; } ); } );
E
my ($worker) = $s->workers;
my $get = Holdfast::Client->request_text('GET', '/m');
my $head = Holdfast::Client->request_text('HEAD', '/m');
my $slow = Holdfast::Client->request_text('GET', '/m/slow');
my $long = Holdfast::Client->request_text('GET', '/');

# What is done in there, the worker finds at once.
sub at_once ($do) {
	stop_process($worker);
	$do->();
	continue_process($worker);
}

# Of `$n` connections that have been idle.
sub idle ($n) {
	my @clients = map { $s->client } 1 .. $n;

	$_->get('/') for @clients;
	return @clients;
}

subtest 'one that breaks off ends the response of another' => sub {
	my ($first, $other, @more) = idle(20);

	at_once(sub {
		$first->send($get);
		$other->send($head);
		$_->send($long) for @more;
		$first->reset;
	});
	is $other->response('HEAD')->status, 200, 'the other is answered';
	is scalar(grep { length $_->response->body == 4000 } @more), 18,
		'and so is everyone else';
	$_->close for $other, @more;
};

subtest 'a time-out that is due while answers wait for others' => sub {
	my ($first, $other) = idle(2);

	at_once(sub {
		$first->send($slow);
		$other->send($long x 24);
	});
	is $first->response->body, "ok\n", 'a slow one';
	is scalar(grep { length $other->response->body == 4000 } 1 .. 24), 24,
		'a pipeline that takes many writes is answered whole';
	$_->close for $first, $other;
};

# Who asks for much at once has one turn like everyone else. The access log has
# the answers in their order.
subtest 'a pipeline does not go before others' => sub {
	my ($greedy, @others) = idle(120);
	my $much = Holdfast::Client->request_text('GET', '/greedy');

	at_once(sub {
		$greedy->send($much x 64);
		$_->send(Holdfast::Client->request_text('GET', '/other'))
			for @others;
	});
	is scalar(grep { length $_->response->body == 4000 } @others), 119,
		'everyone is answered';
	is scalar(grep { length $greedy->response->body == 4000 } 1 .. 64), 64,
		'and so is the pipeline';
	my $lines = wait_until {
		my @lines = grep { /greedy|other/ }
			split /\n/, $s->dir->read('access.log') // '';

		@lines == 119 + 64 ? \@lines : undef;
	} 'all of them to be logged';
	my $before = 0;

	for my $line ($lines->@*) {
		$before++ if $line =~ /greedy/;
		last if $line =~ /other/ && ++(state $n) == 119;
	}
	cmp_ok $before, '<', 32, "$before of 64 before the last of the others";
	$_->close for $greedy, @others;
};

is_deeply [$s->workers], [$worker], 'it is the same worker';
$s->finish;
done_testing;
