# SPDX-License-Identifier: BSD-2-Clause
#
# Clients that others have written, each with what it does in its own way:
# curl, wget, Python's http.client, Node's fetch, ab, wrk, h2load. One that is
# not installed is left out.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;

my $large = join '', map { sprintf "%07d\n", $_ } 0 .. 32_767;	# 256 KiB
my $s = Holdfast->start(
	files => { 'www/a' => "a\n", 'www/large' => $large,
		'www/sub/index.html' => "sub\n" },
	conf => <<'E2');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
limits = { body = "1m"; };
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/form"; handler = "respond"; body = "${form.x}"; },
  { path = "/path/"; handler = "respond"; body = "${path}"; },
  { path = "/old/"; handler = "redirect"; to = "/"; } ); } );
E2
my $base = 'http://' . $s->address;

# Runs a command that has to succeed: its output.
sub run (@argv) {
	my ($status, $out, $err) = Holdfast::Command->new(\@argv)->wait;

	is $status, 0, "@argv[0 .. ($#argv > 5 ? 5 : $#argv)]"
		or diag "$out$err";
	return $out;
}

sub client ($program, $work) {
	subtest $program => sub {
		plan skip_all => "no $program here"
			unless has_program($program);
		$work->();
	};
	return;
}

client curl => sub {
	my @curl = qw(curl -sS --http1.1);
	my $file = $s->dir->write('upload', 'x=' . 'u' x 300_000);

	is run(@curl, "$base/a"), "a\n", 'a file';
	is run(@curl, "$base/a", "$base/large", "$base/a"), "a\n${large}a\n",
		'several on a connection';
	is run(@curl, '-w', '%{num_connects}', '-o', '/dev/null', '-o',
		'/dev/null', "$base/a", "$base/a"), '10',
		'which is one connection';
	like run(@curl, '-I', "$base/large"), qr/^Content-Length: 262144\r$/m,
		'HEAD';
	is run(@curl, '-L', "$base/old/sub"), "sub\n", 'redirects';
	is run(@curl, '-r', '8-15', "$base/large"), "0000001\n", 'a range';
	is run(@curl, '-r', '-8', "$base/large"), "0032767\n", 'a suffix';
	like run(@curl, '-r', '0-7,80000-80007', "$base/large"),
		qr{^Content-Range:\ bytes\ 80000-80007/262144\r\n(?:.+\r\n)*
			\r\n0010000\n\r\n--}mx,
		'two ranges';
	is run(@curl, '-C', '262136', '-o', '-', "$base/large"), "0032767\n",
		'a download that goes on';

	is run(@curl, '-d', 'x=1', "$base/form"), '1', 'a form';
	is run(@curl, '--data-binary', "\@$file", "$base/form"),
		'u' x 300_000, 'an upload';
	like run(@curl, '-v', '-H', 'Expect: 100-continue', '--data-binary',
		"\@$file", '-o', '/dev/null', '--stderr', '-', "$base/form"),
		qr/^< HTTP\/1\.1 100 Continue.*^< HTTP\/1\.1 200 OK/ms,
		'an upload that waits to be wanted';
	is run(@curl, '-H', 'Transfer-Encoding: chunked', '--data-binary',
		"\@$file", "$base/form"), 'u' x 300_000, 'an upload in chunks';
	is run(@curl, '-o', '/dev/null', '-w', '%{http_code}', '-H',
		'Expect: 100-continue', '--data-binary', "\@$file", "$base/a"),
		405, 'an upload that is not wanted';
	$s->dir->write('upload', 'x=' . 'u' x 3_000_000);
	is run(@curl, '-o', '/dev/null', '-w', '%{http_code}',
		'--data-binary', "\@$file", "$base/form"), 413,
		'an upload that is too large';
	is run(@curl, '-o', '/dev/null', '-w', '%{http_code}', '-H',
		'Expect:', '--data-binary', "\@$file", "$base/form"), 413,
		'and that does not wait for an answer';

	is run(@curl, '--path-as-is', "$base/path/x/../y"), '/path/y',
		'dots in a path';
	is run(@curl, '-o', '/dev/null', '-w', '%{http_code}',
		'--path-as-is', "$base/../../etc/passwd"), 400,
		'dots above the top';
	is run(@curl, '--http1.0', "$base/a"), "a\n", 'HTTP/1.0';
	is run(@curl, '-x', $base, 'http://other.example/a'), "a\n",
		'as a proxy, for all it knows';
	is run(@curl, '--request-target', '*', '-X', 'OPTIONS', '-o',
		'/dev/null', '-w', '%{http_code}', $base), 204, 'OPTIONS *';
	like run(@curl, '-i', '--http2', "$base/a"), qr/^HTTP\/1\.1 200 OK/,
		'an upgrade to HTTP/2 that is not done';
};

client wget => sub {
	my @wget = qw(wget -q -O -);

	is run(@wget, "$base/a"), "a\n", 'a file';
	ok run(@wget, "$base/large") eq $large, 'a large one';
	is run(@wget, "$base/old/sub"), "sub\n", 'redirects';
	is run(@wget, '--post-data', 'x=2', "$base/form"), '2', 'a form';
	$s->dir->write('part', substr $large, 0, 100_000);
	run('wget', '-q', '-c', '-O', $s->path('part'), "$base/large");
	ok $s->dir->read('part') eq $large, 'a download that goes on';
};

client python3 => sub {
	my $script = $s->dir->write('client.py', <<'E2');
import http.client, sys

c = http.client.HTTPConnection(sys.argv[1], timeout=60)

def ask(method, path, *args, **more):
    c.request(method, path, *args, **more)
    r = c.getresponse()
    return r.status, r.read(), r

assert ask('GET', '/a')[:2] == (200, b'a\n')
sock = c.sock
assert ask('HEAD', '/large')[2].headers['Content-Length'] == '262144'
assert len(ask('GET', '/large')[1]) == 262144
assert ask('GET', '/large', headers={'Range': 'bytes=8-15'})[:2] == (
    206, b'0000001\n')
assert ask('GET', '/none')[0] == 404

form = {'Content-Type': 'application/x-www-form-urlencoded'}
assert ask('POST', '/form', 'x=1', form)[:2] == (200, b'1')
# An iterable goes in chunks; a generator, one item after the other.
assert ask('POST', '/form', iter([b'x=', b'2', b'3']), form,
           encode_chunked=True)[:2] == (200, b'23')
assert ask('POST', '/form', 'x=' + 'v' * 100000, form)[1] == b'v' * 100000
assert ask('OPTIONS', '/a')[2].headers['Allow']
assert ask('BREW', '/a')[0] == 501
assert c.sock is sock, 'one connection for all of it'

c.putrequest('GET', '/a', skip_host=True)
c.endheaders()
assert c.getresponse().status == 400
print('all is well')
E2

	is run('python3', $script, $s->address), "all is well\n",
		'http.client';
};

client node => sub {
	my $script = $s->dir->write('fetch.mjs', <<'E2');
import assert from 'node:assert';

const base = process.argv[2];

assert.equal(await (await fetch(`${base}/a`)).text(), 'a\n');
const many = await Promise.all(Array.from({ length: 50 }, async () =>
	(await (await fetch(`${base}/large`)).text()).length));
assert.deepEqual(many, Array(50).fill(262144));

const part = await fetch(`${base}/large`, { headers: { range: 'bytes=8-15' } });
assert.equal(part.status, 206);
assert.equal(await part.text(), '0000001\n');

const form = await fetch(`${base}/form`, { method: 'POST',
	body: new URLSearchParams({ x: 'é&=' }) });
assert.equal(await form.text(), 'é&=');

const pieces = new ReadableStream({
	start(controller) {
		for (const piece of ['x=', 'a', 'b'])
			controller.enqueue(new TextEncoder().encode(piece));
		controller.close();
	},
});
const streamed = await fetch(`${base}/form`, { method: 'POST', body: pieces,
	duplex: 'half',
	headers: { 'content-type': 'application/x-www-form-urlencoded' } });
assert.equal(await streamed.text(), 'ab');

const moved = await fetch(`${base}/old/sub`);
assert.ok(moved.redirected);
assert.equal(await moved.text(), 'sub\n');
assert.equal((await fetch(`${base}/none`)).status, 404);
assert.equal((await fetch(`${base}/a`, { method: 'HEAD' })).headers
	.get('content-length'), '2');

const stop = new AbortController();
const cut = await fetch(`${base}/large`, { signal: stop.signal });
stop.abort();
await assert.rejects(cut.text());
assert.equal(await (await fetch(`${base}/a`)).text(), 'a\n');
console.log('all is well');
E2

	is run('node', $script, $base), "all is well\n", 'fetch';
};

my $n = scaled(4000);

client ab => sub {
	my $out = run('ab', '-q', '-k', '-c', 10, '-n', $n, "$base/a");

	like $out, qr/^Complete requests:\s+$n$/m, 'all complete';
	like $out, qr/^Failed requests:\s+0$/m, 'none failed';
	like $out, qr/^Keep-Alive requests:\s+$n$/m, 'all on kept connections';
	unlike $out, qr/^Non-2xx/m, 'all 200';
	$out = run('ab', '-q', '-c', 10, '-n', $n, "$base/a");
	like $out, qr/^Failed requests:\s+0$/m, 'and without keep-alive';
};

client wrk => sub {
	my $out = run(qw(wrk -t 1 -c 10 -d 1s), "$base/a");

	like $out, qr/^\s+[1-9]\d* requests in /m, 'answers';
	unlike $out, qr/Socket errors|Non-2xx/, 'no errors';
};

client h2load => sub {
	my $out = run(qw(h2load --h1 -t 1 -c 10 -m 8 -n), $n, "$base/a");

	like $out, qr/\b$n succeeded, 0 failed, 0 errored, 0 timeout/,
		'all succeeded';
	like $out, qr/^status codes: $n 2xx, 0 3xx, 0 4xx, 0 5xx/m, 'all 200';
};

$s->finish;
done_testing;
