#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What scripts/bench/run runs when everything is installed and built: compiles
# the clients and the models, goes through the workloads, and reports.
use v5.36;
use File::Temp qw(tempdir);
use FindBin;
use Getopt::Long qw(GetOptions);
use JSON::PP ();
use List::Util qw(min);
use POSIX qw(strftime);

use Bench::Compare qw(compare);
use Bench::Load;
use Bench::Machine qw(describe);
use Bench::Plot qw(plot);
use Bench::Report qw(print_head print_table print_targets print_comparison);
use Bench::Servers qw(server_names start_server versions before);
use Bench::Targets qw(targets);
use Bench::Workloads qw(workloads make_files count_syscalls);

my %option = (rounds => 5);

GetOptions(\%option, 'rounds=i', 'servers=s', 'before=s', 'json=s', 'plot=s',
	'quick', 'list') && $option{rounds} > 0 or exit 2;
if ($option{list}) {
	printf "%-12s %s\n", $_->@{qw(name title)} for workloads();
	print "\n", join(' ', server_names()), "\n";
	exit;
}
my @chosen = choose();

before($option{before}) if defined $option{before};
my %served = map { $_ => 1 } split /,/, $option{servers} //
	(defined $option{before} ? 'holdfast,before' : join ',', server_names());

for my $name (keys %served) {
	die "no such server: $name\n" unless grep { $_ eq $name } server_names();
}

$SIG{PIPE} = 'IGNORE';
$SIG{INT} = $SIG{TERM} = sub ($signal) { exit 1 };
$| = 1;

# Where servers that give up being root can get.
my $scratch = tempdir('holdfast-bench-XXXX', CLEANUP => 1,
	$> == 0 ? (DIR => '/tmp') : (TMPDIR => 1));

prepare();
my %result = (
	date => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime),
	machine => describe(),
	versions => versions(),
	rounds => $option{rounds},
	workloads => [],
);

print_head(\%result);
for my $w (@chosen) {
	my $done = measure($w);

	push $result{workloads}->@*, $done;
	print_table($done);
}
$result{targets} = targets(\%result);
if (defined $option{before}) {
	$result{comparison} = compare(\%result);
	print_comparison($result{comparison});
} else {
	print_targets($result{targets});
}
write_json($option{json}) if $option{json};
plot(\%result, $option{plot}) if $option{plot};
my @failed = map { values $_->{failed}->%* } $result{workloads}->@*;

exit 1 if grep { $_ ne 'not installed' } @failed;
exit((grep { $_->{worse} } ($result{comparison} // [])->@*) ? 3 : 0);

sub choose () {
	my %wanted = map { $_ => 1 } @ARGV;
	my @chosen = grep { !@ARGV || delete $wanted{$_->{name}} } workloads();

	die "no such workload: ", join(' ', sort keys %wanted), "\n" if %wanted;
	return @chosen;
}

# Compiled with the flags of any program, for the machine at hand.
sub prepare () {
	chmod 0755, $scratch;
	$Bench::Servers::scratch = $scratch;
	$Bench::Servers::models = "$scratch/bin";
	$Bench::Servers::www = "$scratch/www";
	$Bench::Load::program = "$scratch/bin/load";
	$Bench::Workloads::paths = "$scratch/paths";
	if ($option{quick}) {
		$option{rounds} = 1;
		$Bench::Workloads::seconds = 0.2;
		$Bench::Workloads::crowd = 1000;
	}
	mkdir "$scratch/$_" for qw(bin www);
	for my $source ("$FindBin::Bin/load.c", glob "$FindBin::Bin/models/*.c") {
		my ($name) = $source =~ m{(\w+)\.c\z};

		system('gcc', '-std=gnu11', '-D_GNU_SOURCE', '-O2', '-o',
			"$scratch/bin/$name", $source) == 0 or die "no $name\n";
	}
	make_files("$scratch/www");
}

# All rounds of a workload: {name, title, unit, figures => {server => {figure
# => [one for each round]}}, syscalls => {server => {name => a request}},
# failed => {server => why}}. Servers take turns, and whose turn is first
# changes, so that what else happens on the machine falls on all alike.
sub measure ($w) {
	my %done = ($w->%{qw(name title without)}, unit => $w->{unit} // 'request',
		servers => [grep { $served{$_} } $w->{servers}->@*],
		figures => {}, syscalls => {}, failed => {});
	my $rounds = min($option{rounds}, $w->{rounds} // $option{rounds});
	my %running;

	for my $round (1 .. $rounds) {
		my @order = $done{servers}->@*;

		push @order, splice @order, 0, $round % @order if @order;
		print STDERR "$w->{name}, round $round\r" if -t STDERR;
		$w->{each_round} = $w->{before}->($w) if $w->{before};
		one_round($w, $_, \%running, \%done)
			for grep { !$done{failed}{$_} } @order;
	}
	for my $name (grep { $running{$_} } sort keys %running) {
		$done{syscalls}{$name} = eval {
			count_syscalls($w, $running{$name}) } if $w->{syscalls};
		$running{$name}->stop;
	}
	return \%done;
}

sub one_round ($w, $name, $running, $done) {
	my $figures = eval {
		$running->{$name} //= start_server($name,
			$w->%{grep { defined $w->{$_} } qw(workers mode)});
		$w->{run}->($w, $running->{$name});
	};
	my $why = $@;

	if ($figures) {
		push $done->{figures}{$name}{$_}->@*, $figures->{$_}
			for keys %$figures;
	} else {
		chomp $why;
		$done->{failed}{$name} = $why;
	}
	(delete $running->{$name})->stop
		if $running->{$name} && ($w->{fresh} || !$figures);
}

sub write_json ($path) {
	open my $out, '>', $path or die "$path: $!\n";
	print $out JSON::PP->new->canonical->pretty->encode(\%result);
	close $out or die "$path: $!\n";
}
