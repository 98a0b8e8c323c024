# SPDX-License-Identifier: BSD-2-Clause
#
# The access log: a line for each request, that no client can forge.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;

# One worker unless told otherwise: each has a buffer of its own, so that
# lines of two come in no order.
sub start ($format, $access = '%%DIR%%/log/access.log', $workers = 1) {
	return Holdfast->start(files => { 'www/a' => "file\n" },
		prepare => sub ($dir) { $dir->mkdir('log') },
		conf => <<"E");
workers = $workers;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
log = { access = "$access"; format = "$format"; };
timeouts = { header = "300ms"; };
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/r"; handler = "respond"; body = "12345"; } ); } );
E
}

# Lines of the access log once there are $n.
sub lines ($s, $n, $name = 'log/access.log') {
	my @lines;

	wait_until {
		@lines = split /^/, $s->dir->read($name) // '';
		@lines >= $n && $lines[-1] =~ /\n\z/;
	} "$n lines in the access log";
	chomp @lines;
	return @lines;
}

my $quoted = qr/"((?:[^"\\]|\\.)*)"/;
my $combined = qr{\A(\S+)\ -\ -\ \[([^\]]+)\]\ $quoted\ (\d{3})\ (\d+|-)
	\ $quoted\ $quoted}x;

subtest 'combined' => sub {
	my $s = start('combined');
	my $c = $s->client;
	my $before = time;

	$c->get('/a');
	$c->request('HEAD', '/r?x=1', ['User-Agent' => 'agent/1 (x; y)',
		Referer => 'http://ref/er']);
	$c->request('POST', '/none', [], 'body');
	my @lines = lines($s, 3);
	my @first = $lines[0] =~ $combined or diag $lines[0];

	is $first[0], '127.0.0.1', 'client';
	like $first[1], qr{\A\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\z},
		'time';
	is $first[2], 'GET /a HTTP/1.1', 'request line';
	is $first[3], 200, 'status';
	is $first[4], 5, 'bytes of the body';
	is $first[5], '-', 'no referer';
	is $first[6], '-', 'no agent';
	my @second = $lines[1] =~ $combined or diag $lines[1];

	is $second[2], 'HEAD /r?x=1 HTTP/1.1', 'with the query';
	like $second[4], qr/\A(?:0|-)\z/, 'no bytes for HEAD';
	is $second[5], 'http://ref/er', 'referer';
	is $second[6], 'agent/1 (x; y)', 'agent';
	my @third = $lines[2] =~ $combined or diag $lines[2];

	is $third[2], 'POST /none HTTP/1.1', 'another method';
	is $third[3], 405, 'its status';

	# One line each, whatever is sent; what is odd is escaped.
	$c->get('/a', 'User-Agent' => qq(a"b\\c" 200 0 "x));
	$c->get('/a', 'User-Agent' => "tab\there \xc3\xa9 \xff");
	$c->get('/q"uote?"');
	$c->close;
	for my $bad ("NO\n\"GET / HTTP/1.1\" 200\r\n\r\n",
		     "GET /\x01 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n"
		     . "Host: a\r\nUser-Agent: a\nX\r\n\r\n") {
		my $client = $s->client;

		$client->send($bad);
		is $client->response->status, 400, 'a bad request';
	}
	@lines = lines($s, 9);
	is scalar @lines, 9, 'a line for each request';
	is scalar(grep { $_ =~ $combined } @lines), 9, 'all in the format';
	is scalar(grep { /[\0-\x1f\x7f]/ } @lines), 0,
		'no control character in any';
	is scalar(grep { /\A(\S+) - - \[[^\]]+\] "[^"]*" 400 / } @lines), 3,
		'the bad ones with their 400';
	my @odd = $lines[3] =~ $combined;

	unlike $odd[6], qr/(?<!\\)"/, 'a quote cannot end the field';
	$s->finish;
};

subtest 'json' => sub {
	my $s = start('json');
	my $c = $s->client;

	$c->get('/a');
	$c->request('HEAD', '/r?x=1', ['User-Agent' => 'agent/1',
		Referer => 'http://ref/er']);
	$c->request('GET', '/none');
	my $nasty = qq(a"b\\c\td \xc3\xa9 \xff/);

	$c->get('/a', 'User-Agent' => $nasty);
	$c->close;
	my $bad = $s->client;

	$bad->send("NO\n\r\n\r\n");
	is $bad->response->status, 400, 'a bad request';
	my $slow = $s->client;

	$slow->send('GET / HT');
	is $slow->response->status, 408, 'a slow one';
	my @lines = lines($s, 6);

	is scalar @lines, 6, 'a line for each';
	my @rows;

	for my $line (@lines) {
		my $row = eval { JSON::PP->new->utf8->decode($line) };

		ok $row, 'is JSON, in UTF-8' or diag $line, $@;
		push @rows, $row // {};
	}
	is $rows[0]{remote_addr}, '127.0.0.1', 'client';
	is $rows[0]{method}, 'GET', 'method';
	is $rows[0]{target}, '/a', 'target';
	is $rows[0]{status}, 200, 'status';
	like $rows[0]{time} // '', qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/,
		'time';
	is $rows[1]{target}, '/r?x=1', 'with the query';
	is $rows[1]{user_agent}, 'agent/1', 'agent';
	is $rows[1]{referer}, 'http://ref/er', 'referer';
	is $rows[2]{status}, 404, 'another status';
	# Bytes are not always UTF-8: each is the character of its number.
	is $rows[3]{user_agent}, $nasty, 'odd bytes are what they were';
	is $rows[4]{status}, 400, 'the bad one';
	is $rows[5]{status}, 408, 'the slow one';
	my @phases = qw(accepted_to_first_byte first_byte_to_head
		head_to_answer answer_to_last_byte total);

	for my $row (@rows[0 .. 3]) {
		is_deeply [sort keys $row->{times_us}->%*], [sort @phases],
			'times of the exchange';
		is scalar(grep { $_ !~ /^\d+$/ || $_ > 60e6 }
			values $row->{times_us}->%*), 0, 'that can be';
	}
	is scalar(grep { $_->{times_us}{accepted_to_first_byte} > 0 } @rows[1 .. 3]), 0,
		'only the first request has waited since its connection came';
	cmp_ok $rows[5]{times_us}{total}, '>', 250_000,
		'the slow one took its time';
	$s->finish;
};

subtest 'a pipelined request has not waited since its connection came' => sub {
	my $s = start('json');
	my $c = $s->client;

	$c->send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n" x 3);
	$c->response for 1 .. 3;
	my @waited = map {
		JSON::PP->new->decode($_)->{times_us}{accepted_to_first_byte}
	} lines($s, 3);

	is_deeply [@waited[1, 2]], [0, 0], 'those after the first';
	$s->finish;
};

subtest 'to standard error' => sub {
	my $s = start('json', 'stderr');

	$s->get('/a');
	wait_until { $s->log_text =~ /^\{.*"\/a".*\}$/m } 'the line';
	pass 'a line';
	$s->allow_log(qr/^\{/);
	# Foreign to the log itself, but announced.
	$s->finish;
};

subtest 'off' => sub {
	my $s = start('combined', 'off');

	$s->get('/a');
	$s->finish(name => 'nothing is written anywhere');
	ok !-e $s->path('log/access.log'), 'no file';
};

subtest 'many requests, and a graceful end: no line is lost' => sub {
	my $s = start('combined', '%%DIR%%/log/access.log', 2);
	my @clients = map { $s->client } 1 .. 10;
	my $text = join '', map { "GET /a?$_ HTTP/1.1\r\nHost: a\r\n\r\n" }
		1 .. 100;

	$_->send($text) for @clients;
	for my $c (@clients) {
		$c->response for 1 .. 100;
	}
	$s->finish;
	my @lines = split /\n/, $s->dir->read('log/access.log');

	is scalar @lines, 1000, 'a line for each';
	is scalar(grep { $_ !~ $combined } @lines), 0, 'none torn';
};

done_testing;
