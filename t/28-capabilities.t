# SPDX-License-Identifier: BSD-2-Clause
#
# Workers have no capability, however the master came by its own: as root, whose
# workers become another user or stay root, or as another user who was given
# some as ambient ones (AmbientCapabilities= of systemd).
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

plan skip_all => 'only as root' if $> != 0;
plan skip_all => 'no setpriv here' unless has_program('setpriv');

my $conf = <<'E';
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E

# {Inh => 0x..., Prm, Eff, Bnd, Amb}
sub capabilities ($pid) {
	no warnings 'portable';	# of more than 32 bits
	open my $in, '<', "/proc/$pid/status" or die "no process $pid";
	return { map { /^Cap(\w+):\s+(\w+)/ ? ($1, hex $2) : () } readline $in };
}

sub have_none ($s, @but) {
	for my $worker ($s->workers) {
		my $have = capabilities($worker);

		delete $have->@{@but};
		is_deeply $have, { map { $_ => 0 } keys %$have },
			'a worker has none';
	}
	is $s->get('/')->body, 'ok', 'and serves';
}

subtest 'as root' => sub {
	my $s = Holdfast->start(conf => $conf);

	isnt capabilities($s->master)->{Eff}, 0, 'the master has some';
	have_none($s);
	$s->finish;
};

subtest 'as root, whose workers are root' => sub {
	my $s = Holdfast->start(conf => $conf . qq(user = "root";\n));

	$s->expect_log(qr/user is "root"/);
	have_none($s);
	is scalar($s->logged(qr/user is "root"/)), 1, 'it is said once';
	$s->finish;
};

subtest 'ambient ones' => sub {
	my $user = Holdfast::Server::some_user();
	my ($uid, $gid) = (getpwnam $user)[2, 3];
	my $s = Holdfast->start(conf => $conf, wrap => ['setpriv',
		'--reuid', $uid, '--regid', $gid, '--clear-groups',
		'--inh-caps', '+net_bind_service',
		'--ambient-caps', '+net_bind_service'],
		prepare => sub ($dir) { chown $uid, $gid, $dir->path });
	my $have = capabilities($s->master);

	is $have->{$_}, 1 << 10, "the master has it: $_" for qw(Amb Prm Eff);
	# What it may not say is what an executed program could have, and with
	# no_new_privs none can.
	have_none($s, 'Bnd');
	$s->finish;
};

done_testing;
