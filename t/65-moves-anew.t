# SPDX-License-Identifier: BSD-2-Clause
#
# What a handler or a policy computes for a request is finished where it was
# begun, within timeouts.drain; after that it is begun anew by the new workers,
# if nobody has seen anything of it: nothing is cut.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep);
use Holdfast;

# A password that takes a second or so to check, also where the server itself
# has sanitizers: its library has none.
my $slow = '$6$rounds=2500000$saltsalt$';
my $users = 'alice:' . crypt('secret', $slow) . "\n";

sub conf ($name) {
	return <<"EOF_CONF";
workers = 1;
log = { access = "%%DIR%%/access.log";
  format = "\${header.x-case} \${status} \${user} \${connection_requests}"; };
timeouts = { drain = "100ms"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/open"; handler = "respond"; body = "$name"; },
  { path = "/secret"; handler = "respond"; methods = [ "GET", "POST" ];
    auth_file = "%%DIR%%/users";
    body = "$name \${user} \${form.x:-none}"; } ); } );
EOF_CONF
}

my $s = Holdfast->start(conf => conf('one'), files => { users => $users });

$s->allow_log(qr/a password is still being hashed/);

sub request ($case, $method, @more) {
	return Holdfast::Client->request_text($method, '/secret', ['X-Case' =>
		$case, Authorization => 'Basic ' . encode_base64('alice:secret',
		''), 'Content-Type' => 'application/x-www-form-urlencoded'],
		@more);
}

my ($old) = $s->workers;
my ($get, $post, $more) = map { $s->client } 1 .. 3;

$get->send(request('get', 'GET'));
$post->send(request('post', 'POST', 'x=' . 'f' x 100));
my $part = request('part', 'POST', 'x=' . 'g' x 100);

$more->send(substr $part, 0, -10);
wait_until { $s->status->{totals}{bytes_in} >= length($part) * 2 }
	'the server to have them';
$s->reload(conf('two'));
sleep 0.2;	# timeouts.drain, and more
$more->send(substr $part, -10);
is $get->response->body, 'two alice none', 'a request is answered by the new';
is $post->response->body, 'two alice ' . 'f' x 100, 'so is one with a body';
is $more->response->body, 'two alice ' . 'g' x 100,
	'and one whose body was coming';
is $_->get('/open')->body, 'two', 'the connection goes on' for $get, $post, $more;
wait_until { ($s->dir->read('access.log') // '') =~ /^- /m } 'the log';
is join('', sort grep { !/^-/ } map { "$_\n" } split /\n/,
	$s->dir->read('access.log')),
	"get 200 alice 1\npart 200 alice 1\npost 200 alice 1\n",
	'each has one line in the log';
$s->wait_workers(1);
is scalar($s->logged(qr/: cut: /)), 0, 'nothing is cut';
$_->close for $get, $post, $more;
wait_until { $s->status->{connections} == 0 } 'the clients to be gone';
$s->finish;
done_testing;
