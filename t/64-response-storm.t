# SPDX-License-Identifier: BSD-2-Clause
#
# Downloads that take their time, of files, of several ranges, of what is
# compressed, of a listing, and uploads, while the server reloads and is
# upgraded with a timeouts.drain that is far too short for any of them, beside
# clients that never open a connection again: each byte is right, nothing is
# lost, nothing is closed, each has its line in the access log, and no worker
# stays for them. The upgrades are to a program whose formats differ, and back.
#
# HOLDFAST_TEST_LONG=1: 20 downloads of 50 MB, 30 reloads, 5 upgrades.
use v5.36;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Background;
use Holdfast::Load qw(keepalive_load);
use Holdfast::Slow qw(slow_job slow_load);
use Holdfast::Storm;
use Holdfast::Upgraded;

my $long = $ENV{HOLDFAST_TEST_LONG};
my ($reloads, $upgrades, $pause) = $long ? (30, 5, 1.6) : (6, 2, 0.4);
# More than the buffers of a connection in the kernel take at once.
my $rate = $long ? 1_000_000 : 3_000_000;
my $many = scaled($long ? 20 : 6);
my $names = $long ? 50_000 : 2000;

# Lines that gzip makes half as long.
sub lines_of ($n) {
	my $text = '';

	for (my $x = 1; length $text < $n;) {
		$x = ($x * 1103515245 + 12345) & 0x7fffffff;
		$text .= sprintf "%08x\n", $x;
	}
	return $text;
}

my $file = lines_of($long ? 50_000_000 : 12_000_000);
my $text = lines_of($long ? 20_000_000 : 12_000_000);
my $upload = 'u' x ($long ? 4_000_000 : 300_000);

sub conf ($n) {
	return <<"EOF_CONF";
workers = 2;
log = { access = "%%DIR%%/access.log";
  format = "\${header.x-case} \${status} \${bytes} \${sent.content-length} \${connection_requests}"; };
limits = { body = "8m"; };
timeouts = { drain = "1s"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/f/"; handler = "static"; root = "%%DIR%%/www";
    compress = [ "gzip" ]; },
  { path = "/list/"; handler = "static"; root = "%%DIR%%/list";
    listing = true; },
  { path = "/upload"; handler = "respond"; methods = [ "POST" ];
    body = "\${form_size.x}"; },
  { path = "/q"; handler = "respond"; body = "q"; },
  { path = "/g$n"; handler = "respond"; body = "$n"; } ); } );
EOF_CONF
}

my $s = Holdfast::Upgraded->start(conf => conf(0),
	files => { 'www/file' => $file, 'www/text.txt' => $text },
	prepare => sub ($dir) {
		$dir->mkdir('list');
		for my $i (1 .. $names) {
			open my $out, '>', $dir->path(sprintf
				"list/%06d-%s", $i, 'n' x 100) or die $!;
		}
	});

first_upgrade($s);

my $span = int(length($file) / 8);
my @spans = map { [2 * $_ * $span, (2 * $_ + 1) * $span - 1] } 0 .. 3;
my $ranges = join ',', map { "$_->[0]-$_->[1]" } @spans;
my $parts = join('', map {
	"\r\n--boundary\r\nContent-Type: application/octet-stream\r\n" .
		"Content-Range: bytes $_->[0]-$_->[1]/" . length($file) .
		"\r\n\r\n" . substr $file, $_->[0], $_->[1] - $_->[0] + 1
} @spans) . "\r\n--boundary--\r\n";

sub request ($name, $method, $target, $fields = [], $body = undef) {
	return Holdfast::Client->request_text($method, $target, ['X-Case' =>
		$name, $fields->@*], $body);
}

my $list = $s->client->request('GET', '/list/')->body;
my %wanted = (file => $file, ranges => $parts, compressed => $text,
	listing => $list, upload => length $upload);
my @kinds = (
	([request('file', 'GET', '/f/file'), name => 'file', rate => $rate])
		x $many,
	([request('ranges', 'GET', '/f/file', [Range => "bytes=$ranges"]),
		name => 'ranges', rate => $rate]) x 3,
	([request('compressed', 'GET', '/f/text.txt',
		['Accept-Encoding' => 'gzip']), name => 'compressed',
		rate => $rate / 3, inflate => 1]) x 3,
	([request('listing', 'GET', '/list/'), name => 'listing',
		rate => length($list) / ($pause * $reloads)]) x 2,
	([request('upload', 'POST', '/upload', ['Content-Type' =>
		'application/x-www-form-urlencoded'], "x=$upload"),
		name => 'upload', rate => 1e6, send_rate => 100_000]) x 3,
);
my @clients = map { $s->client(undef, rcvbuf => 65536) } @kinds;
my @jobs = map { slow_job($clients[$_], $kinds[$_]->@*) } 0 .. $#kinds;
my @held = map { $s->client } 1 .. scaled(64);
my @load = (
	Holdfast::Background->new(sub ($stopping) {
		return slow_load($stopping, @jobs);
	}, keep => [map { $_->socket } @clients]),
	Holdfast::Background->new(sub ($stopping) {
		return keepalive_load($stopping, '/q', @held);
	}, keep => [map { $_->socket } @held]),
);

$_->close for @clients, @held;

# Among others the time to compress what they had begun to: of the long run
# three times 20 MB, which is a second of CPU time, and far more of a busy machine.
storm($s, reloads => $reloads, upgrades => $upgrades, pause => $pause,
	patience => $long ? 120 : 5, conf => \&conf);
$_->stop for @load;
my ($slow, $held) = map { $_->finished } @load;

is_deeply $held->{faults}, {}, "$held->{requests} short requests, none lost, " .
	'nothing closed';
my (%times, %sum);

$sum{$_} = md5_hex($wanted{$_}) for keys %wanted;
for my $job ($slow->{jobs}->@*) {
	my $name = $job->{name};

	is $job->{fault}, undef, "$name: nothing is lost or closed";
	is scalar(grep { $_ ne $sum{$name} } $job->{sums}->@*), 0,
		'every byte is right, ' . $job->{sums}->@* . ' times';
	$times{$name} += $job->{sums}->@*;
}
my %lines;

wait_until {
	%lines = ();
	$lines{$_}++ for ($s->dir->read('access.log') // '') =~ /^(\w+) 20/mg;
	!grep { ($lines{$_} // 0) < $times{$_} } keys %times;
} 'the access log';
is_deeply { map { $_ => $lines{$_} } keys %times }, \%times,
	'each has one line in the access log';
my @wrong = grep { !/^- / && !/^(?:file\ 200\ (\d+)\ \1|ranges\ 206\ (\d+)\ \2|
	compressed\ 200\ \d{6,}\ -|listing\ 200\ (\d+)\ \3|
	upload\ 200\ \d+\ \d+)\ \d+$/x }
	split /\n/, $s->dir->read('access.log');

is scalar(@wrong), 0, 'which is right' or diag join "\n", @wrong[0 .. 5];
$s->wait_workers(2);
is scalar($s->processes), 3, 'one master and its workers are left';
is $s->status->{totals}{handoff_damaged}, 0, 'no message was damaged';
is scalar($s->logged(qr/: cut: /)), 0, 'nobody was cut';
$s->finish;
done_testing;
