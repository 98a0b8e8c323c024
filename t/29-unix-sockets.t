# SPDX-License-Identifier: BSD-2-Clause
#
# The files of Unix sockets, those of listeners and of the control socket: who
# owns them, that they come back when they were deleted, that no other server's
# is removed, and that none is left.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use IO::Socket::UNIX;
use Holdfast;
use Holdfast::Command;
use Holdfast::Upgraded;
use Holdfast::Wait;

my $conf = <<'E';
workers = 1;
control = { path = "%%CONTROL%%"; mode = "%%CMODE%%"; group = "%%GROUP%%"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; }%%LISTENER%% );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E
my $is_root = $> == 0;
my $group = $is_root ? 12345 : (split ' ', $))[0];
my $owner = $is_root ? 12346 : $>;
my $listener = qq[, { address = "unix:%%DIR%%/l.sock"; mode = "%%MODE%%"; ]
	. qq[owner = "$owner"; group = "$group"; }];

sub with ($mode, $cmode = '0600') {
	my $text = $conf;

	$text =~ s/%%LISTENER%%/$mode ? $listener : ''/e;
	$text =~ s/%%MODE%%/$mode/;
	$text =~ s/%%CMODE%%/$cmode/;
	$text =~ s/%%GROUP%%/$group/;
	$text =~ s/%%CONTROL%%/%%DIR%%\/c.sock/;
	return $text;
}

my $s = Holdfast::Upgraded->of(Holdfast->start(conf => with('0660')));
my $file = $s->path('l.sock');
my $control = $s->path('c.sock');

sub is_file ($path, $mode, $name) {
	my @st = stat $path;

	is $st[2] & 07777, $mode, "$name: mode";
	is $st[5], $group, "$name: group";
	is $st[4], $path eq $file ? $owner : $>, "$name: owner";
}

sub answers () {
	my $c = eval { Holdfast::Client->new("unix:$file") } or return 'nothing';

	return eval { $c->get('/')->body } // 'nothing';
}

is_file($file, 0660, 'a listener');
is_file($control, 0600, 'the control socket');
is answers(), 'served', 'it serves';
$s->reload(with('0600', '0660'));
is_file($file, 0600, 'a reload, a listener');
is_file($control, 0660, 'a reload, the control socket');
$s->reload(with('0666'));
is_file($file, 0666, 'back, a listener');

subtest 'deleted files come back' => sub {
	unlink $file, $control;
	# Whoever deleted the control socket has only signals left.
	$s->signal('HUP');
	$s->wait_log(qr/generation \d+ serves/, 4);
	ok -S $file && -S $control, 'by a reload';
	is answers(), 'served', 'the listener serves';
	is_file($file, 0666, 'a listener');
	is +($s->run('status'))[0], 0, 'the control socket answers';
	is +($s->run('reload'))[0], 0, 'a reload';
	is answers(), 'served', 'changes nothing';
};

subtest 'with their folder' => sub {
	mkdir $s->path('run') or die $!;
	chmod 0755, $s->dir->path, $s->path('run');
	my $there = with('0666') =~ s{%%DIR%%/(?=[lc]\.sock)}{%%DIR%%/run/}gr;
	my @sockets = map { $s->path("run/$_.sock") } qw(l c);
	# The control socket of before is where verbs do not look any more.
	my $hup = sub ($text) {
		my $n = () = $s->logged(qr/generation \d+ serves/);

		$s->write_conf($text);
		$s->signal('HUP');
		$s->wait_log(qr/generation \d+ serves/, $n + 1);
	};

	$hup->($there);
	is scalar(grep { -S } @sockets), 2, 'they are there';
	unlink @sockets;
	rmdir $s->path('run') or die $!;
	$s->signal('HUP');
	$s->expect_log(qr/reload failed: .*run/, qr{/run: No such file});
	$s->wait_log(qr/reload failed: .*run/);
	mkdir $s->path('run') or die $!;
	chmod 0755, $s->path('run');
	$hup->($there);
	is scalar(grep { -S } @sockets), 2, 'they come back';
	is +($s->run('status'))[0], 0, 'the control socket answers';
	$hup->(with('0666'));
	is scalar(grep { -e } @sockets), 0, 'and none is left';
};

subtest 'ids that are none' => sub {
	for my $number (qw(4294967295 4294967296 99999999999999999999)) {
		for my $setting ('owner', 'group') {
			$s->write_conf(with('0666') =~
				s/(?<=l.sock"; )(.*)$setting = "[^"]*"/$1$setting = "$number"/r);
			my ($exit, $out, $err) = $s->run('reload');

			is $exit, 1, "$setting $number: the reload fails";
			like $err, qr/$setting: there is no \w+ "$number"/, 'and says why';
			$s->expect_log(qr/there is no \w+ "$number"/);
		}
	}
	is_file($file, 0666, 'a listener, still');
	$s->write_conf(with('0666'));
};

subtest 'upgrades' => sub {
	is +($s->run('upgrade'))[0], 0, 'an upgrade';
	is $s->follow, 0, 'goes well';
	is answers(), 'served', 'the listener is the same';
	is_file($file, 0666, 'a listener');
	$s->write_conf(with(''));
	is +($s->run('upgrade'))[0], 0, 'an upgrade without the listener';
	is $s->follow, 0, 'goes well';
	ok !-e $file, 'its file is gone';
	is_deeply [glob "$control*"], [$control], 'no other name is left';
};

SKIP: {
	skip 'other users need root', 1 unless $is_root;
	subtest 'who may ask' => sub {
		chmod 0755, $s->dir->path;
		$s->reload(with('', '0660'));
		my $as = sub ($gid, @verb) {
			return Holdfast::Command->new(['setpriv', '--reuid',
				'65534', '--regid', $gid, '--clear-groups',
				Holdfast::binary(), '--control', $control,
				@verb])->wait;
		};

		is +($as->($group, 'status'))[0], 0, 'the group may look';
		for my $verb (qw(reload reopen upgrade quit stop)) {
			my ($exit, $out, $err) = $as->($group, $verb);

			is $exit, 1, "but not $verb";
			like $err, qr/refused: only root/, 'and is told so';
		}
		is +($as->(65534, 'status'))[0], 1, 'others may not look';
		is $s->status->{state}, 'serving', 'nothing has happened';
	};
}

subtest 'another server\'s socket is left alone' => sub {
	$s->reload(with('0600'));
	for my $path ($file, $control) {
		unlink $path;
		IO::Socket::UNIX->new(Local => $path, Listen => 1) or die $!;
	}
	my @inodes = map { (lstat)[1] } $file, $control;

	$s->signal('TERM');
	$s->wait_end;
	is_deeply [map { (lstat)[1] } $file, $control], \@inodes, 'at the end';
	unlink $file, $control;
};
$s->finish;

subtest 'no control socket' => sub {
	my $t = Holdfast->start(conf => <<'E');
control = "off";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E
	# None in its folder, nor one of the name "off".
	my @paths = ($t->dir->path . '/*', 'off');

	is $t->get('/')->body, 'served', 'it serves';
	is_deeply [grep { -S } map { glob } @paths], [], 'without a socket';
	my ($exit, $out, $err) = $t->run('status');

	is $exit, 1, 'a verb fails';
	like $err, qr/control/, 'and says why';
	$t->signal('HUP');
	$t->wait_log(qr/generation \d+ serves/, 2);
	is_deeply [grep { -S } map { glob } @paths], [], 'a reload makes none';
	$t->finish;
};

subtest 'a start waits for an old worker that is about to end' => sub {
	my $dir = Holdfast::Dir->new;
	my $path = $dir->path('busy.sock');
	my $busy = IO::Socket::UNIX->new(Local => $path, Listen => 1) or die $!;
	my $pid = fork // die $!;

	if ($pid == 0) {
		select undef, undef, undef, 0.7;
		POSIX::_exit(0);
	}
	close $busy;
	my $t = eval { Holdfast->start(dir => $dir, conf => <<"E") };
listeners = ( { address = "unix:$path"; protocol = "echo"; } );
E

	ok $t, 'it starts' or diag $@;
	waitpid $pid, 0;
	if ($t) {
		ok -S $path, 'with its socket';
		$t->finish;
	}
};
done_testing;
