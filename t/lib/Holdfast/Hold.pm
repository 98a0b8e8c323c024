# SPDX-License-Identifier: BSD-2-Clause
#
# t/tools/hold.c, clients that hold on to their connections and forgive
# nothing, beside a test:
#
#   my $s = Holdfast->start(conf => held_conf(), files => held_files());
#   my $hold = Holdfast::Hold->start($s, connections => 500, echoes => 100);
#   ... what they should not notice ...
#   my $held = $hold->unnoticed('by reloads');	# tests, and what it counted
#
# The configuration has an HTTP listener %%PORT_http%% and an echo listener
# %%PORT_echo%%; held_routes() is what hold asks of the first.
package Holdfast::Hold;

use v5.36;
use Exporter qw(import);
use JSON::PP ();
use Test::More ();

use Holdfast ();
use Holdfast::Command;
use Holdfast::Dir;
use Holdfast::Wait;

our @EXPORT = qw(held_conf held_routes held_files);

# t/tools/hold.c, as the build made it, or made here; undef without a compiler.
sub program () {
	state $program = do {
		my $built = (Holdfast::build() // '') . '/t/tools/hold';

		-x $built ? $built : _make();
	};
	return $program;
}

sub _make () {
	my $cc = $ENV{CC} // 'cc';

	return undef unless Holdfast::has_program($cc =~ s/ .*//r);
	my $made = Holdfast::Dir->new->path('hold');
	my $source = Holdfast::top() . '/t/tools/hold.c';

	return system("$cc -std=gnu11 -D_GNU_SOURCE -O2 -o $made $source") == 0
		? $made : undef;
}

sub held_routes () {
	return <<'E';
  { path = "/q"; match = "exact"; handler = "respond";
    body = "${query.x}"; },
  { path = "/form"; match = "exact"; methods = [ "POST" ];
    handler = "respond"; body = "${form.x}"; },
  { path = "/f/"; handler = "static"; root = "%%DIR%%/www"; }
E
}

# $more: further settings; listeners => text of further listeners.
sub held_conf ($more = '', %opt) {
	my $listeners = $opt{listeners} ? ",\n$opt{listeners}" : '';

	return <<"E" . held_routes() . <<"F";
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; }$listeners
);
sites = ( { routes = (
E
); } );
$more
F
}

sub held_files () {
	return { map {
		("www/$_" => join '',
			map { sprintf "%07d\n", $_ } 0 .. $_ / 8 - 1)
	} 10000, 100000, 300000 };
}

# start($server, connections => N, echoes => M, tolerate_closed => 1): returns
# when each of them has been served once.
sub start ($class, $server, %opt) {
	my @argv = (program(), '--patience', patience());

	push @argv, '--http', $server->address('http'),
		'--connections', $opt{connections} if $opt{connections};
	push @argv, '--echo', $server->address('echo'),
		'--echoes', $opt{echoes} if $opt{echoes};
	push @argv, '--tolerate-closed' if $opt{tolerate_closed};
	my $self = bless { server => $server,
		tolerant => $opt{tolerate_closed},
		command => Holdfast::Command->new(\@argv) }, $class;

	wait_until {
		$self->ended || $self->{command}->err =~ /^served$/m;
	} 'all clients to be served';
	return $self;
}

sub ended ($self) { return $self->{command}->ended }

# Lets it finish what is outstanding; what it counted.
sub result ($self) {
	return $self->{result} //= do {
		kill 'TERM', $self->{command}->pid unless $self->ended;
		my ($exit, $out, $err) =
			$self->{command}->wait(2 * patience());
		my $result = eval { JSON::PP::decode_json($out) } //
			{ faults => ["hold: exit $exit: $out$err"] };

		$result->{exit} = $exit;
		$result;
	};
}

# Tests that it noticed nothing; returns what it counted.
sub unnoticed ($self, $what) {
	my $result = $self->result;
	my $builder = Test::More->builder;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $fine = 1;

	for my $count ($self->{tolerant} ? qw(hung wrong)
			: qw(lost hung closed_by_server wrong)) {
		$fine &= $builder->is_num($result->{$count}, 0,
			"$what: 0 $count");
	}
	$fine &= $builder->is_eq($result->{exit}, 0,
		"$what: $result->{requests} requests, $result->{echo_bytes}"
		. ' bytes echoed, all as they should be');
	$builder->note("slowest: $result->{max_latency_ms} ms, "
		. "99 %: $result->{p99_ms} ms");
	if (!$fine) {
		$builder->diag("  $_") for $result->{faults}->@*;
		$builder->diag("  seed $result->{seed}");
	}
	return $result;
}

1;
