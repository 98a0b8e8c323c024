# SPDX-License-Identifier: BSD-2-Clause
#
# TERM to the group and to the process, as some supervisors send it, is one
# request: what is begun is finished. A second one later ends the server now.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Wait;

my $conf = <<'E';
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "done"; } ); } );
E

for my $pause (0.02, 0.3) {
	my $s = Holdfast->start(conf => $conf);
	my $half = $s->client;

	$half->send("GET / HTTP/1.1\r\nHost: a\r\n");
	wait_until { $s->status->{totals}{bytes_in} > 10 } 'half a request';
	$s->signal('TERM');
	select undef, undef, undef, $pause;
	$s->signal('TERM');
	if ($pause < 0.1) {
		$s->wait_log(qr/got Terminated/, 2);
		$half->send("\r\n");
		is $half->response->body, 'done', "$pause s apart: one request";
	} else {
		$s->wait_log(qr/stopping/);
		is eval { $half->response->body } // '', '',
			"$pause s apart: the second ends the server";
	}
	$s->wait_end;
	is $s->exit_status, 0, 'it ends well';
	$s->finish;
}
done_testing;
