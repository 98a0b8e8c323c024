# SPDX-License-Identifier: BSD-2-Clause
#
# Servers that people run, behind holdfast: what they answer arrives as they
# answer it themselves, over connections that are used again.
use v5.36;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Dir;
use Holdfast::RealServer;
use Holdfast::WebSocket;

my $dir = Holdfast::Dir->new;
my $text = join '', map { sprintf "%07d\n", $_ } 1 .. 1000;
my $large = join '', map { sprintf "%07d\n", $_ } 1 .. 500_000;

chmod 0755, $dir->path;
$dir->write('file.txt', $text);
$dir->write('large.txt', $large);
$dir->mkdir('folder');
$dir->write('folder/index.html', "index\n");

my %servers = (
	nginx => Holdfast::RealServer->nginx($dir->path),
	python => Holdfast::RealServer->python($dir->path),
	node => Holdfast::RealServer->node,
);
my $upstreams = join ",\n", map {
	qq(  { name = "$_"; servers = ( { address = "$servers{$_}{address}"; } ); })
} sort keys %servers;
my $routes = join ",\n", map {
	qq(  { path = "/$_/"; handler = "proxy"; upstream = "$_"; strip = true;
    redirect = [ "/ /$_/", "http://\${host} /$_" ]; })
} sort keys %servers;
my $s = Holdfast->start(conf => <<"E");
workers = 1;
limits = { body = "16m"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = (
$upstreams
);
sites = ( { routes = (
$routes
); } );
E
my $c = $s->client;

for my $name (qw(nginx python)) {
	subtest $name => sub {
		my $r = $c->get("/$name/file.txt");

		is $r->status, 200;
		is $r->body, $text, 'a file';
		like $r->field('content-type'), qr{^text/plain};
		like $r->field('server'), $name eq 'nginx' ? qr/^nginx/ : qr/Python/,
			'its own Server';
		my $since = $r->field('last-modified');

		is $c->request('HEAD', "/$name/file.txt")->field('content-length'),
			length $text, 'HEAD';
		is $c->get("/$name/file.txt", 'If-Modified-Since' => $since)->status,
			304, 'a condition';
		is $c->get("/$name/none")->status, 404, 'what is not there';
		ok $c->get("/$name/large.txt")->body eq $large, '4 MB';
		$r = $c->get("/$name/folder");
		is $r->status, 301;
		is $r->field('location'), "/$name/folder/", 'a redirect'
			if $name eq 'python';
		is $c->get("/$name/folder/")->body, "index\n";
		is $c->request('POST', "/$name/file.txt", [], 'abc')->status,
			$name eq 'nginx' ? 405 : 501, 'a method that it does not take';
		is $c->get("/$name/file.txt")->body, $text, 'and it goes on';
	};
}

subtest 'nginx and ranges' => sub {
	my $r = $c->get('/nginx/file.txt', Range => 'bytes=8-15');

	is $r->status, 206;
	is $r->body, "0000002\n";
	is $r->field('content-range'), 'bytes 8-15/8000';
	$r = $c->get('/nginx/file.txt', Range => 'bytes=0-6,16-22');
	is $r->status, 206;
	like $r->field('content-type'), qr{^multipart/byteranges};
};

subtest 'node' => sub {
	is $c->get('/node/length?n=1000')->body, $text, 'a length';
	is $c->get('/node/chunks?n=1000')->body, $text, 'chunks';
	ok $c->get('/node/length?n=500000')->body eq $large, '4 MB';
	ok $c->get('/node/chunks?n=500000')->body eq $large, 'in chunks';
	is $c->request('POST', '/node/digest', [], $large)->body, md5_hex($large),
		'a body with a length';
	my $chunked = join '', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
		unpack '(a5555)*', $large;

	$c->send("POST /node/digest HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n"
		. "Trailer: X-Sum\r\n"
		. "Transfer-Encoding: chunked\r\n\r\n${chunked}0\r\nX-Sum: 42\r\n\r\n");
	my $head = $c->read_until("\r\n\r\n");

	like $head, qr{\AHTTP/1\.1 200 };
	my $sum = md5_hex($large);

	like $c->read_until("X-Got: 42\r\n\r\n"),
		qr/\A0*20\r\n$sum\r\n0\r\nX-Digest: $sum\r\n/, 'trailers both ways';
	is $c->get('/node/none')->status, 404;
};

subtest 'connections are kept' => sub {
	my ($upstream) = grep { $_->{name} eq 'node' }
		$s->status->{upstreams}->@*;

	is $upstream->{servers}[0]{idle}, 1, 'one to node';
};

subtest 'WebSocket' => sub {
	my $ws = $s->client;
	my @sizes = (0, 1, 125, 126, 65535, 65536, 300_000);

	ws_begin($ws, '/node/');
	ws_begun($ws);
	$ws->send(ws_frame('x' x $_)) for @sizes;
	is length(ws_message($ws)), $_, "$_ bytes" for @sizes;
	$ws->send(ws_frame('ping', 9));
	is ws_message($ws), 'ping', 'a pong';
	$ws->send(ws_frame(pack('n', 1000), 8));
	is ws_message($ws), undef, 'a close';
	ok $ws->at_end, 'and the end';
};

subtest 'events' => sub {
	my $events = $s->client;

	$events->send("GET /node/events HTTP/1.1\r\nHost: h\r\n\r\n");
	$events->read_until("data: $_\n\n") for 1 .. 5;
	pass 'one by one';
};
$s->finish;
done_testing;
