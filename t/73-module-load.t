# SPDX-License-Identifier: BSD-2-Clause
#
# A module that cannot be loaded is an error of the configuration, with its
# place and its reason: for `holdfast check` and for a reload, which changes
# nothing then. The module is looked for where its name says.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Module qw(has_compiler build_module);

plan skip_all => 'no C compiler here' unless has_compiler();

my $dir = Holdfast::Dir->new;

$dir->mkdir('modules');

sub route ($module, $more = '') {
	return qq[{ path = "/"; handler = "module"; module = "$module"; $more }];
}

# Checks a route in line 2: what was said of it.
sub check ($route) {
	my $path = $dir->write('a.conf',
		qq[listeners = ( { address = "127.0.0.1:0"; } );\n] .
		qq[sites = ( { routes = ( $route ); } );\n]);
	my ($exit, $out, $err) = holdfast('-c', $path, 'check');

	return "$path: ok" if $exit eq '0' && $err eq '' &&
		$out eq "$path: ok\n";
	return "exit $exit: $out$err" if $exit ne '1' || $out ne '' ||
		$err !~ s/^\Q$path\E: 1 error\n\z//m;
	$err =~ s/^\Q$path\E:2: // or return "no place: $err";
	$err =~ s/\n\z//;
	return $err;
}

my $ok = $dir->path('a.conf') . ': ok';
my $where = 'sites[0].routes[0]';
my $good = build_module($dir->path('modules/good.so'), 'broken');

# Takes its time; it is waited for in the end.
my $hanging = $dir->write('hangs.conf', <<'E');
listeners = ( { address = "127.0.0.1:0"; } );
sites = ( { routes = (
  { path = "/"; handler = "module"; module = "modules/hangs.so"; }
); } );
E
build_module($dir->path('modules/hangs.so'), 'broken', '-DFAULT_HANGS');
my $patient = Holdfast::Command->new([binary(), '-c', $hanging, 'check']);

subtest 'where it is looked for' => sub {
	is check(route($good)), $ok, 'an absolute path';
	is check(route('modules/good.so')), $ok,
		'relative to the configuration';
	is check(route('./modules/good.so')), $ok, 'with a dot';
	like check(route('good.so')), qr{^\Q$where.module\E:\ /
		.*/holdfast/modules/good\.so:\ No\ such\ file}x,
		'a name alone is in the directory of modules';
	is check(route('modules/none.so')), "$where.module: " .
		$dir->path('modules/none.so') . ': No such file or directory',
		'what is not there';
	is check(route('modules/')), "$where.module: " .
		$dir->path('modules') . ': Is a directory', 'a directory';
	is check(route('')), "$where.module: must not be empty", 'no name';
	is check('{ path = "/"; handler = "module"; }'),
		"$where.module: is required", 'none at all';
	like check(route($dir->write('text.so', "no ELF\n"))),
		qr/^\Q$where\E: \S+text\.so: (?:file too short|invalid ELF)/,
		'a file that is no shared object';
};

# [what, flag, what is said]
for my $case (
	['another ABI', 'ABI', qr/^it was compiled for ABI 2 of holdfast\/module\.h; this .* 1$/],
	['a struct of a later holdfast', 'LATER',
		qr/^it was compiled for a later holdfast than this$/],
	['functions of a later holdfast', 'LATER_API',
		qr/^it was compiled for a later holdfast than this$/],
	['no version', 'HEAD', qr/does not begin with HOLDFAST_MODULE_VERSION$/],
	['no name', 'NAME', qr/^its holdfast_module has no name$/],
	['no request()', 'REQUEST', qr/^its holdfast_module has no request\(\)$/],
	['bodies in two ways', 'BODY', qr/has body\(\) and HOLDFAST_WHOLE_BODY$/],
	['flags nobody knows', 'FLAGS', qr/has flags that are unknown here$/],
	['no symbol', 'SYMBOL', qr/^it has no symbol holdfast_module$/],
	['an unresolved symbol', 'UNRESOLVED',
		qr/undefined symbol: nobody_has_this$/],
) {
	my ($what, $flag, $said) = @$case;
	my $path = build_module($dir->path("modules/$flag.so"), 'broken',
		"-DFAULT_$flag");
	my $got = check(route($path));

	ok $got =~ s/^\Q$where: $path: \E//, "$what: where" or diag $got;
	like $got, $said, "$what: why";
}

for my $case (
	['load() with a reason', 'FAILS', 'module broken: no luck today'],
	['load() without one', 'SILENT',
		'module broken: load() failed without a reason'],
	['load() that crashes', 'CRASHES',
		qr/^it crashes when it is loaded: Aborted/],
	['load() that exits', 'EXITS',
		'it ends the process when it is loaded'],
) {
	my ($what, $flag, $said) = @$case;

	my $path = build_module($dir->path("modules/$flag.so"), 'broken',
		"-DFAULT_$flag");
	my $got = check(route($path));

	$got =~ s/^(?:.*\n)*(?=\Q$where\E)// if $flag eq 'CRASHES';
	ok $got =~ s/^\Q$where: \E//, "$what: where" or diag $got;
	ref $said ? like $got, $said, "$what: why"
		: is $got, $said, "$what: why";
}

subtest 'options' => sub {
	is check(route($good, 'options = [ "known=1" ];')), $ok, 'one it knows';
	is check(route($good, 'options = [ "known=" ];')), $ok, 'an empty one';
	is check(route($good, 'options = [ ];')), $ok, 'none';
	is check(route($good, 'options = [ "knwon=1" ];')),
		qq[$where: module broken has no option "knwon"], 'another';
	is check(route($good, 'options = [ "known=1", "known=2" ];')),
		qq[$where: module broken takes option "known" only once],
		'twice';
	for my $bad ('known', '=1', '') {
		like check(route($good, qq[options = [ "$bad" ];])),
			qr/^\Q$where.options[0]\E: (?:an option is written as|must not be empty)/,
			qq["$bad" is none];
	}
	like check('{ path = "/"; handler = "respond"; options = [ "a=b" ]; }'),
		qr/belongs to handler module/, 'only for modules';
};

subtest 'every route that is wrong is told' => sub {
	my $path = $dir->write('b.conf', <<"E");
listeners = ( { address = "127.0.0.1:0"; } );
sites = ( { routes = (
  { path = "/a"; handler = "module"; module = "modules/FAILS.so"; },
  { path = "/b"; handler = "module"; module = "modules/good.so"; },
  { path = "/c"; handler = "module"; module = "modules/ABI.so"; }
); } );
E
	my ($exit, $out, $err) = holdfast('-c', $path, 'check');

	is $exit, 1, 'exit status';
	like $err, qr/\A\Q$path\E:3:\ .*\n\Q$path\E:5:\ .*\n
		\Q$path\E:\ 2\ errors\n\z/x, 'both, with their lines';
};

subtest 'show gives the path and the options back' => sub {
	my $path = $dir->write('c.conf',
		qq[listeners = ( { address = "127.0.0.1:8080"; } );\n] .
		'sites = ( { routes = ( ' . route('modules/good.so',
			'options = [ "known=a = \"b\"" ];') . ' ); } );');
	my ($exit, $out, $err) = holdfast('-c', $path, 'show');

	like $out, qr/^\s*module = "\Q$good\E";$/m, 'module';
	like $out, qr/^\s*options = \[ "known=a = \\"b\\"" \];$/m, 'options';
	$dir->write('d.conf', $out);
	is ((holdfast('-c', $dir->path('d.conf'), 'show'))[1], $out,
		'and reads it again');
};

subtest 'reload' => sub {
	my $conf = sub ($name) {
		return <<"E";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = ( { path = "/"; handler = "module";
  module = "$dir->{path}/modules/$name.so"; } ); } );
E
	};
	my $s = Holdfast->start(conf => $conf->('good'));

	is $s->get('/')->body, "good\n", 'it answers';
	for my $case (
		['FAILS', qr/module broken: no luck today/],
		['ABI', qr/compiled for ABI 2/],
		['UNRESOLVED', qr/undefined symbol/],
		['CRASHES', qr/died|killed by signal/],
	) {
		my ($name, $said) = @$case;

		$s->expect_log(qr/reload failed: .*$said/);
		# The stack of the worker that crashed.
		$s->allow_log(qr/error worker \d+\[\d+\]: /,
			qr/killed by signal 6/, qr/workers are dying at startup/) if $name eq 'CRASHES';
		$s->write_conf($conf->($name));
		my ($exit, $out, $err) = $s->run('reload');

		is $exit, 1, "$name: refused";
		like $err, $said, "$name: with the reason";
		is $s->get('/')->body, "good\n", "$name: nothing has changed";
	}
	build_module($dir->path('modules/START.so'), 'broken', '-DFAULT_START');
	$s->expect_log(qr/reload failed: .*not as user/);
	$s->write_conf($conf->('START'));
	my ($exit, $out, $err) = $s->run('reload');
	my $user = $> == 0 ? getpwnam Holdfast::Server::some_user() : $>;

	is $exit, 1, 'start() fails';
	like $err, qr/:2: \Q$where\E: module broken: not as user $user\n/,
		'as the user of the workers, with its reason';

	build_module($good, 'broken', '-DANSWER="new\n"');
	is $s->get('/')->body, "good\n", 'a new file is not taken at once';
	$s->reload($conf->('good'));
	is $s->get('/')->body, "new\n", 'but with the next reload';
	my ($maps) = do {
		open my $in, '<', '/proc/' . $s->master . '/maps' or die $!;
		local $/;
		readline $in;
	};

	unlike $maps, qr/modules\/good\.so/, 'the master never has it';

	# Nothing was done, as it was told.
	build_module($good, 'broken', '-DFAULT_POST');
	$s->expect_log(qr/module broken: holdfast_post\(\) before start\(\)/);
	$s->reload;
	$s->wait_log(qr/module broken: runs now/);
	unlike $s->log_text, qr/runs early/, 'what is posted too early is not run';
	$s->finish;
};

is_deeply [$patient->wait], [1, '', "$hanging:3: $where: it is not loaded after "
	. "10 seconds\n$hanging: 1 error\n"], 'load() that does not return';
done_testing;
