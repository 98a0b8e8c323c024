# SPDX-License-Identifier: BSD-2-Clause
#
# auth_file: who has a name and a password is let in, whoever else tries
# whatever is not, and nobody else waits while a password is hashed.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use Holdfast;

# A hash that takes a good part of a second.
my $slow = '$6$rounds=' . (binary_has_sanitizers() ? 100000 : 400000) . '$salt$';
my %users = (
	sha512 => crypt('secret', '$6$rounds=1000$saltsalt$'),
	sha256 => crypt('secret', '$5$rounds=1000$saltsalt$'),
	bcrypt => crypt('secret', '$2b$04$abcdefghijklmnopqrstuu'),
	yescrypt => crypt('secret', '$y$j75$abcdefghijklmnopqrstu.'),
	md5 => crypt('secret', '$1$saltsalt$'),
	'with space' => crypt('', '$1$saltsalt$'),
	apr1 => '$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0',
	sha => '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=',
	ssha => '{SSHA}8bX4JQDfZqtTfvnQ4ssDmWb17/FTQUxU',
	colon => crypt('a:b:c', '$1$saltsalt$'),
	utf => crypt("p\xc3\xa4ss", '$1$saltsalt$'),
	long => crypt('x' x 511, '$1$saltsalt$'),
);
my $s = Holdfast->start(conf => <<'E', files => {
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = (
  { hosts = [ "auth.test" ]; auth_file = "users"; auth_realm = "a \"b\" \\c";
    routes = (
      { path = "/"; match = "exact"; handler = "respond"; body = "hello ${user}";
        response_fields = [ "X-User: ${user}" ];
        request_fields = [ "X-Asked: ${user}" ]; },
      { path = "/form"; handler = "respond"; body = "[${form.f}] ${user}"; },
      { path = "/open"; handler = "respond"; body = "open [${user}]";
        auth_file = ""; },
      { path = "/slow"; handler = "respond"; body = "slow ${user}";
        auth_file = "slow"; },
      { path = "/other"; handler = "respond"; body = "other ${user}";
        auth_file = "other"; },
      { path = "/nobody"; handler = "respond"; auth_file = "nobody"; }
    ); },
  { hosts = [ "limit.test" ]; auth_file = "users"; rate = "1/h";
    rate_burst = 2;
    routes = ( { path = "/"; handler = "respond"; body = "in"; } ); },
  { routes = ( { path = "/"; handler = "respond"; body = "free"; } ); }
);
E
	users => "# users\n\n" . join('', map { "$_:$users{$_}\n" }
		sort keys %users) . "\n",
	slow => 'slow:' . crypt('secret', $slow) . "\r\n",
	other => 'md5:' . crypt('different', '$1$saltsalt$') . "\n",
	nobody => "# nobody yet\n",
});
my $c = $s->client;

sub basic ($text) {
	return (Authorization => 'Basic ' . encode_base64($text, ''));
}

sub ask ($target, @fields) {
	return $c->get($target, Host => 'auth.test', @fields);
}

subtest 'without a password' => sub {
	my $r = ask('/');

	is $r->status, 401, 'refused';
	is $r->field('www-authenticate'),
		'Basic realm="a \"b\" \\\\c", charset="UTF-8"', 'and told why';
	ok !$r->closes, 'the connection goes on';
	is $r->field('x-user'), undef, 'nobody is known';
	is ask($_)->status, 401, "$_ too" for '/nowhere', '/nobody';
	is $c->request('BREW', '/', [Host => 'auth.test'])->status, 401,
		'whatever the method';
	is ask('/open')->body, 'open []', 'but not where none is asked for';
	is $c->get('/', Host => 'x')->body, 'free', 'nor on another site';
};

subtest 'with the right one' => sub {
	for my $user (qw(sha512 sha256 bcrypt yescrypt md5)) {
		for my $time ('once', 'and again') {
			my $r = ask('/', basic("$user:secret"));

			is $r->body, "hello $user", "$user, $time";
			is $r->field('x-user'), $user, 'by name';
		}
	}
	is ask('/', basic('with space:'))->status, 200, 'an empty one';
	is ask('/', basic('colon:a:b:c'))->status, 200, 'one with colons';
	is ask('/', basic("utf:p\xc3\xa4ss"))->status, 200, 'one in UTF-8';
	is ask('/', basic('long:' . 'x' x 511))->status, 200, 'a long one';
	is ask('/', Authorization => 'bAsIc   '
		. encode_base64('md5:secret', ''))->status, 200,
		'the scheme in any case';
	is ask('/nowhere', basic('md5:secret'))->status, 404,
		'then an error is an error';
	is $c->request('DELETE', '/', [Host => 'auth.test',
		basic('md5:secret')])->status, 405, 'of each kind';
};

# What is not let in: [what it is, Authorization fields].
for my $case (
	['a wrong password', basic('sha512:Secret')],
	['no password', basic('sha512:')],
	['one with more', basic('sha512:secret ')],
	['one that is right but for what follows a NUL',
		basic("sha512:secret\0x")],
	['a name with a NUL', basic("sha512\0:secret")],
	['one for another', basic('colon:secret')],
	['an unknown name', basic('nobody:secret')],
	['no name', basic(':secret')],
	['nothing', basic('')],
	['no colon', basic('sha512')],
	['a hash for a password', basic("sha512:$users{sha512}")],
	['a huge name', basic('x' x 5000 . ':secret')],
	['a huge password', basic('sha512:' . 'x' x 5000)],
	['a password a bit too long', basic('long:' . 'x' x 512)],
	['control characters', basic("sha512:sec\nret")],
	['broken base64', Authorization => 'Basic c2hhNTEyOnNlY3JldA'],
	['no base64', Authorization => 'Basic sha512:secret'],
	['blanks in it', Authorization => 'Basic c2hh NTEyOnNlY3JldA=='],
	['another scheme', Authorization => 'Bearer c2hhNTEyOnNlY3JldA=='],
	['only a scheme', Authorization => 'Basic'],
	['a scheme and a blank', Authorization => 'Basic '],
	['nothing at all', Authorization => ''],
	['a user of another file', basic('slow:secret')],
) {
	my ($what, @fields) = @$case;

	is ask('/', @fields)->status, 401, $what;
	is ask('/', @fields)->status, 401, 'and again' if $what =~ /wrong/;
}

# RFC 9110 section 5.3: it is one field. Whose request would it be?
for my $case (
	['the right one twice', basic('md5:secret'), basic('md5:secret')],
	['a wrong one and the right one', basic('md5:wrong'),
		basic('md5:secret')],
) {
	my ($what, @fields) = @$case;
	my $other = $s->client;

	is $other->get('/', @fields)->status, 400, $what;
	$other->close;
}

# What was right once is remembered, of this file and of no other.
subtest 'one name in two files' => sub {
	is ask('/', basic('md5:secret'))->status, 200, 'one password here';
	is ask('/other', basic('md5:secret'))->status, 401, 'is wrong there';
	is ask('/other', basic('md5:different'))->body, 'other md5',
		'where it is another';
	is ask('/', basic('md5:different'))->status, 401, 'that is wrong here';
	is ask('/', basic('md5:secret'))->status, 200, 'and so on';
};

subtest 'a body' => sub {
	my $other = $s->client;
	my $post = sub (@fields) {
		return "POST /form HTTP/1.1\r\nHost: auth.test\r\n"
			. "Content-Type: application/x-www-form-urlencoded\r\n"
			. "Content-Length: 5\r\n"
			. join('', map { "$_\r\n" } @fields) . "\r\n";
	};
	my ($name, $value) = basic('sha256:secret');

	$other->send($post->("$name: $value") . 'f=abc');
	is $other->response->body, '[abc] sha256', 'goes along';
	$other->send($post->("$name: $value", 'Expect: 100-continue'));
	is $other->response->status, 100, 'is asked for';
	$other->send('f=abc');
	is $other->response->body, '[abc] sha256', 'and goes along';
	$other->send($post->('Expect: 100-continue'));
	is $other->response->status, 401, 'or is not asked for';
	$other->close;
	$other = $s->client;
	($name, $value) = basic('sha256:wrong');
	$other->send($post->("$name: $value", 'Expect: 100-continue'));
	is $other->response->status, 401, 'after a wrong password';
	$other->close;
};

subtest 'pipelined' => sub {
	my $other = $s->client;
	my @wanted;

	for my $i (1 .. 20) {
		my $user = (qw(sha512 bcrypt md5))[$i % 3];
		my ($name, $value) = basic("$user:" . ($i % 4 ? 'secret' : $i));

		$other->send("GET / HTTP/1.1\r\nHost: auth.test\r\n"
			. "$name: $value\r\n\r\n");
		push @wanted, $i % 4 ? "hello $user" : 401;
	}
	is_deeply [map {
		my $r = $other->response;
		$r->status == 200 ? $r->body : $r->status
	} 1 .. 20], \@wanted, 'each its own answer, in order';
	$other->close;
};

subtest 'nobody else waits' => sub {
	my $slow = $s->client;
	my ($name, $value) = basic('slow:wrong');
	my $head = "GET /slow HTTP/1.1\r\nHost: auth.test\r\n$name: $value\r\n\r\n";
	my ($took, $begin, $is_first);

	# Where the test itself has to wait, it may see nothing of it at once.
	for (1 .. 10) {
		$begin = now();
		$slow->send($head);
		$c->get('/', Host => 'x');
		$is_first = !$slow->pull && $slow->buffered eq '';
		$slow->response->status == 401 or die 'let in';
		$took = now() - $begin;
		last if $is_first;
	}
	ok $is_first, 'another is answered before the password is';

	# The client does not wait for it, and the server goes on.
	for (1 .. 3) {
		$slow->send($head);
		is $c->get('/', Host => 'x')->body, 'free', 'another';
		$slow->close;
		$slow = $s->client;
	}
	is $c->get('/slow', Host => 'auth.test', basic('slow:secret'))->body,
		'slow slow', 'the right one';
	$begin = now();
	is $c->get('/slow', Host => 'auth.test', basic('slow:secret'))->body,
		'slow slow', 'again' for 1 .. 20;
	cmp_ok now() - $begin, '<', 10 * $took, 'is known';
	$slow->close;
};

subtest 'a reload meanwhile' => sub {
	my $slow = $s->client;
	my ($name, $value) = basic('slow:secret');

	$s->reload; # nothing is known
	$slow->send("GET /slow HTTP/1.1\r\nHost: auth.test\r\n"
		. "$name: $value\r\n\r\n");
	is $c->get('/', Host => 'x')->body, 'free', 'it has begun';
	$s->reload;
	is $slow->response->body, 'slow slow', 'takes nothing away';
	$slow->send("GET /slow HTTP/1.1\r\nHost: auth.test\r\n\r\n");
	is $slow->response->status, 401, 'and the connection goes on';
	$slow->close;
};

subtest 'a request that moves' => sub {
	my $other = $s->client;
	my ($name, $value) = basic('sha512:secret');

	$other->send("POST /form HTTP/1.1\r\nHost: auth.test\r\n"
		. "Content-Type: application/x-www-form-urlencoded\r\n"
		. "Expect: 100-continue\r\n"
		. "Content-Length: 5\r\n$name: $value\r\n\r\n");
	is $other->response->status, 100, 'is let in';
	$s->reload;
	$other->send('f=abc');
	is $other->response->body, '[abc] sha512', 'and keeps its user';
	$other->close;
};

subtest 'who guesses' => sub {
	my %seen;

	for my $i (1 .. 6) {
		$seen{$c->get('/', Host => 'limit.test',
			basic("md5:guess$i"))->status}++;
	}
	is_deeply \%seen, { 401 => 3, 429 => 3 }, 'is limited by a rate';
};

subtest 'a file that changes' => sub {
	$s->dir->write('users', 'new:' . crypt('word', '$1$saltsalt$') . "\n");
	is ask('/', basic('new:word'))->status, 401, 'is as it was';
	$s->reload;
	is ask('/', basic('new:word'))->status, 200, 'until a reload';
	is ask('/', basic('md5:secret'))->status, 401, 'who is gone is gone';
	$s->dir->write('users', "new:plain\n");
	my ($exit, undef, $err) = $s->run('reload');

	isnt $exit, 0, 'one that is wrong refuses the reload';
	like $err, qr{/users:1: .*not a hash}, 'and says where';
	$s->expect_log(qr/not a hash/, qr/reload failed/);
};

# [what it is, the file, line, what is said]
for my $case (
	['a line without a colon', "a\n", 1, qr/"name:hash"/],
	['a line without a name', "\n:$users{md5}\n", 2, qr/a name is missing/],
	['a plain password', "# x\na:secret\n", 2, qr/not a hash/],
	['a hash of another kind', "a:{CRYPT}x", 1,
		qr/not a hash that can be used; make one with "htpasswd -B"/],
	['a hash of Apache that was cut', "a:\$apr1\$salt\$" . 'x' x 21, 1,
		qr/not whole; make one with "htpasswd -B"/],
	['a hash that was cut', "a:" . substr($users{sha512}, 0, -1), 1,
		qr/not whole/],
	['an empty hash', "a:\n", 1, qr/not a hash/],
	['a user twice', "a:$users{md5}\nb:$users{md5}\n\na:$users{sha512}\n",
		4, qr/duplicate user "a"/],
) {
	my ($what, $text, $line, $said) = @$case;
	my $dir = Holdfast::Dir->new;
	my $users = $dir->write('users', $text);
	my $conf = $dir->write('a.conf', <<'E');
listeners = ( { address = "127.0.0.1:8080"; } );
sites = ( { auth_file = "users"; routes = ( ); } );
E
	my ($exit, undef, $err) = holdfast('-c', $conf, 'check');

	is $exit, 1, "$what is wrong";
	like $err, qr/\A\Q$users\E:$line: .*$said/, 'and it is said where';
	unlink $users;
	(undef, undef, $err) = holdfast('-c', $conf, 'check');
	like $err, qr{\A\Q$conf\E:2: sites\[0\]\.auth_file: .*No such file},
		'without the file too' if $what =~ /Apache/;
}

subtest 'the access log' => sub {
	my @format = ('format = "combined";', 'format = "json";',
		'format = "${user} ${status}";');
	my @line = (qr/^127\.0\.0\.1 - a b\\x22c \[.*200/,
		qr/"user":"a b\\u0022c",/, qr/^a b\\x22c 200$/);

	for my $i (0 .. 2) {
		my $log = Holdfast->start(conf => <<"E",
workers = 1;
log = { access = "access.log"; $format[$i] };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { auth_file = "users";
  routes = ( { path = "/"; handler = "ready"; } ); } );
E
			files => { users => "a b\"c:$users{md5}\n" });

		$log->get('/', basic('a b"c:secret'));
		$log->get('/', basic('a b"c:wrong'));
		$log->finish;
		my @got = split /\n/, $log->dir->read('access.log');

		like $got[0], $line[$i], "the name in $format[$i]";
		unlike $got[1], qr/a b/, 'only when the password was right';
	}
};

$c->close;
$s->finish;
done_testing;
