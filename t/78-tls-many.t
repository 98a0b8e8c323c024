# SPDX-License-Identifier: BSD-2-Clause
#
# More certificates than the socket to the keeper takes messages at a time: all of
# their keys are there when workers ask for them, at the start, at a reload and for
# the next keeper.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Tls qw(has_tls_programs keepers make_certificate s_client);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $n = 600;
my $both = join '', make_certificate('ec', 'localhost');
my $s = Holdfast->start(prepare => sub ($dir) {
	$dir->write("tls/$_.pem", $both, 0600) for 1 .. $n;
}, conf => <<'E');
tls = { certificates = ( { directory = "tls"; } ); };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; tls = true; } );
sites = ( { routes = ( { path = "/"; handler = "respond"; body = "served\n"; } ); } );
E

sub serves () {
	return s_client($s->address, "GET / HTTP/1.1\r\nHost: a\r\n"
		. "Connection: close\r\n\r\n") =~ /^served$/m;
}

ok serves(), "$n certificates";
$s->reload;
ok serves(), 'at a reload';
$s->expect_log(qr/the keeper has died: starting another/);
my @before = keepers($s);

kill 'KILL', @before;
ok serves(), 'with the next keeper';
$s->reload;
ok serves(), 'which has them all';
$s->finish;
done_testing;
