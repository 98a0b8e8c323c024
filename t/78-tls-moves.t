# SPDX-License-Identifier: BSD-2-Clause
#
# A connection with TLS moves after any byte of a record: of its header, of what is
# encrypted, of its tag; what was received of it goes along.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Tls qw(has_tls_programs tls_files);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $s = Holdfast->start(files => { tls_files('e', 'ec') }, conf => <<'E');
tls = { certificates = ( { chain = "tls/e.pem"; key = "tls/e.key"; } ); };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; tls = true; } );
timeouts = { header = "60s"; };
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "${query.n}\n"; } ); } );
E

# For each line, a number N: N bytes of a record with a request are sent (0 for
# all of them but the last), and with the next line the rest, and then the body
# of the response is printed.
my $program = <<'P';
import socket, ssl, sys
host, port = sys.argv[1].rsplit(":", 1)
context = ssl._create_unverified_context()
if sys.argv[2] == "1.2":
    context.maximum_version = ssl.TLSVersion.TLSv1_2
raw = socket.create_connection((host, int(port)))
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(incoming, outgoing)

def do(what, *arguments):
    while True:
        try:
            result = what(*arguments)
            return result
        except ssl.SSLWantReadError:
            raw.sendall(outgoing.read())
            incoming.write(raw.recv(65536))

do(tls.do_handshake)
raw.sendall(outgoing.read())
print("ready", flush=True)
number = 0
for line in sys.stdin:
    number += 1
    tls.write(b"GET /?n=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
    record = outgoing.read()
    n = int(line) or len(record) - 1
    raw.sendall(record[:n])
    print("sent", n, "of", len(record), flush=True)
    sys.stdin.readline()
    raw.sendall(record[n:])
    data = b""
    while b"\r\n\r\n" not in data or not data.endswith(b"\n"):
        data += do(tls.read, 4096)
    print("body", data.split(b"\r\n\r\n")[1].decode().strip(), flush=True)
P

for my $version (qw(1.2 1.3)) {
	my $client = Holdfast::Command->new(['python3', '-c', $program,
		$s->address, $version], input => 'pipe');

	wait_until { $client->out =~ /^ready/m } 'the handshake';
	my $number = 0;
	my @wrong;

	for my $n (1 .. 7, 12, 13, 14, 21, 29, 40, 0) {
		$number++;
		$client->write("$n\n");
		wait_until { (() = $client->out =~ /^sent/mg) == $number } 'a part';
		# The worker reads it long before it is told to go; if it has not,
		# it goes along in the kernel.
		$s->reload;
		$client->write("\n");
		eval { wait_until { $client->out =~ /^body $number$/m } 'it', 10; 1 }
			or push @wrong, $n;
		last if $client->ended;
	}
	diag $client->err if @wrong;
	is_deeply \@wrong, [], "after any byte of a record of TLS $version";
	$client->close_input;
	$client->wait;
}
is $s->status->{totals}{accepted}, 2, 'on two connections';
is $s->status->{totals}{handoff_damaged}, 0, 'and no message was damaged';
$s->finish;
done_testing;
