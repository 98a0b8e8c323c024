# SPDX-License-Identifier: BSD-2-Clause
#
# Reloads and upgrades, one after the other, under a load:
#
#   storm($server, reloads => 6, upgrades => 2, pause => 0.4, patience => 10,
#           conf => sub ($n) { ... });
#
# $server is a Holdfast::Upgraded; one that was started as a copy is upgraded to
# a program whose formats of what moves differ, if there is one, and back. Each reload has a configuration of its own,
# and begins `pause` seconds after the one before. They have to succeed, and
# after each no worker may be older than the generation before, once `patience`
# seconds have passed: those have had their time.
package Holdfast::Storm;

use v5.36;
use Exporter qw(import);
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast::Upgraded;
use Holdfast::Wait;

our @EXPORT = qw(first_upgrade storm);

# What the first upgrade needs, it has.
sub first_upgrade ($s) {
	is +($s->run('upgrade'))[0], 0, 'a first upgrade';
	is $s->follow, 0, 'its old master ends well';
	$s->wait_workers(2);
	return;
}

sub _is_new ($s, $patience) {
	return eval {
		wait_until {
			my $status = $s->status;

			!grep { $_->{generation} < $status->{generation} - 1 }
				$status->{workers}->@*;
		} 'workers to be as new as they should', $patience * slow();
	};
}

sub storm ($s, %opt) {
	my (@failed, @too_old);
	my @next = ('shifted', 'normal');

	@next = () unless -e $s->path('bin/holdfast') &&
		defined Holdfast::Upgraded::program('shifted');

	for my $n (1 .. $opt{reloads}) {
		my $next = now() + $opt{pause};

		$s->write_conf($opt{conf}->($n));
		my ($exit, $out, $err) = $s->run('reload');

		push @failed, "reload $n: $err" if $exit ne '0';
		push @too_old, "after reload $n" unless _is_new($s, $opt{patience});
		if ($n % int($opt{reloads} / $opt{upgrades}) == 0) {
			if (@next) {
				push @next, shift @next;
				$s->install(Holdfast::Upgraded::program($next[-1]));
			}
			($exit, $out, $err) = $s->run('upgrade');
			push @failed, "upgrade after $n: $err" if $exit ne '0';
			push @failed, 'an old master' if $s->follow ne '0';
			push @too_old, 'after an upgrade'
				unless _is_new($s, $opt{patience});
		}
		sleep $next - now() if $next > now();
	}
	is_deeply \@failed, [], 'each reload and upgrade went well';
	is_deeply \@too_old, [], 'no worker is older than one generation';
	return;
}

1;
