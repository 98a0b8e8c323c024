# SPDX-License-Identifier: BSD-2-Clause
#
# Access logs by site and route: which lines go where, in which form, and on
# which condition; through reopening, a reload and moves to other workers.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;

my $line = '${request_id}';
my $s = Holdfast->start(conf => <<"E",
workers = 2;
log = {
  format = "$line";
  access = (
    { to = "%%DIR%%/all.log"; },
    { to = "%%DIR%%/errors.log"; when = [ "\${status} >= 400" ]; },
    { to = "%%DIR%%/all.log"; format = "slow $line";
      when = [ "\${method} = POST", "\${path} != /quick" ]; }
  );
};
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = (
  { hosts = [ "own.test" ]; log = { access = "%%DIR%%/own.log"; };
    routes = (
      { path = "/"; handler = "respond"; body = "x"; },
      { path = "/none"; handler = "respond"; body = "x";
        log = { access = "off"; }; },
      { path = "/two"; handler = "respond"; body = "x";
        log = { access = (
          { to = "%%DIR%%/own.log"; format = "two $line"; },
          { to = "%%DIR%%/two.log";
            format = "{\\"id\\":\\"$line\\",\\"agent\\":\\"\${header.user-agent:-}\\",\\"path\\":\\"\${path}\\",\\"port\\":\${server_port},\\"addr\\":\\"\${server_addr}\\",\\"epoch\\":\${time.epoch},\\"bytes\\":\${bytes},\\"sent\\":\${bytes_sent},\\"complete\\":\${complete},\\"user\\":\\"\${user}\\",\\"connection\\":\${connection},\\"upstream\\":\\"\${upstream}\\"}";
            escape = "json"; } ); }; }
    ); },
  { hosts = [ "big.test" ]; log = { access = (
      { to = "%%DIR%%/big.log"; format = "json"; } ); };
    routes = ( { path = "/"; handler = "static"; root = "www"; } ); },
  { hosts = [ "other.test" ]; routes = (
      { path = "/in"; handler = "respond"; body = "x"; },
      { path = "/quick"; handler = "respond"; body = "x"; } ); }
);
E
	files => { 'www/big' => 'x' x 8_000_000 });
my $n = 0;

# Asks with an id of its own, which it returns.
sub ask ($host, $path, $method = 'GET', @fields) {
	my $id = 'id-' . ++$n;
	my $c = $s->client;

	$c->request($method, $path, [Host => $host, 'X-Request-Id' => $id, @fields],
		$method eq 'POST' ? '' : undef);
	$c->close;
	return $id;
}

# The lines that have the id, in all logs.
sub found ($id) {
	my %in;

	for my $log (qw(all errors own two)) {
		my $text = $s->dir->read("$log.log") // '';

		push $in{$log}->@*, $_ for $text =~ /^(.*$id\b.*)$/mg;
	}
	return \%in;
}

sub in_logs ($id, $wanted, $name) {
	# One more line, behind it, says that those before it were written.
	wait_until { keys(found($id)->%*) == keys %$wanted } "$name: lines";
	is_deeply found($id), $wanted, $name;
	return;
}

sub look ($name) {
	my $id = ask('other.test', '/in');

	in_logs($id, { all => [$id] }, "$name: the logs of all");
	$id = ask('other.test', '/missing');
	in_logs($id, { all => [$id], errors => [$id] }, "$name: a condition");
	$id = ask('other.test', '/in', 'POST');
	in_logs($id, { all => [$id, "slow $id"] },
		"$name: two conditions, and two logs in one file");
	$id = ask('other.test', '/quick', 'POST');
	in_logs($id, { all => [$id] }, "$name: one of them does not hold");
	$id = ask('own.test', '/a');
	in_logs($id, { own => [$id] }, "$name: a site's own");
	$id = ask('own.test', '/none/x');
	my $after = ask('own.test', '/a');
	in_logs($after, { own => [$after] }, "$name: the next");
	is_deeply found($id), {}, "$name: a route without";
	$id = ask('own.test', '/two', 'GET', 'User-Agent' => "a\"\\\xc3\xa4\xff");
	wait_until { found($id)->{two} } "$name: the line of a route";
	is_deeply found($id)->{own}, ["two $id"], "$name: a route's own, two of them";
	my $row = eval { JSON::PP->new->utf8->decode(found($id)->{two}[0]) };

	ok $row, "$name: JSON by a template" or diag found($id)->{two}[0];
	is $row->{agent}, "a\"\\\x{e4}\x{fffd}", "$name: with what a client sends";
	is $row->{addr}, '127.0.0.1', "$name: server_addr";
	is $row->{port}, ($s->address('http') =~ /:(\d+)/)[0], "$name: server_port";
	cmp_ok abs($row->{epoch} - time), '<', 60, "$name: time.epoch";
	is $row->{bytes}, 1, "$name: bytes";
	cmp_ok $row->{sent}, '>', 60, "$name: bytes_sent has the head";
	is $row->{complete}, JSON::PP::true, "$name: complete";
	is_deeply [$row->@{qw(user upstream)}], ['-', '-'], "$name: what is not there";
	return;
}

look('at first');
rename $s->path($_), $s->path("$_.1") for 'all.log', 'own.log', 'two.log';
is(($s->run('reopen'))[0], 0, 'reopened');
look('reopened');
ok -s $s->path('all.log.1'), 'the files before are kept';
$s->reload;
look('after a reload');

# The head and the body counted by a client.
{
	my $c = $s->client;
	my $id = 'counted';

	$c->send("GET /two HTTP/1.1\r\nHost: own.test\r\nX-Request-Id: $id\r\n"
		. "Connection: close\r\n\r\n");
	my $all = length $c->read_to_end;

	wait_until { found($id)->{two} } 'its line';
	like found($id)->{two}[0], qr/"sent":$all,/, 'bytes_sent is what a client counts';
}

# A response on its way moves, and ends elsewhere: the log is its site's.
{
	my @lines;
	my $big = sub () {
		return grep { $_->{target} =~ /big/ }
			map { JSON::PP::decode_json($_) }
			split /\n/, $s->dir->read('big.log') // '';
	};
	my $c = Holdfast::Client->new($s->address('http'), rcvbuf => 4096);
	my $cut = Holdfast::Client->new($s->address('http'), rcvbuf => 4096);

	$_->send("GET /big HTTP/1.1\r\nHost: big.test\r\n\r\n") for $c, $cut;
	$_->read_until("\r\n\r\n") for $c, $cut;
	$s->reload;
	$cut->reset;
	is length $c->read_bytes(8_000_000), 8_000_000, 'a response that moves';
	wait_until { @lines = $big->(); @lines == 2 } 'it is logged, and the other';
	my ($whole) = grep { $_->{bytes} == 8_000_000 } @lines;
	my ($part) = grep { $_->{bytes} < 8_000_000 } @lines;

	ok $whole && !exists $whole->{complete}, 'one that is whole';
	is $part && $part->{complete}, JSON::PP::false, 'what was cut short says so';
}
$s->finish;

# What is wrong with such settings.
for my $case (
	['when = [ "status = 4" ];', qr/there is no variable in the condition/],
	['when = [ "${status}" ];', qr/a condition is a variable, an operator/],
	['when = [ "${status} > x" ];', qr/"x" is not a number/],
	['when = [ "${statu} > 1" ];', qr/did you mean "\$\{status\}"/],
	['format = "json"; escape = "json";', qr/only a format with variables/],
	['to = "syslog:tcp:1.2.3.4:1";', qr/a syslog is "syslog:unix:/],
	['to = "syslog:udp:1.2.3.4";', qr/sites\[0\]\.log\.access\[0\]\.to: /],
	['to = "/none/x";', qr{/none: No such file}],
) {
	my ($text, $error) = @$case;
	my $to = $text =~ /\bto =/ ? '' : 'to = "stderr";';
	my $dir = Holdfast::Dir->new;
	my $path = $dir->write('c.conf', <<"E");
listeners = ( { address = "127.0.0.1:0"; } );
sites = ( { log = { access = ( { $to $text } ); };
  routes = ( { path = "/"; handler = "respond"; body = "x"; } ); } );
E
	my ($exit, $out, $err) = holdfast('-c', $path, 'check');

	is $exit, 1, "$text is refused";
	like $err, $error, "$text: why";
}
done_testing;
