# SPDX-License-Identifier: BSD-2-Clause
#
# However often it is done, no descriptor is left open by it: neither in a
# worker by folders, listings and outdated compressed files, nor in the master
# or a worker by log files that are opened again.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(fds fd_targets);

my $s = Holdfast->start(files => {
	'www/index/index.html' => "index\n",
	'www/empty/a' => "a\n",
	'www/old.txt' => "new\n",
	'www/old.txt.gz' => 'of what it was before',
}, prepare => sub ($dir) {
	my $then = time - 1000;

	$dir->mkdir('log');
	symlink 'a', $dir->path('www/empty/link') or die $!;
	utime $then, $then, $dir->path('www/old.txt.gz');
	$dir->settle('www/old.txt');
}, unready => 1, conf => <<'E');
workers = 1;
log = { error = "%%DIR%%/log/error.log"; access = "%%DIR%%/log/access.log"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www";
    precompressed = [ "gzip" ]; },
  { path = "/list/"; handler = "static"; root = "%%DIR%%/www";
    listing = true; },
  { path = "/try/"; handler = "static"; root = "%%DIR%%/www";
    try = [ "${path}.html", "${path}", "/index/index.html" ]; } ); } );
E
$s->also_log('log/error.log');
$s->wait_ready;
my ($worker) = $s->workers;
my $c = $s->client;

# The thread that writes the log has a descriptor from its first line on.
$c->get('/index/');
wait_until { length($s->dir->read('log/access.log') // '') } 'a line in the log';

# Does it once, so that what is kept is there, then $n times.
sub leaves_none ($name, $n, $work) {
	my @processes = ($s->master, $worker);

	subtest $name => sub {
		$work->();
		my @before = map { fds($_) } @processes;

		$work->() for 1 .. $n;
		ok eval { wait_until {
			!grep { fds($processes[$_]) > $before[$_] } 0, 1
		} 'x', 5 * slow() }, "$n times" or do {
			diag explain fd_targets($_) for @processes;
		};
	};
}

sub asked ($status, $target, @fields) {
	return sub {
		my $r = $c->get($target, @fields);

		is $r->status, $status, $target if $r->status != $status;
	};
}

leaves_none('a folder', 20, asked(301, '/index'));
leaves_none('an index', 20, asked(200, '/index/'));
leaves_none('a folder without an index', 20, asked(403, '/empty/'));
leaves_none('a listing', 20, asked(200, '/list/empty/'));
leaves_none('a folder among what is tried', 20, asked(200, '/try/empty'));
leaves_none('a path through a file', 20, asked(404, '/old.txt/a'));

# It is opened anew each time.
subtest 'a compressed file that is outdated' => sub {
	leaves_none('each version of a file', 10, sub {
		state $version = 0;

		$s->dir->replace('www/old.txt', 'version ' . ++$version);
		my $then = time - 1000;

		utime $then, $then, $s->path('www/old.txt.gz');
		wait_until {
			$c->get('/old.txt', 'Accept-Encoding' => 'gzip')->body
				eq "version $version"
		} 'the new version';
	});
};

leaves_none('log files opened again', 10, sub {
	is +($s->run('reopen'))[0], 0, 'reopen' or return;
	# The worker has heard of it when it has answered this.
	$c->get('/index/');
});
leaves_none('log files that cannot be opened', 5, sub {
	rename $s->path('log'), $s->path('moved') or die $!;
	is +($s->run('reopen'))[0], 1, 'reopen' or return;
	rename $s->path('moved'), $s->path('log') or die $!;
});
$s->expect_log(qr{log/(?:error|access)\.log});
leaves_none('an access log that cannot be opened', 5, sub {
	rename $s->path('log/access.log'), $s->path('access') or die $!;
	mkdir $s->path('log/access.log') or die $!;
	is +($s->run('reopen'))[0], 1, 'reopen' or return;
	rmdir $s->path('log/access.log') or die $!;
	rename $s->path('access'), $s->path('log/access.log') or die $!;
});

$c->close;
$s->finish;
done_testing;
