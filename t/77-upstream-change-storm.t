# SPDX-License-Identifier: BSD-2-Clause
#
# Changes of a server while reloads, upgrades and deaths of workers go on: once one
# is answered, it holds.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Upgraded;

my ($a, $b) = map {
	my $name = $_;

	Holdfast::Backend->new(sub ($request, $socket) {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name";
		return 1;
	});
} 'a', 'b';
my $s = Holdfast::Upgraded->of(Holdfast->start(conf => <<"CONF"));
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$a->{address}"; },
  { address = "$b->{address}"; } ); } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
CONF

$s->allow_log(qr/signal 9|Killed/i, qr/dying at startup/, qr/upgrade failed/);

my %event = (
	reload => sub { return $s->command('reload') },
	upgrade => sub { return $s->command('upgrade') },
	death => sub { kill 'KILL', ($s->workers)[0]; return },
	nothing => sub { return },
);

# Until it is not refused for an upgrade that is under way.
sub change (@words) {
	my ($exit, $out, $err);

	wait_until {
		($exit, $out, $err) = $s->run('upstream', 'app', @words);
		$exit == 0 || $err !~ /^refused: the server is/;
	} "@words not to be refused";
	is $exit, 0, "@words" or diag $err;
}

sub by_new ($n = 12) {
	my %by;

	for (1 .. $n) {
		my $r = $s->client->get('/');

		$by{$r->status == 200 ? $r->body : $r->status}++;
	}
	return join '', sort keys %by;
}

for my $round (1 .. scaled(3)) {
	for my $what (sort keys %event) {
		subtest "round $round: $what" => sub {
			my $command = $event{$what}->();

			change($a->{address}, 'drain');
			is by_new(), 'b', 'it gets nothing any more';
			is +($command->wait)[0], 0, $what if $command;
			$s->follow if $what eq 'upgrade';
			is by_new(), 'b', 'nor afterwards';
			$command = $event{$what}->();
			change($a->{address}, 'enable');
			change($b->{address}, 'drain');
			is by_new(), 'a', 'the other way round';
			is +($command->wait)[0], 0, $what if $command;
			$s->follow if $what eq 'upgrade';
			is by_new(), 'a', 'and afterwards';
			change($b->{address}, 'enable');
			$s->wait_workers(2);
			is by_new(24), 'ab', 'both';
		};
	}
}

$s->finish;
done_testing;
