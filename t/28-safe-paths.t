# SPDX-License-Identifier: BSD-2-Clause
#
# What the master makes or writes by a path in a folder that others may write, and
# what root reads by one, is not redirected by a link that they put there: the
# link is named, and nothing happens to where it leads.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $conf = <<'E';
workers = 1;
%%MORE%%
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; }%%LISTENER%% );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E

sub with ($more, $listener = '') {
	return $conf =~ s/%%MORE%%/$more/r =~ s/%%LISTENER%%/$listener/r;
}

my $s = Holdfast->start(conf => with(''));
my $open = $s->dir->mkdir('open');
my $own = $s->dir->mkdir('own');

chmod 0777, $open or die $!;
for my $case (
	['log.error', with('log = { error = "%%DIR%%/open/link"; };')],
	['log.access', with('log = { access = "%%DIR%%/open/link"; };')],
	['pid_file', with('pid_file = "%%DIR%%/open/link";')],
	['log.access in a folder',
		with('log = { access = "%%DIR%%/open/folder/log"; };')],
	['pid_file in a folder', with('pid_file = "%%DIR%%/open/folder/pid";')],
	['a Unix socket in a folder',
		with('', ', { address = "unix:%%DIR%%/open/folder/s"; }')],
) {
	my ($name, $text) = @$case;

	symlink "$own/target", "$open/link" or die $!;
	symlink $own, "$open/folder" or die $!;
	$s->dir->write('own/target', "precious\n");
	chmod 0600, "$own/target";
	$s->write_conf($text);
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 1, "$name: the reload fails";
	like $err, qr/symbolic link that others can change .*"(?:link|folder)"/,
		'and names the link';
	$s->expect_log(qr/symbolic link that others can change/);
	is $s->dir->read('own/target'), "precious\n", 'the target is as it was';
	is_deeply [glob "$own/*"], ["$own/target"], 'and alone';
	unlink "$open/link", "$open/folder";
}

subtest 'what root reads' => sub {
	plan skip_all => 'needs root' if $> != 0;
	my $text = with('');
	my $in_site = sub ($setting) {
		return $text =~ s/sites = \( \{/sites = ( { $setting;/r;
	};

	$s->dir->write('own/page', "the content\n");
	$s->dir->write('own/types', "text/plain txt\n");
	$s->dir->write('own/users', "a:{SHA}C+7Hteo/D9vJXQ3UfzxbwnXaijM=\n");
	for my $case (
		['error_pages', 'page',
			$in_site->('error_pages = [ "404 %%DIR%%/open/link" ]')],
		['auth_file', 'users', $in_site->('auth_file = "%%DIR%%/open/link"')],
		['mime_types', 'types', with('mime_types = "%%DIR%%/open/link";')],
	) {
		my ($name, $file, $conf) = @$case;

		symlink "$own/$file", "$open/link" or die $!;
		$s->write_conf($conf);
		my ($exit, $out, $err) = $s->run('reload');

		is $exit, 1, "$name: the reload fails";
		like $err, qr/symbolic link that others can change .*"link"/,
			'and names the link';
		$s->allow_log(qr/symbolic link that others can change/);
		unlink "$open/link";
		symlink "$own/$file", $s->path('ours') or die $!;
		$s->write_conf($conf =~ s/open\/link/ours/r);
		is +($s->run('check'))[0], 0, 'a link of ours is followed';
		unlink $s->path('ours');
	}
	$s->reload($text);
};

subtest 'links of ours are followed' => sub {
	symlink $own, $s->path('link') or die $!;
	chmod 0755, $own;
	$s->reload(with('log = { access = "%%DIR%%/link/access.log"; };'
		. ' pid_file = "%%DIR%%/link/pid";'));
	$s->get('/');
	ok -e "$own/access.log", 'of a log';
	ok -e "$own/pid", 'of the pid file';
};

subtest 'the mode of a Unix socket is not set through a link' => sub {
	my $text = with('', ', { address = "unix:%%DIR%%/open/s"; mode = "%%MODE%%"; }');

	$s->reload($text =~ s/%%MODE%%/0600/r);
	is +(stat "$open/s")[2] & 07777, 0600, 'a mode';
	$s->reload($text =~ s/%%MODE%%/0666/r);
	is +(stat "$open/s")[2] & 07777, 0666, 'another';
	rename "$open/s", "$open/t" or die $!;
	symlink "$own/target", "$open/s" or die $!;
	my ($exit) = $s->run('reload');

	is +(stat "$own/target")[2] & 07777, 0600, 'the file it leads to keeps its own';
	is $s->get('/')->body, 'served', 'the server goes on';
	unlink "$open/s", "$open/t";
	$s->allow_log(qr/cannot listen|cannot change|symbolic link/);
};
$s->finish;
done_testing;
