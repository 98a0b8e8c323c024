# SPDX-License-Identifier: BSD-2-Clause
#
# A stream from a listener that speaks TLS: the server gets what was in it, and a
# session goes on after a move, to its end in both directions.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Proc qw(alive);
use Holdfast::StreamServer;

plan skip_all => 'openssl(1) is missing' unless has_program('openssl');

my $server = Holdfast::StreamServer->new(sub ($c) {
	my $n = 0;

	while (my $got = sysread $c, my $bytes, 65536) {
		$n += $got;
		print {$c} $bytes;
	}
	Holdfast::StreamServer::note("ended after $n");
});
my $conf = <<"E";
workers = 1;
timeouts = { drain = "1s"; };
tls = { certificates = ( { chain = "cert"; key = "key"; } ); };
listeners = ( { address = "127.0.0.1:%%PORT_tls%%"; protocol = "stream"; upstream = "a"; tls = true; } );
upstreams = ( { name = "a"; servers = ( { address = "$server->{address}"; } ); } );
E
my $s = Holdfast->start(conf => $conf, prepare => sub ($dir) {
	my ($exit, $out, $err) = Holdfast::Command->new(['openssl', qw(req -x509
		-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90
		-subj /CN=stream.test -keyout), $dir->path('key'), '-out',
		$dir->path('cert')])->wait;

	die $err if $exit ne '0';
	chmod 0600, $dir->path('key');
});
my $client = Holdfast::Command->new(['openssl', 's_client', '-quiet', '-no_ign_eof',
	'-connect', $s->address('tls'), '-CAfile', $s->path('cert'),
	'-verify_return_error'], input => 'pipe');
my $sent = '';

sub say_and_hear ($text) {
	$client->write($text);
	$sent .= $text;
	wait_until {
		die 'the client has ended: ', $client->err if $client->ended;
		$client->out eq $sent;
	} 'all to come back';
}

say_and_hear("hello\n");
pass 'there and back';
say_and_hear(join '', map { '0123456789' x 9 . "\n" } 1 .. 5000);
pass 'much';
for (1 .. 2) {
	my @old = $s->workers;

	$s->reload($conf);
	wait_until { !grep { alive($_) } @old } 'the old worker to go';
	say_and_hear("again\n");
	pass 'after a move';
}
$client->close_input;
$client->wait;
is $server->noted, 'ended after ' . length $sent, 'the end is passed on';
$s->finish;
done_testing;
