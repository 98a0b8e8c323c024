# SPDX-License-Identifier: BSD-2-Clause
#
# What a keep-alive GET of a 1 KiB file costs: one recv, one send, and its
# share of epoll_wait. Nothing else. One that is passed on costs that twice.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;

plan skip_all => 'no strace here' unless has_program('strace');
plan skip_all => 'sanitizers make system calls of their own'
	if binary_has_sanitizers();

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	syswrite $socket, "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n"
		. 'x' x 1024;
	return 1;
});
my $s = Holdfast->start(files => {
	'www/a' => 'x' x 1024,
	'www/dir/index.html' => 'index',
	'www/text.txt' => 'some text ' x 500,
	'www/pre.txt' => 'other text',
	'www/pre.txt.gz' => 'compressed',
}, prepare => sub ($dir) {
	my $then = time - 1000;

	$dir->mkdir('log');
	utime $then, $then, map { $dir->path("www/$_") }
		qw(dir/index.html text.txt pre.txt);
	$dir->settle("www/$_") for qw(dir/index.html text.txt pre.txt.gz);
}, conf => <<"E");
workers = 1;
log = { access = "%%DIR%%/log/access.log"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; } ); } );
sites = ( { routes = (
  { path = "/proxied"; handler = "proxy"; upstream = "app"; },
  { path = "/"; handler = "static"; root = "%%DIR%%/www";
    compress = [ "gzip" ]; precompressed = [ "gzip", "br" ]; },
  { path = "/begin"; handler = "respond"; body = "begin"; },
  { path = "/end"; handler = "respond"; body = "end"; },
  { path = "/form"; handler = "respond";
    body = "\${form.x}@{['x' x 1023]}"; } ); } );
E
my ($worker) = $s->workers;
my $out = $s->path('strace');
my $strace = Holdfast::Command->new(
	['strace', '-f', '-s', '64', '-o', $out, '-p', $worker]);

# Attached, or not permitted.
wait_until {
	$strace->ended || do {
		open my $in, '<', "/proc/$worker/status";
		local $/;
		readline($in) =~ /^TracerPid:\s+[1-9]/m;
	};
} 'strace to attach';
if ($strace->ended) {
	$s->finish;
	plan skip_all => 'strace may not trace here: ' .
		($strace->err =~ s/\n.*//sr);
}

# The thread that writes the access log is there from the first lines on.
$s->get('/a');
wait_until { length($s->dir->read('log/access.log') // '') } 'its first line';

# What strace has written so far. A call during which another thread has made
# one of its own is written in two halves, which belong together.
sub trace () {
	my ($text, %begun) = '';

	for my $line (split /^/, $s->dir->read('strace') // '') {
		if ($line =~ /^(\d+) +(.*) <unfinished \.\.\.>$/) {
			$begun{$1} = $2;
		} elsif ($line =~ /^(\d+) +<\.\.\. \w+ resumed>(.*\n)/ &&
			 defined $begun{$1}) {
			$text .= "$1 " . delete($begun{$1}) . $2;
		} else {
			$text .= $line;
		}
	}
	return $text;
}

# The calls between two markers, {name => how often}, and their lines.
sub cost ($c, $work) {
	state $pair = 0;

	$pair++;
	$c->get("/begin?$pair");
	$work->();
	$c->get("/end?$pair");
	my $trace = wait_until {
		trace() =~ m{GET\ /begin\?$pair\ [^\n]*\n(.*\n)
			[^\n]*GET\ /end\?$pair\ [^\n]*\n}sx ? [$1] : undef;
	} 'the trace of it';
	my %calls;

	# Not those of the thread that writes the access log, nor that it is
	# done: they come once for a batch of lines.
	for my $line (split /\n/, $trace->[0]) {
		next unless $line =~ /^(?:$worker\s+)?(\w+)\(/;
		$calls{$1}++ unless $line =~ /read\(\d+, "\\1(?:\\0){7}"/;
	}
	return (\%calls, $trace->[0]);
}

sub sum ($calls, @names) {
	my $sum = 0;

	$sum += delete $calls->{$_} // 0 for @names;
	return $sum;
}

my @recv = qw(recvfrom recvmsg read readv recv);
my @send = qw(sendto sendmsg write writev send sendfile);
my @wait = qw(epoll_wait epoll_pwait epoll_pwait2);
my $n = 100;

subtest "$n requests, one after another" => sub {
	my $c = $s->client;

	$s->dir->settle('www/a');
	$c->get('/a') for 1 .. 20;
	my ($calls, $trace) = cost($c, sub { $c->get('/a') for 1 .. $n });

	# The answer to /begin is sent after its marker.
	is sum($calls, @recv), $n, 'one recv each' or diag $trace;
	my $sends = sum($calls, @send);

	cmp_ok $sends, '>=', $n + 1, 'one send each,';
	cmp_ok $sends, '<=', $n + 1 + 2,
		'and the access log in batches' or diag $trace;
	my $waits = sum($calls, @wait);

	cmp_ok $waits, '<=', $n + 4, 'one epoll_wait each';
	my $others = sum($calls, keys %$calls);

	# A file is looked at again once a second, the clock of the vdso is
	# free; strace makes the hundred take a fraction of a second.
	cmp_ok $others, '<=', 6, 'nothing else' or diag $trace;
	$c->close;
};

subtest "$n requests that are passed on" => sub {
	my $c = $s->client;

	$c->get('/proxied') for 1 .. 20;
	my ($calls, $trace) = cost($c, sub { $c->get('/proxied') for 1 .. $n });

	is sum($calls, @recv), 2 * $n, 'one recv from each side' or diag $trace;
	my $sends = sum($calls, @send);

	cmp_ok $sends, '>=', 2 * $n + 1, 'one send to each side,';
	cmp_ok $sends, '<=', 2 * $n + 1 + 2,
		'and the access log in batches' or diag $trace;
	cmp_ok sum($calls, @wait), '<=', 2 * $n + 4,
		'one epoll_wait for what comes from each side' or diag $trace;
	cmp_ok sum($calls, keys %$calls), '<=', 6, 'nothing else' or diag $trace;
	$c->close;
};

# One connection for each: what it brings along is read before anybody waits
# for it, so it is never registered.
subtest 'a connection for each request' => sub {
	my $c = $s->client;
	my $text = Holdfast::Client->request_text('GET', '/a',
		[Connection => 'close']);
	my ($calls, $trace) = cost($c, sub {
		# All are in the queue, with their requests, when the worker
		# gets to them.
		kill 'STOP', $worker;
		my @clients = map { $s->client } 1 .. 20;

		$_->send($text) for @clients;
		kill 'CONT', $worker;
		$_->response for @clients;
	});

	cmp_ok sum($calls, qw(accept4 accept)), '<=', 22, 'one accept each'
		or diag $trace;
	is sum($calls, @recv), 20, 'one recv each' or diag $trace;
	cmp_ok sum($calls, @send), '<=', 23, 'one send each';
	is sum($calls, 'close'), 20, 'one close each' or diag $trace;
	cmp_ok sum($calls, 'epoll_ctl'), '<=', 2, 'no epoll_ctl'
		or diag $trace;
};

# The same for what is kept beside the content: an index, a compressed file.
for my $case (['an index', '/dir/', []],
	['a file that is compressed by us', '/text.txt',
		['Accept-Encoding' => 'gzip']],
	['a file that lies there compressed', '/pre.txt',
		['Accept-Encoding' => 'gzip']],
	['a range', '/text.txt', [Range => 'bytes=5-9']],
	['a file that is known', '/text.txt', ['If-None-Match' => '*']],
) {
	my ($name, $target, $fields) = @$case;

	subtest "$n requests for $name" => sub {
		my $c = $s->client;

		$c->get($target, @$fields) for 1 .. 20;
		my ($calls, $trace) = cost($c, sub {
			$c->get($target, @$fields) for 1 .. $n;
		});

		# What is done once a second may fall into it.
		cmp_ok sum($calls, @recv), '<=', $n + 3, 'one recv each';
		cmp_ok sum($calls, @send), '<=', $n + 1 + 4, 'one send each';
		sum($calls, @wait);
		cmp_ok sum($calls, keys %$calls), '<=', $n / 3, 'nothing else'
			or diag $trace;
		$c->close;
	};
}

subtest 'many connections at once share an epoll_wait' => sub {
	my @clients = map { $s->client } 1 .. 20;
	my $text = Holdfast::Client->request_text('GET', '/a');
	my $c = $s->client;

	$_->get('/a') for @clients;
	my ($calls, $trace) = cost($c, sub {
		for (1 .. 5) {
			$_->send($text) for @clients;
			$_->response for @clients;
		}
	});

	is sum($calls, @recv), 100, 'one recv each' or diag $trace;
	cmp_ok sum($calls, @send), '<=', 103, 'one send each';
	cmp_ok sum($calls, @wait), '<=', 102, 'no more epoll_wait than that';
	cmp_ok sum($calls, keys %$calls), '<=', 6, 'nothing else'
		or diag $trace;
};

# Whoever has something to say at the same time is served in stages, so that
# each call finds the caches as the last one of its kind has left them.
subtest 'connections are read from, then written to' => sub {
	my @clients = map { $s->client } 1 .. 16;
	my $text = Holdfast::Client->request_text('GET', '/a');
	my $c = $s->client;

	$_->get('/a') for @clients;
	my ($calls, $trace) = cost($c, sub {
		my $stops = () = $s->dir->read('strace') =~ /stopped by SIGSTOP/g;

		kill 'STOP', $worker;
		wait_until {
			$stops < (() = $s->dir->read('strace') =~
					/stopped by SIGSTOP/g);
		} 'the worker to stop';
		$_->send($text) for @clients;
		kill 'CONT', $worker;
		$_->response for @clients;
	});
	my $stages = join '', map {
		/^(?:$worker\s+)?(recv|send)\w*\(.*(?:GET \/a|Length: 1024|200 OK)/
			? substr($1, 0, 1) : ()
	} split /\n/, $trace;

	# The connection that counts has an event of its own, when the stop comes
	# before it was waited for: then it has one of the 16 places.
	like $stages, qr/r{15,16}s{15,16}/, 'reads, then writes' or diag $trace;
	$_->close for @clients;
};

subtest 'pipelined requests are answered with one send' => sub {
	my $c = $s->client;
	my $text = Holdfast::Client->request_text('GET', '/a');

	$c->get('/a');
	my ($calls, $trace) = cost($c, sub {
		$c->send($text x 16);
		$c->response for 1 .. 16;
	});

	cmp_ok sum($calls, @recv), '<=', 2, 'one recv' or diag $trace;
	cmp_ok sum($calls, @send), '<=', 3,
		'one send (and the one of the marker)' or diag $trace;
};

# What closes the connection goes in the packet of the response, but only where
# nothing more can come from the client: bytes that nobody reads make the close
# a reset, which throws away what was not sent yet.
for my $case (
	['a client that closes', '', [Connection => 'close'], '', 1],
	['one that does not', '', [], '', 0],
	['one that sends a body', 'x=x', [Connection => 'close',
		'Content-Type' => 'application/x-www-form-urlencoded'], '', 0],
	['one that sends more', '', [Connection => 'close'], "\r\n\r\n", 0],
) {
	my ($name, $body, $fields, $more, $rides) = @$case;

	subtest "the last packet: $name" => sub {
		my $c = $s->client;
		my $text = Holdfast::Client->request_text(
			$body eq '' ? ('GET', '/a', $fields) :
				('POST', '/form', $fields, $body));
		my (undef, $trace) = cost($c, sub {
			my $client = $s->client;

			$client->send("$text$more");
			is $client->response->body, 'x' x 1024, 'is served';
			$client->close unless @$fields;
		});
		my ($sent) = grep { /send\w*\(.*200 OK.* = \d{4}$/ } split /\n/, $trace;

		ok defined $sent, 'with one send' or diag $trace;
		($rides ? \&like : \&unlike)->($sent, qr/MSG_MORE/,
			$rides ? 'the close rides on it' : 'goes at once')
			or diag $trace;
	};
}

subtest 'a connection for one request' => sub {
	my $c = $s->client;
	my ($calls, $trace) = cost($c, sub {
		$s->get('/a') for 1 .. 50;
	});
	my $accepts = sum($calls, qw(accept4 accept));

	# The second that finds the queue empty is saved when it can be.
	cmp_ok $accepts, '<=', 101, 'at most two accepts each';
	cmp_ok sum($calls, @recv), '<=', 101, 'a recv that finds nothing, and one that does';
	cmp_ok sum($calls, @send), '<=', 53, 'one send';
	cmp_ok sum($calls, 'epoll_ctl'), '<=', 51, 'one epoll_ctl each at most'
		or diag $trace;
	cmp_ok sum($calls, 'close'), '<=', 51, 'one close each';
};

kill 'INT', $strace->pid;
$strace->wait;
$s->finish;
done_testing;
