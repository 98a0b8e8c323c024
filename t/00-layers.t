# SPDX-License-Identifier: BSD-2-Clause
#
# The rooms of the house: which folder may include which, and what every
# source file has to have. Arrows between folders point one way, and the table
# below is where they are written down.
use v5.36;
use File::Basename qw(basename dirname);
use File::Find qw(find);
use FindBin;
use Test::More;

chdir "$FindBin::Bin/.." or die "$FindBin::Bin/..: $!";

# What a file in a folder may include besides system headers and its own
# folder. The longest name that fits a file is its row.
my @base = qw(base base/shared base/codec);
my @conf = qw(conf conf/schema conf/load conf/print);
my @net = (qw(worker/net conf), @base);
my @http = (qw(worker/http worker/http/policy worker/http/tools conf), @base);
my %may_include = (
	'base'              => [],
	'base/shared'       => [qw(base)],
	'base/codec'        => [qw(base)],
	'conf'              => [qw(base base/codec)],
	'conf/schema'       => [qw(conf base base/codec)],
	'conf/load'         => [qw(conf conf/schema base base/codec)],
	'conf/print'        => [qw(conf conf/schema base base/codec)],
	'worker/net'        => [qw(conf), @base],
	'worker/tls'        => [@net],
	'worker/move'       => [@net],
	'worker/http'       => [qw(worker/http/policy/policy.h conf), @base],
	'worker/http/policy' => [@http],
	'worker/http/tools' => [qw(worker/http conf), @base],
	'worker/upstream'   => [qw(worker/tls), @net],
	'worker/holdfast'   => [],
	'worker/holdfast/hello' => [],
	'worker/report'     => [qw(worker/http conf), @base],
	'worker/proto'      => [qw(worker/http), @net],
	'worker/proto/stream' => [qw(worker/http worker/upstream), @net],
	'worker/proto/http1' => [qw(worker/http), @net],
	'worker/handler'    => [qw(conf/schema worker/upstream worker/report),
		@http],
	'worker/handler/static' => [qw(conf/schema worker/upstream
		worker/report), @http],
	'worker/handler/proxy' => [qw(conf/schema worker/upstream), @http],
	'worker/handler/module' => [qw(conf/schema worker/upstream
		worker/report worker/holdfast), @http],
	'worker'            => [qw(worker/tls worker/move worker/proto
		worker/proto/http1 worker/proto/stream worker/handler worker/handler/static
		worker/handler/module worker/handler/proxy worker/upstream
		worker/report),
		@http, @net],
	'keeper'            => [qw(conf), @base],
	'master'            => [qw(worker/worker.h keeper/keeper.h
		master/client master/report), @conf, @base],
	'master/client'     => [qw(conf conf/load), @base],
	'master/report'     => [qw(worker/worker.h master conf), @base],
);
# Made by the build.
my @generated = qw(conf/mime_builtin.inc);

my @sources;
find({ no_chdir => 1, wanted => sub { push @sources, $_ if /\.[ch]\z/ } },
	qw(base conf keeper worker master));
@sources = sort @sources;
cmp_ok(scalar @sources, '>', 20, 'the sources are where they were');
my %exists = map { $_ => 1 } @sources, @generated;

sub text ($path) {
	open my $file, '<', $path or die "$path: $!";
	local $/;
	return readline($file) // '';
}

# The folder of the table that a file lives in.
sub row ($path) {
	my ($stem) = $path =~ /(.*)\.[ch]\z/;

	return $stem if $may_include{$stem};
	return dirname($path);
}

sub allowed ($from, $included) {
	my $folder = dirname($included);

	return 1 if $folder eq dirname($from);
	return grep { $_ eq $folder || $_ eq $included }
		$may_include{row($from)}->@*;
}

my (%wrong, %named, %guards);

for my $path (@sources) {
	my $text = text($path);
	my ($first_line) = split /\n/, $text;
	# Comments go, line numbers stay.
	(my $code = $text) =~ s{/\*.*?\*/}{ $& =~ s/[^\n]//gr }gse;
	my @lines = split /\n/, $code;
	my @included;

	push $named{basename($path)}->@*, $path;
	push $wrong{spdx}->@*, $path if $first_line ne
		'/* SPDX-License-Identifier: BSD-2-Clause */';
	if (!$may_include{row($path)}) {
		push $wrong{folder}->@*, $path;
		next;
	}
	for my $number (1 .. @lines) {
		my $line = $lines[$number - 1];
		my ($open, $name) =
			$line =~ /^\s*#\s*include\s*([<"])([^>"]+)/ or next;
		my $at = "$path:$number: $name";

		if ($open eq '<') {
			push $wrong{style}->@*, $at if $exists{$name};
			next;
		}
		push @included, $name;
		if (!$exists{$name} || $name =~ /\.c\z/) {
			push $wrong{style}->@*, $at;
		} elsif (!allowed($path, $name)) {
			push $wrong{include}->@*, $at;
		}
	}
	if ($path =~ /\.c\z/) {
		my $own = $path =~ s/c\z/h/r;
		my ($first) = $code =~ /^\s*#\s*include\s*[<"]([^>"]+)/m;

		push $wrong{first}->@*, $path
			if $exists{$own} && ($first // '') ne $own;
		next;
	}
	my ($guard) = $code =~ /\A\s*#ifndef (\w+)\s*\n#define \1\s*\n.*\n#endif\s*\z/s;

	if (!$guard) {
		push $wrong{guard}->@*, $path;
	} else {
		push $guards{$guard}->@*, $path;
	}
}

sub none ($kind, $what) {
	is(join("\n", ($wrong{$kind} // [])->@*), '', $what);
}

sub all_differ ($what, %by_name) {
	is(join("\n", map { "@$_" } grep { $_->@* > 1 } values %by_name), '',
		$what);
}

none('folder', 'every folder of sources has its row in the table');
none('include', 'no include that the table does not allow');
none('style', 'project headers are included by their path, in quotes');
none('first', 'a source includes its own header first');
none('spdx', 'every file begins with its SPDX line');
none('guard', 'every header has an include guard');
all_differ('no two headers have the same guard', %guards);
all_differ('no two files have the same name', %named);

# The README walks from accept to response: each function is in the file under
# which it stands.
subtest 'the walk of the README matches the code' => sub {
	my ($walk) = text('README') =~
		/^From accept to response\n-+\n(.*?)\n\nA handler that/ms;
	my ($file, $n) = ('', 0);

	for (split /\n/, $walk // '') {
		if (m{^ {4}(\S+\.c)$}) {
			$file = $1;
		} elsif (/^ {8}([a-z]\w*) /) {
			my $function = $1;

			ok($exists{$file} && text($file)
					=~ /^(?:\w.*\W)?\Q$function\E\(/m,
				"$function in $file");
			$n++;
		}
	}
	cmp_ok($n, '>', 20, 'functions');
};

subtest 'every header compiles alone' => sub {
	my $cc = $ENV{CC} || 'cc';
	my $build = $ENV{HOLDFAST_BUILD} || 'build';

	plan skip_all => "needs a C compiler ($cc)"
		if system("$cc --version >/dev/null 2>&1") != 0;
	my $compile = "$cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -I. -I$build"
		. ' -fsyntax-only -x c';

	for my $header (grep { /\.h\z/ } @sources) {
		my $errors = qx($compile $header 2>&1);

		is($errors, '', $header);
	}
};

done_testing();
