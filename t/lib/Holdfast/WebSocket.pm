# SPDX-License-Identifier: BSD-2-Clause
#
# The client's side of WebSocket (RFC 6455) on a Holdfast::Client:
#
#   ws_begin($client, '/path');       # the request
#   ws_begun($client);                # its response; dies without a 101
#   $client->send(ws_frame("text"));
#   my $text = ws_message($client);   # waits; undef after a close
package Holdfast::WebSocket;

use v5.36;
use Digest::SHA qw(sha1_base64);
use Exporter qw(import);

our @EXPORT = qw(ws_begin ws_begun ws_frame ws_message);

my $key = 'dGhlIHNhbXBsZSBub25jZQ==';
my $accept = sha1_base64($key . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';

sub ws_begin ($c, $path) {
	$c->send("GET $path HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
		. "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
		. "Sec-WebSocket-Key: $key\r\n\r\n");
}

sub ws_begun ($c) {
	my $head = $c->read_until("\r\n\r\n");

	die "no WebSocket: $head" unless $head =~ m{\AHTTP/1\.1 101 } &&
		$head =~ /^Sec-WebSocket-Accept: \Q$accept\E\r$/mi;
}

# Section 5.2: whole, of text unless another opcode is given, masked.
sub ws_frame ($text, $opcode = 1) {
	my $n = length $text;
	my $mask = pack 'N', int rand 2**32;
	my $size = $n < 126 ? pack('C', 0x80 | $n)
		: $n < 65536 ? pack('Cn', 0x80 | 126, $n)
		: pack('CQ>', 0x80 | 127, $n);
	my $masked = $text ^. substr $mask x ($n / 4 + 1), 0, $n;

	return pack('C', 0x80 | $opcode) . $size . $mask . $masked;
}

sub ws_message ($c) {
	my ($first, $n) = unpack 'CC', $c->read_bytes(2);

	$n = unpack 'n', $c->read_bytes(2) if $n == 126;
	$n = unpack 'Q>', $c->read_bytes(8) if $n == 127;
	my $text = $c->read_bytes($n);

	return ($first & 15) == 8 ? undef : $text;
}

1;
