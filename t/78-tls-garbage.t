# SPDX-License-Identifier: BSD-2-Clause
#
# Clients that send handshakes and records with something wrong in them, cut off,
# or none at all: each has its end, and nothing is left of them.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Tls qw(has_tls_programs s_client tls_files);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $s = Holdfast->start(files => { tls_files('e', 'ec') }, conf => <<'E');
tls = { certificates = ( { chain = "tls/e.pem"; key = "tls/e.key"; } ); };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; tls = true; } );
sites = ( { routes = ( { path = "/"; handler = "respond"; body = "served\n"; } ); } );
E
my $program = <<'P';
import random, socket, ssl, sys
host, port = sys.argv[1].rsplit(":", 1)
random.seed(int(sys.argv[3]))

def begin(old):
    context = ssl._create_unverified_context()
    if old:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return tls, incoming, outgoing, outgoing.read()

def spoil(data):
    data, kind = bytearray(data), random.randrange(6)
    if kind == 1:
        for _ in range(random.randrange(1, 6)):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif kind == 2:
        data = data[:random.randrange(len(data))]
    elif kind == 3:
        data[3:5] = random.randrange(65536).to_bytes(2, "big")
    elif kind == 4:
        at = random.randrange(len(data))
        data[at:at] = random.randbytes(random.randrange(1, 300))
    elif kind == 5:
        data = random.randbytes(random.randrange(1, 4000))
    return bytes(data)

for number in range(int(sys.argv[2])):
    tls, incoming, outgoing, hello = begin(number % 2)
    raw = socket.create_connection((host, int(port)))
    raw.settimeout(0.1)
    try:
        if number % 3:
            raw.sendall(spoil(hello))
        else: # what comes after the handshake
            raw.sendall(hello)
            while True:
                incoming.write(raw.recv(65536))
                try:
                    tls.do_handshake()
                    raw.sendall(outgoing.read())
                    break
                except ssl.SSLWantReadError:
                    raw.sendall(outgoing.read())
            tls.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            raw.sendall(spoil(outgoing.read()))
        raw.recv(4096)
    except (OSError, ssl.SSLError):
        pass
    raw.close()
P
my $n = scaled(300);
my @clients = map {
	Holdfast::Command->new(['python3', '-c', $program, $s->address, $n, $_])
} 1, 2;

is +($_->wait)[0], '0', "$n clients" for @clients;
wait_until { $s->status->{connections} == 0 } 'their end';
like s_client($s->address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
	qr/^served$/m, 'others are served';
is $s->status->{totals}{respawns}, 0, 'no worker died';
$s->finish;
done_testing;
