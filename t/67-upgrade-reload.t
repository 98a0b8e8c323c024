# SPDX-License-Identifier: BSD-2-Clause
#
# A reload that is asked for while an upgrade is under way: the file as it was
# when it was asked for is in effect afterwards, whether the upgrade succeeds
# or fails.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Upgraded;

sub conf ($name) {
	return <<"E";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "$name"; } ); } );
E
}

my $s = Holdfast::Upgraded->start(conf => conf('one'));
my $binary = Holdfast::binary();
my $go = $s->path('go');

# A new master that waits to be told: nothing of it is read before.
sub waiting ($then) {
	unlink $go;
	$s->install("#!/bin/sh\nuntil [ -e '$go' ]; do sleep 0.05; done\n$then\n");
}

sub while_upgrading ($then, $work) {
	waiting($then);
	my $upgrade = $s->command('upgrade');

	wait_until { $s->status->{state} eq 'upgrading' } 'it to begin';
	$work->();
	$s->dir->write('go', '');
	return $upgrade->wait;
}

subtest 'when the upgrade fails' => sub {
	$s->expect_log(qr/upgrade failed: /);
	my ($exit) = while_upgrading('exit 1', sub {
		$s->write_conf(conf('two'));
		$s->signal('HUP');
		is $s->get('/')->body, 'one', 'not yet';
	});

	is $exit, 1, 'it has failed';
	ok eval { wait_until { $s->get('/')->body eq 'two' } 'x' },
		'the old master reloads';
};

subtest 'when the upgrade succeeds' => sub {
	my ($exit) = while_upgrading(qq(exec "$binary" "\$@"), sub {
		$s->write_conf(conf('three'));
		$s->signal('HUP');
		is $s->get('/')->body, 'two', 'not yet';
	});

	is $exit, 0, 'it has succeeded';
	is $s->follow, 0, 'the old master ends well';
	# It may have read the file before that was changed, so it is told.
	my $new = $s->master;

	ok eval { $s->wait_log(qr/master\[$new\]: reloading /) },
		'the new master reloads';
	ok eval { wait_until { $s->get('/')->body eq 'three' } 'x' },
		'and serves with the new file';
	$s->allow_log(qr/reload failed: the server was upgraded meanwhile/);
};

$s->wait_workers(2);
$s->finish;
done_testing;
