// SPDX-License-Identifier: BSD-2-Clause
//
// Node's HTTP server, to be proxied to: node server.js. Writes its port.
//
//   GET  /length, /chunks     the content of /file?n=N: N numbered lines
//   POST /digest              the MD5 of the body, and the trailer X-Digest
//   GET  /events              an event each 20 ms, numbered from 1
//   Upgrade: websocket        every message comes back (RFC 6455)
'use strict';
const crypto = require('crypto');
const http = require('http');

function content(url) {
	const n = Number(new URL(url, 'http://h').searchParams.get('n') || 1000);
	const lines = [];

	for (let i = 1; i <= n; i++)
		lines.push(String(i).padStart(7, '0') + '\n');
	return Buffer.from(lines.join(''));
}

function digest(request, response) {
	const md5 = crypto.createHash('md5');

	request.on('data', (piece) => md5.update(piece));
	request.on('end', () => {
		const text = md5.digest('hex');

		response.setHeader('Trailer', 'X-Digest');
		response.write(text);
		response.addTrailers({ 'X-Digest': text,
			'X-Got': request.trailers['x-sum'] || '' });
		response.end();
	});
}

function events(request, response) {
	let n = 0;

	response.writeHead(200, { 'Content-Type': 'text/event-stream' });
	const timer = setInterval(() => response.write(`data: ${++n}\n\n`), 20);

	response.on('close', () => clearInterval(timer));
}

const server = http.createServer((request, response) => {
	const path = request.url.replace(/\?.*/, '');

	if (path === '/digest') {
		digest(request, response);
	} else if (path === '/events') {
		events(request, response);
	} else if (path === '/length') {
		const body = content(request.url);

		response.writeHead(200, { 'Content-Length': body.length,
			'Content-Type': 'text/plain' });
		response.end(body);
	} else if (path === '/chunks') {
		const body = content(request.url);

		for (let at = 0; at < body.length; at += 7777)
			response.write(body.subarray(at, at + 7777));
		response.end();
	} else {
		response.writeHead(404, { 'Content-Type': 'text/plain' });
		response.end('nothing here');
	}
});

// RFC 6455 section 5.2: a whole frame at the front of `bytes`, or null.
function frame(bytes) {
	if (bytes.length < 2)
		return null;
	let size = bytes[1] & 0x7f, at = 2;

	if (size === 126) {
		if (bytes.length < 4)
			return null;
		size = bytes.readUInt16BE(2);
		at = 4;
	} else if (size === 127) {
		if (bytes.length < 10)
			return null;
		size = Number(bytes.readBigUInt64BE(2));
		at = 10;
	}
	if (!(bytes[1] & 0x80))
		throw new Error('a frame of a client is masked');
	const end = at + 4 + size;

	if (bytes.length < end)
		return null;
	const mask = bytes.subarray(at, at + 4);
	const data = Buffer.from(bytes.subarray(at + 4, end));

	for (let i = 0; i < data.length; i++)
		data[i] ^= mask[i & 3];
	return { first: bytes[0], data, end };
}

function answer(first, data) {
	let head;

	if (data.length < 126) {
		head = Buffer.from([first, data.length]);
	} else if (data.length < 65536) {
		head = Buffer.from([first, 126, 0, 0]);
		head.writeUInt16BE(data.length, 2);
	} else {
		head = Buffer.alloc(10);
		head[0] = first;
		head[1] = 127;
		head.writeBigUInt64BE(BigInt(data.length), 2);
	}
	return Buffer.concat([head, data]);
}

server.on('upgrade', (request, socket, head) => {
	const key = request.headers['sec-websocket-key'] +
		'258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
	let bytes = Buffer.alloc(0);

	socket.setNoDelay(true);
	socket.write('HTTP/1.1 101 Switching Protocols\r\n' +
		'Upgrade: websocket\r\nConnection: Upgrade\r\n' +
		'Sec-WebSocket-Accept: ' +
		crypto.createHash('sha1').update(key).digest('base64') +
		'\r\n\r\n');
	const take = (piece) => {
		bytes = Buffer.concat([bytes, piece]);
		for (let f; (f = frame(bytes)) !== null;) {
			bytes = bytes.subarray(f.end);
			if ((f.first & 15) === 8) { // close
				socket.end(answer(f.first, f.data));
				return;
			}
			socket.write(answer((f.first & 15) === 9
				? 0x8a : f.first, f.data)); // a ping: a pong
		}
	};

	take(head);
	socket.on('data', take);
	socket.on('error', () => socket.destroy());
	socket.on('end', () => socket.end());
});

// A proxy keeps connections: it is not for the server to close them early.
server.keepAliveTimeout = 65000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
