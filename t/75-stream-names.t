# SPDX-License-Identifier: BSD-2-Clause
#
# by_name: the upstream of a TLS connection by the name that the client asks for,
# without decrypting anything.
use v5.36;
use Errno qw(ECONNRESET);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Dir;
use Holdfast::Ordinary qw(free_port);
use Holdfast::StreamServer;

plan skip_all => 'openssl(1) is missing' unless has_program('openssl');

my $dir = Holdfast::Dir->new;

sub silently (@command) {
	my $command = Holdfast::Command->new(\@command);
	my ($exit, $out, $err) = $command->wait;

	die "@command: $err" if $exit ne '0';
	return $out;
}
silently(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1
	-nodes -days 90 -subj /CN=names.test -keyout), $dir->path('key'),
	'-out', $dir->path('cert'));

# A server of TLS, whose every response has its own name in it.
my $tls_port = free_port();
my $tls = Holdfast::Command->new(['openssl', 's_server', '-accept',
	"127.0.0.1:$tls_port", '-cert', $dir->path('cert'), '-key',
	$dir->path('key'), '-www', '-quiet']);

# And servers that tell what came to them.
sub named ($name) {
	return Holdfast::StreamServer->new(sub ($c) {
		my $got = '';

		sysread $c, $got, 65536, length $got until length $got >= 50;
		print {$c} "$name ", unpack('H*', $got);
	});
}
my %servers = map { $_ => named($_) } qw(exact below deeper rest);

my $s = Holdfast->start(conf => <<"E");
workers = 1;
timeouts = { header = "2s"; };
log = { access = "%%DIR%%/access.log"; format = "\${host:--} \${upstream:--} \${status} \${stream.end}"; };
listeners = (
  { address = "127.0.0.1:%%PORT_names%%"; protocol = "stream"; by_name = (
    { hosts = [ "a.test", "b.test" ]; upstream = "exact"; },
    { hosts = [ "*.a.test" ]; upstream = "below"; },
    { hosts = [ "*.deep.a.test" ]; upstream = "deeper"; },
    { hosts = [ "names.test" ]; upstream = "tls"; },
    { hosts = [ "*" ]; upstream = "rest"; } ); },
  { address = "127.0.0.2:%%PORT_few%%"; protocol = "stream"; by_name = (
    { hosts = [ "a.test" ]; upstream = "exact"; } ); }
);
upstreams = (
  { name = "tls"; servers = ( { address = "127.0.0.1:$tls_port"; } ); },
@{[join ",\n", map { qq(  { name = "$_"; servers = ( { address = "$servers{$_}{address}"; } ); }) } sort keys %servers]}
);
E

# A ClientHello; cut into records of so many bytes.
sub hello ($name, $piece = 16384) {
	my $sni = defined $name ? pack('n/a*', pack 'Cn/a*', 0, $name) : undef;
	my $extensions = defined $sni ? pack 'nn/a*', 0, $sni : '';
	my $body = pack('n', 0x303) . 'r' x 32 . pack('Cnn', 0, 2, 0x1301)
		. pack('CC', 1, 0) . pack('n/a*', $extensions);
	my $message = pack('CCn', 1, 0, length $body) . $body;

	return join '', map { pack 'Cnn/a*', 22, 0x301, $_ }
		$message =~ /.{1,$piece}/gs;
}

for my $case (['a.test', 'exact'], ['A.TEST.', 'exact'], ['b.test', 'exact'],
	['x.a.test', 'below'], ['x.y.a.test', 'below'], ['deep.a.test', 'below'],
	['x.deep.a.test', 'deeper'], ['c.test', 'rest'], ['test', 'rest'],
	[undef, 'rest']) {
	my ($name, $upstream) = @$case;

	for my $piece (16384, 1, 7) {
		my $hello = hello($name, $piece);
		my $c = $s->client('names');

		if ($piece == 7) { # and in pieces
			for my $part ($hello =~ /.{1,11}/gs) {
				$c->send($part);
				select undef, undef, undef, 0.002;
			}
		} else {
			$c->send($hello);
		}
		my $got = $c->read_to_end;

		like $got, qr/^\Q$upstream\E /, ($name // 'no name') . " in pieces of $piece";
		is index($got, unpack "H100", $hello), length("$upstream "),
			'untouched';
	}
}

subtest 'a real client and a real server' => sub {
	my $command;

	wait_until {
		$command = Holdfast::Command->new(['openssl', 's_client', '-quiet',
			'-connect', $s->address('names'), '-servername', 'names.test',
			'-CAfile', $dir->path('cert'), '-verify_return_error'],
			input => "GET / HTTP/1.0\r\n\r\n");
		$command->wait;

		$command->out =~ /Ciphers supported|s_server/;
	} 'openssl s_client to be answered', 30;
	like $command->out, qr/TLSv1\.3/, 'talk to each other';
};

subtest 'refused' => sub {
	for my $case (['names', "GET / HTTP/1.1\r\n\r\n", qr/hello: it is not a TLS handshake/],
		['names', hello("bad name"), qr/hello: its server name is not valid/],
		['few', hello('c.test'), qr/choice: no upstream is for the server name "c\.test"/],
		['few', hello(undef), qr/choice: no upstream is for the server name ""/]) {
		my ($to, $bytes, $log) = @$case;
		my $c = $s->client($to);

		$c->send($bytes);
		is $c->read_to_end, '', 'nothing';
		ok $c->was_reset, 'but a reset';
		$s->wait_log(qr/stream on .* closed: $log/);
	}
	my $c = $s->client('names');

	$c->send(substr hello('a.test'), 0, 30);
	is $c->read_to_end, '', 'half a ClientHello';
	$s->wait_log(qr/hello: it has not come within timeouts\.header/);
	$s->expect_log(qr/stream on .* closed/);
};

wait_until { ($s->dir->read('access.log') // '') =~ m{^- - 408 refused$}m }
	'the access log';
my $log = $s->dir->read('access.log');

like $log, qr{^x\.deep\.a\.test deeper 200 \w+_closed$}m, 'has the name';
like $log, qr{^c\.test - 421 refused$}m, 'of one that has no upstream, too';
$s->finish;
done_testing;
