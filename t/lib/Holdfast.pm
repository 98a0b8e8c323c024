# SPDX-License-Identifier: BSD-2-Clause
#
# What a test of holdfast needs. A test reads as:
#
#   use v5.36;
#   use FindBin;
#   use lib "$FindBin::Bin/lib";
#   use Test::More;
#   use Holdfast;
#
#   my $s = Holdfast->start(conf => <<'E', files => { 'www/a' => "a\n" });
#   listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
#   sites = ( { routes = (
#           { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
#   E
#   is $s->get('/a')->body, "a\n";
#   $s->finish;
#   done_testing;
#
# %%DIR%% is a fresh directory, %%PORT_x%% is a port that the kernel picks
# ("0" in the file; $s->address('x') is what it became). Several listeners
# need addresses of their own, 127.0.0.1, 127.0.0.2, ...: two of one address
# with port 0 would be one twice. control, user and workers = 2 are added
# where the text does not set them.
#
# start() takes: conf, files => {name => content}, prepare => sub ($dir) {},
# env => {}, wrap => ['strace', ...], before_exec => sub {} (in the child),
# unready => 1 (do not wait until it serves).
#
# $s->finish is a test: it fails on warnings and errors in the log that the
# test did not announce ($s->expect_log, $s->allow_log), on processes left,
# on crashes, on reports of sanitizers. A test that forgets it fails.
#
# Environment: HOLDFAST (the binary), HOLDFAST_BUILD (the build directory),
# HOLDFAST_TEST_SLOW (a factor for all deadlines and a divisor for loads).
package Holdfast;

use v5.36;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use Test2::API qw(test2_stack);
use Test::More ();

use Holdfast::Background;
use Holdfast::Client;
use Holdfast::Command;
use Holdfast::Dir;
use Holdfast::Server;
use Holdfast::Wait;

our @EXPORT = qw(binary holdfast now slow patience wait_until has_program
	binary_has_sanitizers binary_has_hooks scaled);

$SIG{PIPE} = 'IGNORE';
$SIG{INT} = $SIG{TERM} = sub ($signal) { exit 1 };

my $owner = $$;
my $top = abs_path(dirname(__FILE__) . '/../..');

sub top () { return $top }

sub build () {
	my @candidates = ($ENV{HOLDFAST_BUILD} // (), '.', $top, "$top/build");

	for my $dir (@candidates) {
		return abs_path($dir) if -x "$dir/holdfast" && -f _;
	}
	return undef;
}

sub binary () {
	state $binary = do {
		my $path = $ENV{HOLDFAST};

		$path //= build() ? build() . '/holdfast' : undef;
		Test::More::BAIL_OUT('no holdfast: build it, or set HOLDFAST')
			unless $path && -x $path;
		abs_path($path);
	};
	return $binary;
}

sub start ($class, %opt) {
	return Holdfast::Server->start(binary(), %opt);
}

# Runs holdfast with these arguments: (exit status, output, error output).
sub holdfast (@args) {
	my %opt = ref $args[-1] ? (pop @args)->%* : ();

	return Holdfast::Command->new([binary(), @args], %opt)->wait;
}

sub has_program ($name) {
	return scalar grep { -x "$_/$name" } split /:/, $ENV{PATH};
}

sub binary_has_sanitizers () {
	state $has = do {
		open my $in, '<:raw', binary() or die binary() . ": $!";
		local $/;
		readline($in) =~ /__(?:asan|ubsan|tsan)_/ ? 1 : 0;
	};
	return $has;
}

# Built for tests (configure --enable-test-hooks)? The build's Makefile says so.
sub binary_has_hooks () {
	open my $make, '<', (build() // '') . '/Makefile' or return 0;
	return scalar grep { /^DEFS = .*HOLDFAST_TEST_HOOKS/ } readline $make;
}

# A size of load, less where everything is slow.
sub scaled ($n) {
	my $scaled = int($n / slow());

	return $scaled < 1 ? 1 : $scaled;
}

# prove(1) says why a whole file was skipped. Why a part of one was is said
# here, on standard error, so that no test goes unrun without a word.
my %skipped;

test2_stack()->top->listen(sub ($hub, $event, @) {
	my $facets = $event->facet_data;

	for my $amnesty (($facets->{amnesty} // [])->@*) {
		$skipped{$amnesty->{details} // 'no reason given'} = 1
			if $amnesty->{tag} eq 'SKIP';
	}
	$skipped{$facets->{plan}{details}} = 1
		if $facets->{plan} && $facets->{plan}{skip} && $hub->nested;
}, inherit => 1);

# However the test ended: nothing keeps running, and what is needed to
# understand a failure stays.
END {
	if ($$ == $owner) {
		my $status = $?;
		my $builder = Test::More->builder;

		$builder->diag("skipped in part: $_") for sort keys %skipped;
		for my $server (Holdfast::Server::running()) {
			$server->end_by_force;
			$builder->diag('a server was not finished' .
				$server->log_tail);
			$status ||= 1;
		}
		if ($status == 0 && $builder->is_passing) {
			Holdfast::Dir::remove_all();
		} else {
			$builder->diag("kept: $_") for Holdfast::Dir::kept();
		}
		$? = $status;
	}
}

1;
