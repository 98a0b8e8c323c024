# SPDX-License-Identifier: BSD-2-Clause
#
# A server that quits lets in the clients that have connected and said nothing
# yet, and that the kernel has held back so far: none is reset. Where there are
# none, it does not wait for them.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Silent;

sub start () {
	return Holdfast->start(conf => <<'E');
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }
);
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
}

sub echo_answers (@clients) {
	$_->send('hello') for @clients;
	return scalar grep { eval { $_->read_bytes(5) eq 'hello' } } @clients;
}

subtest 'clients that say nothing yet' => sub {
	my $s = start();
	my @http = map { $s->client('http') } 1 .. 50;
	my @echo = map { $s->client('echo') } 1 .. 50;

	cmp_ok $s->status->{totals}{accepted}, '<', 100, 'the kernel holds them back';
	my $quit = $s->command('quit');

	wait_until { $s->status->{state} eq 'lingering' } 'the end to begin';
	is answered(@http[0 .. 24]), 25, 'those who speak now are served';
	is echo_answers(@echo[0 .. 24]), 25, 'by every protocol';
	wait_until { $s->status->{totals}{accepted} >= 100 }
		'the silent ones to be let in';
	is answered(@http[25 .. 49]), 25, 'and those who speak later';
	is echo_answers(@echo[25 .. 49]), 25, 'by every protocol';
	is(($quit->wait)[0], 0, 'quit succeeds');
	is $s->wait_end, 0, 'holdfast ends with status 0';
	is scalar(grep { $_->at_end && !$_->was_reset } @http, @echo), 100,
		'nobody was reset';
	$s->finish;
};

subtest 'nobody is held back' => sub {
	my $s = start();
	my @clients = map { $s->client('http') } 1 .. 10;

	is answered(@clients), 10, 'all have spoken';
	$s->run('quit');
	is $s->wait_end, 0, 'holdfast ends';
	ok !$s->logged(qr/quitting in/), 'without waiting for anybody';
	$s->finish;
};

done_testing;
