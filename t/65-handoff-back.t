# SPDX-License-Identifier: BSD-2-Clause
#
# New workers that are stopped after the handoff: the old ones take back what
# nobody has taken, serve it, and give it away again when the others go on.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive stop_process continue_process);

my $n = 20;
my $conf = <<'E';
timeouts = { drain = "60s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "NAME ${query.x}"; } ); } );
E
my $s = Holdfast->start(conf => $conf =~ s/NAME/old/r);
my @clients = map { $s->client } 1 .. $n;
my @old = $s->workers;

sub served_by ($name) {
	return scalar grep {
		my $r = $clients[$_]->get("/?x=$_");

		$r->body eq "$name $_" && !$r->closes;
	} 0 .. $#clients;
}

is served_by('old'), $n, 'clients of the old workers';
# Nothing moves before the new ones are stopped.
stop_process(@old);
$s->reload($conf =~ s/NAME/new/r);
my @new = $s->workers;

stop_process(@new);
continue_process(@old);
$s->allow_log(qr/\(pid (?:@{[join '|', @new]})\) is stuck/);
is served_by('old'), $n, 'are served by them when nobody takes over';
# One of them may have taken back what was the other's.
cmp_ok scalar(grep { alive($_) } @old), '>=', 1, 'as long as it takes';
continue_process(@new);
$s->wait_workers(2);
is scalar(grep { alive($_) } @old), 0, 'then the old workers are gone';
is served_by('new'), $n, 'and the new ones serve';
$_->close for @clients;
$s->finish;
done_testing;
