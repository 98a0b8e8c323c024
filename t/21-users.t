# SPDX-License-Identifier: BSD-2-Clause
#
# Users and groups are looked up once for a generation, beside the master and
# within a bound: a name service that hangs costs a reload, and nothing else.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Dir;
use Holdfast::Module qw(has_compiler);
use Holdfast::Wait;
use Time::HiRes qw(time);

my $conf = <<'E';
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E

subtest 'a user that does not exist' => sub {
	plan skip_all => 'needs root' if $> != 0;
	my $dir = Holdfast::Dir->new;
	my $path = $dir->write('a.conf', <<"E");
control = "$dir->{path}/c.sock";

user = "no-such-user-here";
listeners = ( { address = "127.0.0.1:0"; protocol = "echo"; } );
E

	for my $verb (qw(check run)) {
		my ($exit, $out, $err) = Holdfast::Command->new(
			[Holdfast::binary(), '-c', $path, $verb])->wait;

		is $exit, 1, "$verb fails";
		like $err, qr/\Q$path\E:3: user: there is no user "no-such-user-here"/,
			'with the place';
	}
};

subtest 'a name service that hangs' => sub {
	plan skip_all => 'needs root' if $> != 0;
	plan skip_all => 'needs a C compiler' unless has_compiler();
	plan skip_all => 'not with sanitizers' if Holdfast::binary_has_sanitizers();
	my $dir = Holdfast::Dir->new;
	my $cc = $ENV{CC} || 'cc';
	my $hang = $dir->path('hang');

	$dir->write('slow.c', <<"E");
#define _GNU_SOURCE
#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>
static void wait_for_it(void) { while (access("$hang", F_OK) == 0) usleep(1000); }
struct passwd *getpwnam(const char *name)
{
	struct passwd *(*real)(const char *) = dlsym(RTLD_NEXT, "getpwnam");
	wait_for_it();
	return real(name);
}
int initgroups(const char *user, gid_t group)
{
	int (*real)(const char *, gid_t) = dlsym(RTLD_NEXT, "initgroups");
	wait_for_it();
	return real(user, group);
}
E
	is system("$cc -shared -fPIC -o $dir->{path}/slow.so $dir->{path}/slow.c -ldl"),
		0, 'a name service';
	my $s = Holdfast->start(conf => $conf,
		env => { LD_PRELOAD => $dir->path('slow.so') });

	$dir->write('hang', '');
	my $start = time;
	my $reload = $s->command('reload');

	ok wait_until { $s->status->{state} eq 'reloading' } 'a reload';
	is $s->get('/')->body, 'served', 'it serves meanwhile';
	my ($victim) = $s->workers;

	$s->kill_worker($victim);
	wait_until { !grep { $_ == $victim } $s->workers } 'it to die';
	ok wait_until { scalar($s->workers) == 2 } 'its replacement asks nobody';
	my ($exit, $out, $err) = $reload->wait;

	is $exit, 1, 'the reload fails';
	like $err, qr/could not be looked up within 5 s/, 'with the reason';
	cmp_ok time - $start, '<', 8 * Holdfast::Wait::slow(), 'in time';
	$s->expect_log(qr/reload failed: users and groups could not/);
	$s->allow_log(qr/killed by signal 9|dying at startup/);
	$dir->remove('hang') if $dir->can('remove');
	unlink $hang;
	is +($s->run('reload'))[0], 0, 'the next one goes well';
	$s->finish;
};

subtest 'what would change nothing is not asked for' => sub {
	for my $case (
		['a user namespace, user root', 'root', 'unshare', '-r'],
		['a user namespace, another user', 'nobody', 'unshare', '-r'],
		# Those groups cannot be given up there, user_namespaces(7).
		['a user namespace, with groups', 'root', 'setpriv', '--groups',
			'4,20', 'unshare', '-r'],
		['without capabilities, user root', 'root', 'setpriv',
			'--bounding-set', '-all', '--inh-caps', '-all'],
	) {
		my ($name, $user, @wrap) = @$case;

		if (system("@wrap true 2>/dev/null") != 0) {
			pass "$name: not possible here";
			next;
		}
		my $s = eval {
			Holdfast->start(conf => qq[user = "$user";\n$conf],
				wrap => [@wrap]);
		};

		ok $s, "$name: it starts" or diag $@;
		next unless $s;
		is $s->get('/')->body, 'served', 'and serves';
		$s->kill_worker(($s->workers)[0]);
		ok wait_until { scalar($s->workers) == 2 } 'a worker is replaced';
		is +($s->run('reload'))[0], 0, 'a reload';
		$s->allow_log(qr/killed by signal 9|dying at startup/,
			qr/user is "root"|this user namespace has no user/);
		$s->finish;
	}
};
done_testing;
