# SPDX-License-Identifier: BSD-2-Clause
#
# Settings of upstreams that are wrong: each error with its line.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Dir;

my $dir = Holdfast::Dir->new;

sub conf ($settings) {
	return <<"CONF";
listeners = ( { address = "127.0.0.1:0"; } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "u"; } ); } );
upstreams = ( { name = "u";
$settings
} );
CONF
}

my $servers = 'servers = ( { address = "127.0.0.1:1"; } );';

# [what, the settings, what is said of line 4]
for my $case (
	['a server without an address', 'servers = ( { weight = 2; } );',
		qr/a server has an address, or an srv/],
	['an address and an srv',
		'servers = ( { address = "a:1"; srv = "_a._tcp.b"; } );',
		qr/an address or an srv, not both/],
	['the weight of an srv', 'servers = ( { srv = "_a._tcp.b"; weight = 2; } );',
		qr/weight: .*has weights of its own/],
	['an srv as a backup', 'servers = ( { srv = "_a._tcp.b"; backup = true; } );',
		qr/backup: .*has priorities of its own/],
	['an srv with a port', 'servers = ( { srv = "a.b:80"; } );', qr/srv/],
	['a time without a queue', "$servers queue_timeout = \"1s\";",
		qr/queue_timeout: .*there is no queue/],
	['no time', "$servers queue = 1; queue_timeout = \"0s\";",
		qr/queue_timeout: .*minimum/],
	['a sticky upstream without a cookie', "$servers sticky = { };", qr/cookie/],
	['a path for a cookie', "$servers sticky = { cookie = \"a\"; path = \"x\"; };",
		qr/the path of a cookie begins with/],
	['the end of a path', "$servers sticky = { cookie = \"a\"; path = \"/;a\"; };",
		qr/the path of a cookie begins with/],
	['a cookie for other sites', "$servers sticky = { cookie = \"a\"; "
		. 'samesite = "none"; secure = "never"; };',
		qr/is for cookies that are secure/],
	['a name that is none', "$servers sticky = { cookie = \"a b\"; };", qr/cookie/],
	['too long a queue', "$servers queue = 100001;", qr/queue: .*maximum, 100000/],
) {
	my ($what, $settings, $why) = @$case;

	$dir->write('holdfast.conf', conf($settings));
	my ($exit, $out, $err) = holdfast('-c', $dir->path('holdfast.conf'), 'check');

	is $exit, 1, $what;
	like $err, qr/holdfast\.conf:4: .*$why/, "$what: why";
}

for my $settings ('servers = ( { srv = "_a._tcp.b"; max_connections = 2; } );',
	"$servers queue = 2;", "$servers sticky = { cookie = \"a\"; };", "$servers queue = 2; queue_timeout = \"1s\";") {
	$dir->write('holdfast.conf', conf($settings));
	my $path = $dir->path('holdfast.conf');
	my ($exit, $shown, $err) = holdfast('-c', $path, 'show');

	is $exit, 0, $settings or diag $err;
	$dir->write('holdfast.conf', $shown);
	is +(holdfast('-c', $path, 'show'))[1], $shown, 'what is shown is the same';
}

done_testing;
