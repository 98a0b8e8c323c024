# SPDX-License-Identifier: BSD-2-Clause
#
# What is passed on to a server moves in the middle, with both connections: a
# request that waits for its answer, a body on its way up, content on its way
# down however it is framed, and a tunnel.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Dir;
use Holdfast::Proc qw(alive);

my $dir = Holdfast::Dir->new;

# Waits for the test to say so, by a file.
sub gate ($name) {
	wait_until { -e $dir->path($name) } "the gate $name";
}
sub open_gate ($name) { $dir->write($name, '') }

my $large = join '', map { sprintf "%07d\n", $_ } 1 .. 200_000; # 1.6 MB
my $b = Holdfast::Backend->new(sub ($request, $socket) {
	my $path = $request->{target};

	if ($path =~ m{^/wait}) {
		gate('answer');
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone";
	} elsif ($path =~ m{^/length}) {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: "
			. length($large) . "\r\n\r\n" . substr $large, 0, 1000;
		gate('more');
		print {$socket} substr $large, 1000;
	} elsif ($path =~ m{^/chunks}) {
		print {$socket} "HTTP/1.1 200 OK\r\n"
			. "Transfer-Encoding: chunked\r\n\r\n3\r\nab";
		gate('more');
		print {$socket} "c\r\n5;x=y\r\ndefgh\r\n0\r\n\r\n";
	} elsif ($path =~ m{^/close}) {
		print {$socket} "HTTP/1.1 200 OK\r\n\r\nabc";
		gate('more');
		print {$socket} 'defgh';
		return 0;
	} elsif ($path =~ m{^/up}) {
		my $n = length $request->{body};

		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: "
			. length($n) . "\r\n\r\n$n";
	} elsif ($path =~ m{^/tunnel}) {
		print {$socket} "HTTP/1.1 101 Switching Protocols\r\n"
			. "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n";
		while (sysread $socket, my $bytes, 65536) {
			print {$socket} $bytes;
		}
		print {$socket} 'bye';
		return 0;
	}
	return 1;
});

my $conf = <<"E";
workers = 1;
timeouts = { drain = "1s"; };
log = { access = "%%DIR%%/access";
  format = "\${method} \${target} \${status} \${bytes}"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
E
my $proxied = <<"E";
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
E
my $other = <<'E';
sites = ( { routes = ( { path = "/"; handler = "respond"; body = "other"; } ); } );
E
my $s = Holdfast->start(conf => $conf . $proxied);

# Two reloads, and the workers of before are gone, with drain = "1s".
sub move ($text) {
	for (1 .. 2) {
		my @old = $s->workers;

		$s->reload($text);
		wait_until { !grep { alive($_) } @old } 'the old workers to go';
	}
}

sub asked ($path) {
	wait_until { grep { $_->{target} eq $path } $b->requests } "$path to be asked";
}

my $n = 0;

for my $to (['the same configuration', $conf . $proxied],
	['one that has no upstream', $conf . $other]) {
	my ($name, $text) = @$to;

	$n++;
	unlink $dir->path($_) for 'answer', 'more';
	$s->reload($conf . $proxied);
	subtest "to $name" => sub {
		my %c = map { $_ => $s->client }
			qw(wait post length chunks close up tunnel);
		my $send = sub ($c, $method, $path, @more) {
			$c{$c}->send(join "\r\n", "$method $path$n HTTP/1.1",
				'Host: h', @more, '', '');
		};

		$send->('wait', 'GET', '/wait');
		$send->('post', 'POST', '/waitp', 'Content-Length: 3');
		$c{post}->send('abc');
		$send->('length', 'GET', '/length');
		$send->('chunks', 'GET', '/chunks');
		$send->('close', 'GET', '/close');
		$send->('up', 'POST', '/up', 'Transfer-Encoding: chunked');
		$c{up}->send("5\r\nhel");
		$send->('tunnel', 'GET', '/tunnel', 'Connection: Upgrade',
			'Upgrade: echo');
		for my $path ('/wait', '/waitp', '/length', '/chunks', '/close',
			'/tunnel') {
			asked("$path$n");
		}
		$c{tunnel}->read_until("\r\n\r\n");
		$c{tunnel}->send('one ');
		is $c{tunnel}->read_bytes(4), 'one ', 'the tunnel is open';
		my $part = $c{length}->read_until("0000100\n");
		my $connections = $b->connections;

		move($text);
		open_gate('answer');
		open_gate('more');
		is $c{wait}->response->body, 'done', 'a GET that waited';
		is $c{post}->response->body, 'done', 'a POST that waited';
		is $c{chunks}->response->body, 'abcdefgh', 'content in chunks';
		is $c{close}->response->body, 'abcdefgh',
			'content that ends with the connection';
		$part .= $c{length}->read_until("0200000\n");
		is +($part =~ s/.*?\r\n\r\n//sr), $large, 'content with a length';
		$c{up}->send("lo\r\n0\r\n\r\n");
		is $c{up}->response->body, 5, 'a body on its way';
		$c{tunnel}->send('two ');
		is $c{tunnel}->read_bytes(4), 'two ', 'the tunnel';
		move($text);
		$c{tunnel}->send('three');
		is $c{tunnel}->read_bytes(5), 'three', 'the tunnel, moved again';
		$c{tunnel}->finish_sending;
		is $c{tunnel}->read_to_end, 'bye', 'and its end';
		is $b->connections, $connections, 'with the connections they had';
		is $c{wait}->get("/x$n")->body, $n == 1 ? '' : 'other',
			'the connection goes on' if $n == 2;
	};
}

subtest 'what the route does to responses holds after a move' => sub {
	my $fields = $proxied =~ s/upstream = "app"; \}/upstream = "app";
	  response_fields = [ "X-Route: \${path}" ]; compress = [ "gzip" ]; }/r;

	unlink $dir->path('answer');
	$s->reload($conf . $fields);
	my $c = $s->client;

	$c->send("GET /wait-fields HTTP/1.1\r\nHost: h\r\n\r\n");
	asked('/wait-fields');
	move($conf . $fields);
	open_gate('answer');
	my $r = $c->response;

	is $r->body, 'done';
	is $r->field('x-route'), '/wait-fields', 'its fields';
};

subtest 'the access log' => sub {
	$s->run('reopen');
	for my $path (map { ("/wait$_", "/waitp$_", "/length$_", "/chunks$_",
		"/close$_", "/up$_", "/tunnel$_") } 1, 2) {
		wait_until { $s->dir->read('access') =~ m{ \Q$path\E } } $path;
		my @lines = $s->dir->read('access') =~ m{^(\w+ \Q$path\E .*)$}mg;

		is @lines, 1, "$path: one line";
		like $lines[0], $path =~ /tunnel/ ? qr/ 101 / : qr/ 200 /;
	}
	like $s->dir->read('access'), qr{^GET /length1 200 1600000$}m,
		'with all the bytes';
};

$s->finish;
done_testing;
