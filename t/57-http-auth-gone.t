# SPDX-License-Identifier: BSD-2-Clause
#
# Passwords of clients that are gone are not hashed, and no client keeps others
# from having theirs looked at.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes ();
use Holdfast;

my $many = 40;
my $hash = crypt 'secret', '$2b$08$' . 'abcdefghijklmnopqrstuu';
my $s = Holdfast->start(files => { users => "user:$hash\n" }, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
real_ip = { from = [ "127.0.0.0/8" ]; field = "X-Client"; };
sites = ( { auth_file = "%%DIR%%/users"; routes = (
  { path = "/"; handler = "respond"; body = "${user}"; } ); } );
E

sub request ($password, $from) {
	return "GET / HTTP/1.1\r\nHost: a\r\nX-Client: $from\r\nAuthorization: Basic "
		. encode_base64("user:$password", '') . "\r\n\r\n";
}

# Seconds for the first answer to a password.
sub seconds_for ($password, $from, $status) {
	my $c = $s->client;
	my $began = Time::HiRes::time;

	$c->send(request($password, $from));
	is $c->response->status, $status, "$password, of $from";
	$c->close;
	return Time::HiRes::time - $began;
}

my $one = seconds_for('wrong', '192.0.2.9', 401);

subtest 'clients that are gone' => sub {
	my @gone = map { $s->client } 1 .. $many;

	$gone[$_]->send(request("wrong $_", '192.0.2.1')) for keys @gone;
	$_->close for @gone;
	my $took = seconds_for('secret', '192.0.2.1', 200);

	cmp_ok $took, '<', $many * $one / 3,
		sprintf 'wait for %.3f s, where one takes %.3f', $took, $one;
};

subtest 'a client that asks for many' => sub {
	my @waiting = map { $s->client } 1 .. $many;

	$waiting[$_]->send(request("wrong too $_", '192.0.2.2')) for keys @waiting;
	# They are there: the last of them was read before what comes now.
	my $c = $s->client;

	$c->send(request('wrong again', '192.0.2.3'));
	is $c->response->status, 401, 'another client has an answer';
	my $answered = grep { $_->pull; length $_->buffered } @waiting;

	cmp_ok $answered, '<', $many / 2, "when $answered of the many have one";
	is $_->response->status, 401, 'they are answered' for @waiting;
};

subtest 'a queue that is full' => sub {
	my @waiting = map { $s->client } 1 .. 70;

	$waiting[$_]->send(request("wrong more $_", '192.0.2.4')) for keys @waiting;
	seconds_for('wrong', '192.0.2.5', 401);
	my %status;

	$status{$_->response->status}++ for @waiting;
	is $status{401} + $status{503}, 70, 'all have an answer';
	cmp_ok $status{503}, '>=', 1, 'those that found no room, too';
};
$s->finish;
done_testing;
