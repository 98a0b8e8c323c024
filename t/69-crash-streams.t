# SPDX-License-Identifier: BSD-2-Clause
#
# A worker that crashes gives its quiet streams to another one: neither side of
# them notices, and the end of either is still passed on.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::StreamServer;

plan skip_all => 'AddressSanitizer has its own handler of SIGSEGV'
	if binary_has_sanitizers();

my $server = Holdfast::StreamServer->new(sub ($c) {
	while (sysread $c, my $bytes, 65536) { print {$c} $bytes }
	print {$c} 'bye';
});
my $s = Holdfast->start(conf => <<"E");
workers = 2;
listeners = ( { address = "127.0.0.1:%%PORT_stream%%"; protocol = "stream"; upstream = "a"; } );
upstreams = ( { name = "a"; servers = ( { address = "$server->{address}"; } ); } );
E
my @clients = map { $s->client } 1 .. 20;

# What each says comes back.
sub all_echo ($text) {
	$clients[$_]->send("$text $_ ") for 0 .. $#clients;
	is scalar(grep { eval { $clients[$_]->read_bytes(length "$text $_ ") }
		ne "$text $_ " } 0 .. $#clients), 0, "$text: all are there";
}
all_echo('before');
for my $n (1 .. 2) {
	for my $pid ($s->workers) {
		$s->wait_workers(2);
		$s->allow_log(qr/^\S+Z? error worker \d+\[$pid\]: /);
		$s->kill_worker($pid, 'SEGV');
		$s->wait_workers(2);
		all_echo("crash $n of $pid");
	}
}
$clients[0]->finish_sending;
is $clients[0]->read_to_end, 'bye', 'an end is passed on';
$_->close for @clients;
is $server->accepted, 20, 'with the connections they had';
$s->allow_log(qr/workers are dying at startup/);
$s->finish;
done_testing;
