# SPDX-License-Identifier: BSD-2-Clause
#
# Lines of the access log as a template, and what tells a request from all
# others: in the log, and in the response.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;

my $fields = 'response_fields = [ "X-Request-Id: ${request_id}", '
	. '"Server-Timing: a;dur=${time.answer}", "X-Status: ${status}" ];';

sub start ($format) {
	return Holdfast->start(files => { 'www/a.txt' => "file\n" },
		prepare => sub ($dir) { $dir->mkdir('log') }, conf => <<"E");
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
log = { access = "%%DIR%%/log/access.log"; format = "$format"; };
sites = ( { $fields routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/form"; handler = "respond"; body = "\${form.a}"; },
  { path = "/r"; handler = "respond"; body = "12345"; } ); } );
E
}

# Lines of the access log once there are $n.
sub lines ($s, $n) {
	my @lines;

	wait_until {
		@lines = split /^/, $s->dir->read('log/access.log') // '';
		@lines >= $n && $lines[-1] =~ /\n\z/;
	} "$n lines in the access log";
	chomp @lines;
	return @lines;
}

my $seconds = qr/\d+\.\d{6}/;

subtest 'variables' => sub {
	my $s = start(join '|', map { "\${$_}" } qw(method path target query
		protocol host route status bytes remote_addr connection
		connection_requests time time.local time.head time.answer
		time.send time.total sent.content-type sent.content-length
		sent.x-status cookie.id header.user-agent request_id));
	my $c = $s->client;

	$c->get('/a%2etxt?q=1', Cookie => 'x=y; id=42', 'User-Agent' => 'me');
	my $second = $c->get('/none');
	my @row = split /\|/, (lines($s, 2))[0];

	is_deeply [@row[0 .. 9]], ['GET', '/a.txt', '/a%2etxt?q=1', 'q=1',
		'HTTP/1.1', $row[5], '/', 200, 5, '127.0.0.1'], 'of the request';
	like $row[10], qr/\A\d+\z/, 'connection';
	is $row[11], 1, 'its first request';
	like $row[12], qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/, 'time';
	like $row[13], qr{\A\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [-+]\d{4}\z},
		'local time';
	like $row[$_], qr/\A$seconds\z/, "phase $_" for 14 .. 17;
	my $sum = $row[14] + $row[15] + $row[16];

	cmp_ok abs($sum - $row[17]), '<', 0.000004, 'which add up';
	like $row[18], qr{\Atext/plain}, 'a field of the response';
	is $row[19], 5, 'its length';
	is $row[20], 200, 'a field that was added';
	is $row[21], 42, 'a cookie';
	is $row[22], 'me', 'user agent';
	like $row[23], qr/\A[0-9a-f]{32}\z/, 'an id';
	@row = split /\|/, (lines($s, 2))[1];
	is_deeply [@row[1, 3, 7, 11, 21, 22]], ['/none', '-', 404, 2, '-', '-'],
		'another request, a dash for what is missing';
	is $second->field('X-Request-Id'), $row[23], 'the id in the response';
	is $second->field('X-Status'), 404, 'the status in it';
	like $second->field('Server-Timing'), qr/\Aa;dur=$seconds\z/,
		'and a time';
	$s->finish;
};

subtest 'an id that comes along' => sub {
	my $s = start('${request_id}');
	my $c = $s->client;
	my @ids = ('a', 'Ab0._~+/=-', 'x' x 128);

	for my $id (@ids) {
		is $c->get('/r', 'X-Request-Id' => $id)->field('X-Request-Id'),
			$id, 'is taken';
	}
	for my $id ('', 'x' x 129, 'a b', "a\"b", "\xe9") {
		my $got = $c->get('/r', 'X-Request-Id' => $id)
			->field('X-Request-Id');

		like $got, qr/\A[0-9a-f]{32}\z/, 'is not taken';
		push @ids, $got;
	}
	is_deeply [lines($s, 8)], \@ids, 'the log has the same';
	my %seen = map { $_ => 1 } @ids;

	is scalar keys %seen, 8, 'each has its own';
	$s->finish;
};

subtest 'nothing forges a line' => sub {
	my $s = start('\"${path}\" \"${query.q}\" \"${header.user-agent}\" '
		. '\"${header.x:-none}\" ${status}');
	my $c = $s->client;

	$c->get('/r?q=%0a1.2.3.4%22%5c%00%ff%80', 'User-Agent' => "a\"b\\\tc\xff",
		X => '"');
	$c->get("/%22%e9%7f-?q");
	my @lines = lines($s, 2);

	is $lines[0], '"/r" "\x0a1.2.3.4\x22\x5c\x00\xff\x80" '
		. '"a\x22b\x5c\x09c\xff" "\x22" 200', 'decoded, and escaped';
	like $lines[1], qr/\A"[^"]*" "-" "-" "none" \d{3}\z/, 'dashes';
	$s->finish;
	is scalar(() = $s->dir->read('log/access.log') =~ /\n/g), 2, 'two lines';
	unlike $s->dir->read('log/access.log'), qr/[^\x20-\x7e\n]/,
		'and nothing odd in them';
};

subtest 'JSON has the id' => sub {
	my $s = start('json');
	my $c = $s->client;
	my $id = $c->get('/r')->field('X-Request-Id');

	$c->close;
	my $bad = $s->client;

	$bad->send("NO\n\r\n\r\n");
	is $bad->response->status, 400, 'a bad request';
	my @rows = map { JSON::PP->new->utf8->decode($_) } lines($s, 2);

	is $rows[0]{request_id}, $id, 'of the response';
	like $rows[1]{request_id}, qr/\A[0-9a-f]{32}\z/, 'of a bad request too';
	like $rows[0]{time}, qr/\.\d{3}Z\z/, 'milliseconds';
	like $rows[0]{connection}, qr/\A\d+\z/, 'connection';
	$s->finish;
};

# What `holdfast check` says of a line 2.
sub check ($line) {
	my $dir = Holdfast::Dir->new;
	my $path = $dir->write('a.conf', 'listeners = ( { address = "7"; '
		. "protocol = \"echo\"; } );\n$line\n");

	return (holdfast('-c', $path, 'check'))[2];
}

for (['combind', qr/:2: log\.format: .*not "combind"; did you mean "combined"/],
	['text', qr/:2: log\.format: must be "combined", "json" or a line/],
	['${pth}', qr/:2: log\.format: .*did you mean "\$\{path\}"/],
	['${time.totl}', qr/:2: .*did you mean "\$\{time\.total\}"/],
	['${form.a}', qr/:2: .*"\$\{form\.a\}" is not known any more/],
	['${match.1}', qr/:2: .*not known any more/],
	['${path', qr/:2: .*"\}" is missing/],
	['a\n${path}', qr/:2: .*control characters/]) {
	my ($format, $says) = @$_;

	like check("log = { format = \"$format\"; };"), $says, $format;
}
my $site = 'listeners = ( { address = "8"; } ); sites = ( { routes = ( '
	. '{ path = "/"; handler = "respond"; %s } ); } );';
my $dir = Holdfast::Dir->new;

for (['body = "${status}";', qr/:1: .*not known before there is a response/],
	['body = "${bytes}";', qr/not known before the response has been sent/],
	['body = "${sent.etag}";', qr/not known before there is a response/],
	['response_fields = [ "A: ${bytes}" ];', qr/before the response has been/],
	['request_fields = [ "A: ${status}" ];', qr/before there is a response/]) {
	my ($setting, $says) = @$_;
	my $path = $dir->write('a.conf', sprintf $site, $setting);

	like((holdfast('-c', $path, 'check'))[2], $says, $setting);
}
done_testing;
