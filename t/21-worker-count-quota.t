# SPDX-License-Identifier: BSD-2-Clause
#
# workers = "auto" is one for each CPU that the master may use: no more than the
# CPU quota of its cgroup pays for, nor than its affinity allows.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Dir;

my ($list) = `taskset -pc $$ 2>/dev/null` =~ /: ([\d,-]+)$/m;

plan skip_all => 'no taskset here' unless defined $list;
my @ours = map { /^(\d+)-(\d+)$/ ? $1 .. $2 : $_ } split /,/, $list;

plan skip_all => 'needs two CPUs' if @ours < 2;
my $conf = <<'E';
workers = "auto";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
# A folder of ours in the place of the cgroups' file system.
my $groups = Holdfast::Dir->new;
my @unshare = ('unshare', $> == 0 ? '-m' : '-rm');
my @wrap = (@unshare, 'sh', '-c', 'mount --bind "$0" /sys/fs/cgroup && exec "$@"',
	$groups->path);

sub quota ($quota) {
	$groups->write('cpu.max', "$quota 100000\n");
	$groups->write('cpu/cpu.cfs_quota_us', ($quota eq 'max' ? -1 : $quota) . "\n");
	$groups->write('cpu/cpu.cfs_period_us', "100000\n");
}

sub workers_with (@wrap) {
	my $s = Holdfast->start(conf => $conf, wrap => \@wrap);
	my $n = $s->workers;

	$s->allow_log(qr/this user namespace has no user|user is "root"/);
	$s->finish;
	return $n;
}

is workers_with('taskset', '-c', $ours[0]), 1, 'by the affinity';
SKIP: {
	skip 'file systems cannot be mounted here', 3
		if system(@wrap, 'true') != 0;
	skip 'no cgroup', 3 unless -e '/proc/self/cgroup';
	quota('max');
	is workers_with(@wrap), scalar @ours, 'no quota';
	quota(100000);
	is workers_with(@wrap), 1, 'a quota of one CPU';
	quota(120000);
	is workers_with(@wrap), 2, 'a part of one more is one more';
}
done_testing;
