# SPDX-License-Identifier: BSD-2-Clause
#
# After the handshake: keys that the client updates, records that come in
# pieces, a small bound for fragments, the end of a connection, and a move
# between any two of its bytes.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Math::BigInt;
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;
use Holdfast::Command;
use Holdfast::Tls qw(has_tls_programs s_client tls_files);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $large = join '', map { sprintf "%07d\n", $_ } 0 .. 3_999_999;
my $s = Holdfast->start(files => { tls_files('e', 'ec'), 'www/large' => $large },
	conf => <<'E');
tls = { certificates = ( { chain = "tls/e.pem"; key = "tls/e.key"; } ); };
listeners = (
  { address = "127.0.0.1:%%PORT_http%%"; tls = true; },
  { address = "127.0.0.2:%%PORT_echo%%"; protocol = "echo"; tls = true; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E

# openssl s_client, whose lines are echoed.
sub echo (@args) {
	return Holdfast::Command->new(['openssl', 's_client', '-connect',
		$s->address('echo'), @args], input => 'pipe');
}

sub says ($client, $line) {
	$client->write("$line\n");
	return eval { wait_until { $client->out =~ /^\Q$line\E$/m }
		"$line to be echoed", 10; 1 };
}

subtest 'keys are updated' => sub {
	for my $move (0, 1) {
		my $client = echo('-tls1_3', '-msg');

		my $updates = 0;
		my sub update ($letter) {
			$client->write("$letter\n");
			$updates++;
			wait_until { (() = $client->err =~ /KEYUPDATE/g) >= $updates }
				'the client to update its key';
			$s->reload if $move;
		}

		ok says($client, 'one'), 'an echo';
		update('k');
		ok says($client, 'two'), 'with the next key of the client';
		update('K');
		ok says($client, 'three'), 'with the next keys of both';
		update('K');
		ok says($client, 'four'), 'and again';
		is scalar(() = $client->out =~ /^<<< TLS 1\.3, Handshake .*KeyUpdate/mg),
			2, 'it is answered as often as it is asked';
		$client->write("Q\n");
		is +($client->wait)[0], '0', 'and it ends well';
	}
};

subtest 'a small bound for fragments' => sub {
	for my $v ('-tls1_2', '-tls1_3') {
		my $out = s_client($s->address, "GET /large HTTP/1.1\r\n"
			. "Host: a\r\nConnection: close\r\n\r\n", $v, '-quiet',
			'-maxfraglen', '512');

		ok index($out, $large) >= 0, "all of it, $v";
	}
};

subtest 'the end' => sub {
	my $out = s_client($s->address, "GET / HTTP/1.1\r\nHost: a\r\n"
		. "Connection: close\r\n\r\n", '-msg');

	like $out, qr/<<< TLS 1\.3, Alert \[length 0002\], warning close_notify/,
		'close_notify is sent';
};

# The explicit nonces of what the server sends, in TLS 1.2 with AES-GCM: one that
# came twice would give the key away, also if two workers had one connection.
my $nonces = <<'P';
import socket, ssl, sys
context = ssl._create_unverified_context()
context.maximum_version = ssl.TLSVersion.TLSv1_2
context.set_ciphers("ECDHE+AESGCM")
host, port = sys.argv[1].rsplit(":", 1)
raw = socket.create_connection((host, int(port)))
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(incoming, outgoing)
seen = b""

def do(what, *arguments):
    global seen
    while True:
        try:
            result = what(*arguments)
            raw.sendall(outgoing.read())
            return result
        except ssl.SSLWantReadError:
            raw.sendall(outgoing.read())
            data = raw.recv(65536)
            seen += data
            incoming.write(data)

do(tls.do_handshake)
for line in sys.stdin:
    do(tls.write, line.encode())
    print(do(tls.read, 100).decode().strip(), flush=True)
at, changed = 0, False
while at < len(seen):
    if changed:
        print("nonce", seen[at + 5:at + 13].hex())
    changed = changed or seen[at] == 20
    at += 5 + int.from_bytes(seen[at + 3:at + 5], "big")
P

subtest 'nonces' => sub {
	my $client = Holdfast::Command->new(['python3', '-c', $nonces,
		$s->address('echo')], input => 'pipe');

	for my $i (1 .. 20) {
		$client->write("line $i\n");
		wait_until { $client->out =~ /^line $i$/m } 'the echo';
		$s->reload if $i % 3 == 0;
	}
	$client->close_input;
	my ($exit, $out, $err) = $client->wait;
	my @seen = $out =~ /^nonce (\w+)$/mg;
	my $first = Math::BigInt->from_hex($seen[0]);

	is scalar(@seen), 21, 'the handshake and each line';
	is_deeply \@seen, [map { sprintf '%016s', (($first + $_)
		% Math::BigInt->new(2)->bpow(64))->to_hex } 0 .. 20],
		'each nonce is the one after the last, through moves';
};

subtest 'what is no record' => sub {
	my $client = $s->client;

	$client->send("\x16\x03\x01\xff\xff" . 'x' x 100);
	ok $client->at_end, 'is the end';
	$s->allow_log(qr/TLS/);
};

subtest 'a download moves with a part of a record' => sub {
	my $slow = Holdfast::Command->new(['python3', '-c', <<'P',
import hashlib, socket, ssl, sys, time
context = ssl._create_unverified_context()
raw = socket.socket()
raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
host, port = sys.argv[1].rsplit(":", 1)
raw.connect((host, int(port)))
tls = context.wrap_socket(raw)
tls.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
data = b""
while b"\r\n\r\n" not in data:
    data += tls.read(3000)
print("ready", flush=True)
body = data.split(b"\r\n\r\n", 1)[1]
digest, n, slow = hashlib.sha256(body), len(body), 300
while more := tls.read(3000):
    digest.update(more)
    n += len(more)
    slow -= 1
    if slow > 0:
        time.sleep(0.005)
print(n, digest.hexdigest())
P
		$s->address]);
	wait_until { $slow->out =~ /ready/ } 'the download to begin';
	my $moved = $s->status->{totals}{handed_in};

	for (1 .. 5) {
		$s->reload;
		sleep 0.1;
	}
	my ($exit, $out, $err) = $slow->wait;
	require Digest::SHA;

	is $out, "ready\n" . length($large) . ' '
		. Digest::SHA::sha256_hex($large) . "\n", 'every byte of it';
	diag $err if $err;
	cmp_ok $s->status->{totals}{handed_in}, '>=', $moved + 5, 'it moved each time';
	is $s->status->{totals}{handoff_damaged}, 0, 'no message was damaged';
};

$s->finish;
done_testing;
