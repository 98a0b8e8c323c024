# SPDX-License-Identifier: BSD-2-Clause
#
# What has a name in the file system, the control socket, the pid file and a Unix
# listener, follows the configuration through reloads and upgrades: to other
# names, to none, and back. None of the old names is left, and none is missing.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Upgraded;
use Holdfast::Wait;

sub conf ($control, $pid, $listener) {
	my $pid_file = $pid ? qq[pid_file = "%%DIR%%/$pid";] : '';

	return <<"E";
workers = 1;
control = "@{[$control eq 'off' ? 'off' : "%%DIR%%/$control"]}";
$pid_file
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; },
	{ address = "unix:%%DIR%%/$listener"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E
}

my $s = Holdfast::Upgraded->of(Holdfast->start(conf => conf('a.c', 'a.p', 'a.l')));

sub names () {
	opendir my $dir, $s->dir->path or die $!;
	return join ' ', sort grep { /^\.?[ab]\.[cpl]/ } readdir $dir;
}

# Signals: verbs do not find a control socket that is no more.
sub pass_to ($signal, @names) {
	my $n = () = $s->logged(qr/generation \d+ serves/);

	$s->write_conf(conf(@names));
	$s->signal($signal);
	my $line = $s->wait_log(qr/generation \d+ serves/, $n + 1);

	is $s->follow($line->{pid}), 0, 'the old master ends' if $signal eq 'USR2';
	# The last thing that an old master does with a name.
	my $wanted = join ' ', sort grep { $_ && $_ ne 'off' } @names;

	eval { wait_until { names() eq $wanted } $wanted, 10 };
	is names(), $wanted, "$signal: @names";
	is $s->get('/')->body, 'served', 'it serves';
}

is names(), 'a.c a.l a.p', 'at the start';
for my $signal (qw(HUP USR2)) {
	pass_to($signal, qw(b.c b.p b.l));
	pass_to($signal, qw(off b.p b.l));
	pass_to($signal, 'off', '', 'a.l');
	pass_to($signal, qw(a.c a.p a.l));
}
$s->finish;
is names(), '', 'at the end';
done_testing;
