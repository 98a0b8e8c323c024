# SPDX-License-Identifier: BSD-2-Clause
#
# Containers' filters deny system calls that are newer than they are, or all
# that they do not list, with one errno or another. Where there is another way
# the server goes it, and nobody notices; where there is none it says which
# call was denied.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(fd_targets);

my $deny = (Holdfast::build() // '') . '/t/tools/deny';

plan skip_all => 'deny was not built' unless -x $deny;
plan skip_all => 'sanitizers need these calls' if binary_has_sanitizers();
plan skip_all => 'no filters here'
	if Holdfast::Command->new([$deny, 'statx=ENOSYS', 'true'])->wait;

my %files = ('www/small' => "small\n", 'www/large' => 'large ' x 500_000);
my $conf = <<'E';
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E

for my $denied (
	['sendfile=EINVAL'], ['sendfile=ENOSYS'], ['sendfile=EPERM'],
	['faccessat2=EPERM'], ['faccessat2=ENOSYS'],
	['memfd_create=ENOSYS'], ['memfd_create=EPERM'],
	['close_range=ENOSYS'], ['close_range=EPERM'],
	['openat2=ENOSYS'], ['openat2=EPERM'], ['statx=EPERM'],
	['getrandom=ENOSYS'], ['getrandom=EPERM'],
	[qw(sendfile=ENOSYS faccessat2=EPERM memfd_create=ENOSYS
		close_range=EPERM openat2=EPERM statx=EPERM getrandom=EPERM)],
) {
	subtest "@$denied" => sub {
		my $s = Holdfast->start(conf => $conf, files => \%files,
			wrap => [$deny, @$denied]);

		is $s->get('/small')->body, $files{'www/small'}, 'a file';
		ok $s->get('/large')->body eq $files{'www/large'}, 'a large one';
		my $c = $s->client;

		is $c->get('/large', Range => 'bytes=1000000-1000005')->body,
			substr($files{'www/large'}, 1_000_000, 6), 'a range';
		$s->reload;
		ok $c->get('/large')->body eq $files{'www/large'},
			'after a reload, on a connection that moved';
		# No worker has what is another's, or the master's.
		my %seen;

		for my $worker ($s->workers) {
			$seen{$_}++ for grep { /eventpoll/ }
				values fd_targets($worker)->%*;
		}
		is $seen{'anon_inode:[eventpoll]'}, 2, 'a worker has its own';
		$s->finish;
	};
}

# However many could be open.
subtest 'close_range, and very many descriptors' => sub {
	plan skip_all => 'no strace here' unless has_program('strace');
	my $s = Holdfast->start(conf => $conf, files => \%files, wrap => ['strace',
		'-f', '-c', '-U', 'name,calls', '-o', 'calls', $deny,
		'close_range=ENOSYS'], before_exec => sub { chdir $ENV{STRACE_DIR} },
		prepare => sub ($dir) { $ENV{STRACE_DIR} = $dir->path });

	is $s->get('/small')->body, $files{'www/small'}, 'it serves';
	$s->finish;
	my ($closes) = ($s->dir->read('calls') // '') =~ /^close\s+(\d+)/m;

	cmp_ok $closes // 1e9, '<', 2000, 'only those are closed that are open';
};

# The mode of a Unix socket is given with the socket.
subtest 'chmod' => sub {
	plan skip_all => 'no such call here'
		if Holdfast::Command->new([$deny, 'chmod=EPERM', 'true'])->wait;
	my $s = Holdfast->start(wrap => [$deny, 'chmod=EPERM'], conf => <<'E');
listeners = ( { address = "unix:%%DIR%%/s"; mode = "0640"; protocol = "echo"; } );
E
	is sprintf('%o', (stat $s->path('s'))[2] & 07777), '640', 'its mode';
	$s->finish;
};

# A connection may be lost before it is accepted, which accept4(2) tells by EPERM,
# too; where none can be had a worker does not try for ever.
for my $error (qw(EPERM ENOSYS)) {
	subtest "accept4=$error" => sub {
		my $s = Holdfast->start(conf => $conf, files => \%files,
			wrap => [$deny, "accept4=$error"]);
		my $c = $s->client;

		my $says = $error eq 'EPERM'
			? qr/accepting is paused .*: Operation not permitted/
			: qr/cannot accept on .*: Function not implemented/;

		$s->wait_log($says);
		$s->signal('HUP');
		$s->wait_log(qr/generation 2 serves/);
		$s->wait_log(qr/generation 1 is gone/);
		$s->signal('TERM');
		is $s->wait_end(10), 0, 'a reload and the end are not held up';
		$s->expect_log($says);
		$s->allow_log(qr/closing .* with connections in its queue: /);
		$s->finish;
	};
}

# What there is no other way for.
for my $case (
	['signalfd4=EPERM', qr/signal.*: Operation not permitted/],
	['epoll_create1=ENOSYS', qr/no event loop: Function not implemented/],
	['prctl=EPERM', qr/signal when the master dies: Operation not permitted/],
	['setsid=EPERM', qr/cannot leave the terminal: Operation not permitted/],
	['capget=EPERM', qr/cannot drop capabilities: Operation not permitted/],
	$> == 0 ? ['setresuid=EPERM',
		qr/cannot become user "[^"]+": Operation not permitted/] : (),
) {
	my ($denied, $says) = @$case;

	subtest $denied => sub {
		my $s = Holdfast->start(conf => $conf, files => \%files,
			unready => 1, wrap => [$deny, $denied]);

		is $s->wait_end, 1, 'it does not start';
		like $s->log_text, $says, 'and says why';
		unlike $s->log_text, qr/stack/, 'no process crashed';
		$s->expect_log(qr/cannot/);
		$s->finish(exit => 1);
	};
}

done_testing;
