# SPDX-License-Identifier: BSD-2-Clause
#
# Conditional requests (RFC 9110 section 13): what a client has is not sent
# again, and what has changed is not taken for what it was.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $modified = 784111777;
my $s = Holdfast->start(files => {
	'www/a.txt' => "the file a\n",
	'www/large.txt' => 'large' x 10000,
	'www/future.txt' => "from the future\n",
	'www/index.html' => "<p>index\n",
}, prepare => sub ($dir) {
	utime $modified, $modified, map { $dir->path("www/$_") }
		qw(a.txt large.txt index.html);
	utime 4000000000, 4000000000, $dir->path('www/future.txt');
}, conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my $c = $s->client;
my %tag = map { $_ => $c->get($_)->field('etag') }
	qw(/a.txt /large.txt / /future.txt);
my $then = 'Sun, 06 Nov 1994 08:49:37 GMT';
my $before = 'Sun, 06 Nov 1994 08:49:36 GMT';
my $after = 'Sun, 06 Nov 1994 08:49:38 GMT';
my $tag = $tag{'/a.txt'};

# [what it is, status, fields]
my @cases = (
	# If-None-Match (13.1.2), weakly compared.
	['the tag', 304, 'If-None-Match' => $tag],
	['the tag as a weak one', 304, 'If-None-Match' => "W/$tag"],
	['another tag', 200, 'If-None-Match' => '"x"'],
	['any tag', 304, 'If-None-Match' => '*'],
	['a list with it', 304, 'If-None-Match' => qq{"x", W/"y",$tag}],
	['a list without it', 200, 'If-None-Match' => '"x", "y"'],
	['a list in two lines', 304, 'If-None-Match' => '"x"',
		'If-None-Match' => $tag],
	['no tag at all', 200, 'If-None-Match' => 'x'],
	['the name in other case', 304, 'IF-NONE-MATCH' => $tag],

	# If-Modified-Since (13.1.3), in all forms of a date.
	['not modified since', 304, 'If-Modified-Since' => $then],
	['not modified since later', 304, 'If-Modified-Since' => $after],
	['modified since', 200, 'If-Modified-Since' => $before],
	['since, by RFC 850', 304,
		'If-Modified-Since' => 'Sunday, 06-Nov-94 08:49:37 GMT'],
	['since, by asctime', 304,
		'If-Modified-Since' => 'Sun Nov  6 08:49:37 1994'],
	['before, by RFC 850', 200,
		'If-Modified-Since' => 'Sunday, 06-Nov-94 08:49:36 GMT'],
	['before, by asctime', 200,
		'If-Modified-Since' => 'Sun Nov  6 08:49:36 1994'],
	['since no date', 200, 'If-Modified-Since' => 'yesterday'],
	['since a number', 200, 'If-Modified-Since' => $modified],
	['since two dates', 200, 'If-Modified-Since' => $then,
		'If-Modified-Since' => $then],

	# If-Match (13.1.1), strongly compared.
	['match the tag', 200, 'If-Match' => $tag],
	['match any', 200, 'If-Match' => '*'],
	['match a list', 200, 'If-Match' => qq{"x",$tag}],
	['match the weak tag', 412, 'If-Match' => "W/$tag"],
	['match another tag', 412, 'If-Match' => '"x"'],
	['match no tag', 412, 'If-Match' => 'x'],

	# If-Unmodified-Since (13.1.4).
	['unmodified since', 200, 'If-Unmodified-Since' => $then],
	['unmodified since later', 200, 'If-Unmodified-Since' => $after],
	['unmodified since before', 412, 'If-Unmodified-Since' => $before],
	['unmodified since no date', 200, 'If-Unmodified-Since' => 'x'],

	# Precedence (13.2.2).
	['the tag differs, the date does not', 200,
		'If-None-Match' => '"x"', 'If-Modified-Since' => $then],
	['the date differs, the tag does not', 304,
		'If-None-Match' => $tag, 'If-Modified-Since' => $before],
	['If-Match before If-Unmodified-Since', 200,
		'If-Match' => $tag, 'If-Unmodified-Since' => $before],
	['If-Match fails whatever the date', 412,
		'If-Match' => '"x"', 'If-Unmodified-Since' => $then],
	['If-Match fails before If-None-Match', 412,
		'If-None-Match' => $tag, 'If-Match' => '"x"'],
	['If-Match, then If-None-Match', 304,
		'If-None-Match' => $tag, 'If-Match' => $tag],
	['unmodified, then not modified', 304,
		'If-Unmodified-Since' => $then, 'If-Modified-Since' => $then],
	['a range of what the client has', 304,
		'Range' => 'bytes=0-1', 'If-None-Match' => $tag],
	['a range of what has changed', 412,
		'Range' => 'bytes=0-1', 'If-Match' => '"x"'],
);

for my $method (qw(GET HEAD)) {
	for my $case (@cases) {
		my ($name, $status, @fields) = @$case;
		my $r = $c->request($method, '/a.txt', \@fields);

		is $r->status, $status, "$method: $name";
		is $r->body, '', "$method: $name: no content"
			if $status == 304 || $method eq 'HEAD';
	}
}
is $c->get('/a.txt')->body, "the file a\n", 'still in step';

subtest 'what a 304 says' => sub {
	for my $target (sort keys %tag) {
		my $r = $c->get($target, 'If-None-Match' => $tag{$target});

		is $r->status, 304, "$target: status";
		is $r->reason, 'Not Modified', "$target: reason";
		is $r->field('etag'), $tag{$target}, "$target: ETag";
		ok $r->field('date'), "$target: Date";
		is $r->field($_), undef, "$target: no $_"
			for qw(Content-Type Content-Length Last-Modified
			       Content-Range Transfer-Encoding);
	}
};

subtest 'what a 412 says' => sub {
	my $r = $c->get('/a.txt', 'If-Match' => '"x"');

	is $r->reason, 'Precondition Failed', 'reason';
	like $r->body, qr/412 Precondition Failed/, 'content';
	is $r->field('last-modified'), undef, 'nothing of the file';
};

subtest 'a file from the future' => sub {
	my $r = $c->get('/future.txt');

	cmp_ok $r->field('last-modified') =~ s/.* (\d{4}) .*/$1/r, '<', 2090,
		'was not modified after now';
};

subtest 'conditions mean nothing for what is not there' => sub {
	is $c->get('/none', 'If-None-Match' => '*')->status, 404, 'missing';
	is $c->get('/none', 'If-Match' => '*')->status, 404, 'missing too';
};

subtest 'pipelined' => sub {
	my $text = Holdfast::Client->request_text('GET', '/a.txt',
		['If-None-Match' => $tag]);
	my $plain = Holdfast::Client->request_text('GET', '/a.txt');

	$c->send("$text$plain" x 20);
	for (1 .. 20) {
		is $c->response->status, 304, 'not modified';
		is $c->response->body, "the file a\n", 'the file';
	}
};

subtest 'a new version' => sub {
	$s->dir->replace('www/a.txt', "the file A\n");
	wait_until { $c->get('/a.txt', 'If-None-Match' => $tag)->status == 200 }
		'the new one';
	is $c->get('/a.txt', 'If-Match' => $tag)->status, 412, 'not the old';
	is $c->get('/a.txt', 'If-Modified-Since' => $then)->status, 200,
		'modified since';
};

$c->close;
$s->finish;
done_testing;
