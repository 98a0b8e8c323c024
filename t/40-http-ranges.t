# SPDX-License-Identifier: BSD-2-Clause
#
# Parts of files (RFC 9110 section 14), of one that is kept in memory and of
# one that is sent from the disk.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $size = 10000;
my %content = (
	'/small' => join('', map { chr(32 + $_ % 90) } 1 .. $size),
	'/large' => join('', map { chr(33 + $_ % 89) } 1 .. $size) x 10,
);
my $s = Holdfast->start(files => {
	'www/small' => $content{'/small'},
	'www/large' => $content{'/large'},
	'www/empty' => '',
	'www/one' => '1',
}, prepare => sub ($dir) {
	utime 784111777, 784111777, map { $dir->path("www/$_") }
		qw(small large one);
}, conf => <<'E');
limits = { ranges = 32; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/text"; handler = "respond"; body = "0123456789"; } ); } );
E
my $c = $s->client;

for my $target (sort keys %content) {
	my $all = $content{$target};
	my $n = length $all;
	my $whole = $c->get($target);

	is $whole->field('accept-ranges'), 'bytes', "$target: Accept-Ranges";

	# [Range, first byte, last byte]
	for my $case (
		['bytes=0-0', 0, 0],
		['bytes=0-499', 0, 499],
		['bytes=500-999', 500, 999],
		['bytes=500-', 500, $n - 1],
		['bytes=0-', 0, $n - 1],
		['bytes=-1', $n - 1, $n - 1],
		['bytes=-500', $n - 500, $n - 1],
		["bytes=-$n", 0, $n - 1],
		['bytes=-99999999999999999999', 0, $n - 1],
		["bytes=9000-@{[$n + 5]}", 9000, $n - 1],
		['bytes=7-99999999999999999999', 7, $n - 1],
		["bytes=@{[$n - 1]}-", $n - 1, $n - 1],
		['Bytes= 1-2 ,', 1, 2],
		['bytes=1-2,999999999-', 1, 2],
		['bytes=10-19,20-29', 10, 29],
		['bytes=10-30,20-29,15-40', 10, 40],
	) {
		my ($range, $first, $last) = @$case;
		my $r = $c->get($target, Range => $range);
		my $name = "$target: $range";

		is $r->status, 206, "$name: status";
		is $r->reason, 'Partial Content', "$name: reason";
		is $r->field('content-range'), "bytes $first-$last/$n",
			"$name: Content-Range";
		is $r->field('content-length'), $last - $first + 1,
			"$name: Content-Length";
		ok $r->body eq substr($all, $first, $last - $first + 1),
			"$name: content";
		is $r->field($_), $whole->field($_), "$name: $_"
			for qw(ETag Last-Modified Content-Type);
	}

	for my $range ("bytes=$n-", "bytes=@{[$n + 1]}-@{[$n + 2]}",
		'bytes=-0', 'bytes=999999999-,-0',
		'bytes=99999999999999999999-') {
		my $r = $c->get($target, Range => $range);

		is $r->status, 416, "$target: $range: status";
		is $r->field('content-range'), "bytes */$n",
			"$target: $range: how much there is";
		unlike $r->body, qr/\Q@{[substr $all, 0, 20]}/,
			"$target: $range: nothing of the file";
	}

	for my $range ('bytes=5-1', 'bytes=', 'bytes=-', 'bytes=a-b',
		'items=0-1', 'bytes=0-1,x', '0-1', 'bytes',
		'bytes=' . join(',', map { $_ * 100 . '-' . $_ * 100 } 0 .. 40)) {
		my $r = $c->get($target, Range => $range);

		is $r->status, 200, "$target: $range is ignored";
		is $r->field('content-range'), undef, "$target: $range: none";
		ok $r->body eq $all, "$target: $range: all of it";
	}
	is $c->get($target, Range => 'bytes=0-1', Range => 'bytes=2-3')->status, 200,
		"$target: two Range fields are ignored";

	# Many ranges, in the order they were asked for.
	for my $case (
		['bytes=0-0,-1', [0, 0], [$n - 1, $n - 1]],
		['bytes=-1,0-0', [$n - 1, $n - 1], [0, 0]],
		['bytes=500-999, 7000-7999,100-199',
			[500, 999], [7000, 7999], [100, 199]],
		['bytes=0-99,200-299,100-110', [0, 110], [200, 299]],
		['bytes=0-9,999999999-,5000-', [0, 9], [5000, $n - 1]],
		['bytes=' . join(',', map { $_ * 200 . '-' . $_ * 200 } 0 .. 31),
			map { [$_ * 200, $_ * 200] } 0 .. 31],
	) {
		my ($range, @wanted) = @$case;
		my $r = $c->get($target, Range => $range);
		my $name = "$target: " . substr $range, 0, 40;
		my ($boundary) = $r->field('content-type') =~
			m{\Amultipart/byteranges; boundary=([0-9a-f]{32})\z};

		is $r->status, 206, "$name: status";
		ok $boundary, "$name: Content-Type";
		is scalar($r->all('content-type')), 1, "$name: once";
		is $r->field('content-range'), undef, "$name: no Content-Range";
		is $r->field($_), $whole->field($_), "$name: $_"
			for qw(ETag Last-Modified);
		# zsync reads a line before the first boundary, too.
		is $r->body, join('', map {
			my ($first, $last) = @$_;

			"\r\n--$boundary\r\n"
			. "Content-Type: application/octet-stream\r\n"
			. "Content-Range: bytes $first-$last/$n\r\n\r\n"
			. substr($all, $first, $last - $first + 1)
		} @wanted) . "\r\n--$boundary--\r\n", "$name: the parts";
		is $r->field('content-length'), length $r->body,
			"$name: Content-Length";
	}
	isnt $c->get($target, Range => 'bytes=0-0,-1')->field('content-type'),
		$c->get($target, Range => 'bytes=0-0,-1')->field('content-type'),
		"$target: each with another boundary";

	subtest "$target: HEAD has no ranges" => sub {
		my $r = $c->request('HEAD', $target, [Range => 'bytes=0-1']);

		is $r->status, 200, 'status';
		is $r->field('content-length'), $n, 'Content-Length';
		is $r->field('content-range'), undef, 'no Content-Range';
	};

	subtest "$target: If-Range" => sub {
		my $tag = $whole->field('etag');
		my $date = $whole->field('last-modified');
		my %wanted = ($tag => 206, $date => 206, "W/$tag" => 200,
			'"x"' => 200, "$tag, $tag" => 200, '*' => 200,
			'Sun, 06 Nov 1994 08:49:36 GMT' => 200,
			'Sun, 06 Nov 1994 08:49:38 GMT' => 200,
			'Sunday, 06-Nov-94 08:49:37 GMT' => 206,
			'x' => 200);

		for my $value (sort keys %wanted) {
			is $c->get($target, 'If-Range' => $value,
					Range => 'bytes=1-2')->status,
				$wanted{$value}, $value;
		}
		is $c->get($target, 'If-Range' => '"x"',
				Range => "bytes=$n-")->status, 200,
			'what cannot be satisfied does not matter';
		is $c->get($target, 'If-Range' => $tag)->status, 200,
			'nor does it without Range';
	};
}

subtest 'the parts put together' => sub {
	for my $target (sort keys %content) {
		my ($n, $got) = (length $content{$target}, '');

		while (length $got < $n) {
			my $first = length $got;
			my $r = $c->get($target, Range =>
				"bytes=$first-@{[$first + 1233]}");

			is $r->status, 206, 'a part' or last;
			$got .= $r->body;
		}
		ok $got eq $content{$target}, $target;
	}
};

subtest 'nothing, and one byte' => sub {
	for my $range ('bytes=0-', 'bytes=0-0') {
		my $r = $c->get('/empty', Range => $range);

		is $r->status, 416, "$range of nothing";
		is $r->field('content-range'), 'bytes */0', 'Content-Range';
	}
	is $c->get('/empty', Range => 'bytes=-5')->status, 200,
		'the last five of nothing';
	is $c->get('/one', Range => 'bytes=0-')->body, '1', 'all of one byte';
	is $c->get('/one', Range => 'bytes=1-')->status, 416, 'after it';
};

subtest 'where there are no ranges' => sub {
	is $c->get('/none', Range => 'bytes=0-1')->status, 404, 'missing';
	my $r = $c->get('/text', Range => 'bytes=0-1');

	is $r->status, 200, 'a text';
	is $r->body, '0123456789', 'whole';
	is $r->field('accept-ranges'), undef, 'and says so';
};

subtest 'pipelined' => sub {
	for my $target (sort keys %content) {
		$c->send(join '', map {
			Holdfast::Client->request_text('GET', $target,
				[Range => "bytes=$_-@{[$_ + 99]}"])
		} 0 .. 19);
		is $c->response->body, substr($content{$target}, $_, 100),
			"$target: $_" for 0 .. 19;
	}
};

$c->close;
$s->finish;
done_testing;
