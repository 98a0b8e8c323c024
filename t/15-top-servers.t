# SPDX-License-Identifier: BSD-2-Clause
#
# holdfast top: the servers of upstreams, as many as there is room for.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Command;
use Holdfast::Wait;

plan skip_all => 'script(1) is missing' unless Holdfast::has_program('script');

my $b = Holdfast::Backend->new(sub ($request, $socket) {
	print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
	return 1;
});
my $more = join ', ', map { "{ address = \"127.0.0.2:$_\"; backup = true; }" } 1 .. 11;
my $s = Holdfast->start(conf => <<"CONF");
workers = 3;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { address = "$b->{address}"; }, $more ); } );
sites = ( { routes = ( { path = "/"; handler = "proxy"; upstream = "app"; } ); } );
CONF

is +($s->run('upstream', 'app', '127.0.0.2:1', 'drain'))[0], 0, 'one is drained';

sub screen ($text) {
	my @frames = grep { /\e\[J/ } split /\e\[H/, $text;
	my $frame = $frames[-1] // return;

	$frame =~ s/\e\[J.*//s;
	return map { s/\e\[K//gr } split /\r*\n/, $frame;
}

sub slurp ($path) {
	open my $file, '<', $path or return '';
	local $/;
	return <$file> // '';
}

# [columns, rows, servers that are shown]
for my $size ([80, 24, 3], [132, 50, 12]) {
	my ($columns, $rows, $n) = @$size;
	my $out = $s->path("screen$columns");
	my $top = join ' ', "stty cols $columns rows $rows;", Holdfast::binary(),
		'-c', $s->conf_path, 'top';
	my $command = Holdfast::Command->new(
		['script', '-qefc', $top, $out], input => 'pipe',
		env => { TERM => 'xterm', SHELL => '/bin/sh' });

	ok wait_until {
		$s->get('/');
		grep { /^app +\Q$b->{address}\E +up +1 +\d+ +\d+ +[1-9]\d* +0\z/ }
			screen(slurp($out));
	} "$columns by $rows: the server with its rate";
	my @lines = screen(slurp($out));

	is scalar(grep { /^app / } @lines), $n, "$n servers";
	is scalar(grep { /^ +\d+ +\d+ +1 serving / } @lines), 3, 'all workers';
	is scalar(grep { /^  and (\d+) servers more\z/ && $1 == 12 - $n } @lines),
		$n < 12 ? 1 : 0, 'how many are not shown';
	ok +(grep { /^app +127\.0\.0\.2:1 +drained / } @lines), 'the drained one';
	ok +(grep { /^ +16 us +\d+ +[\d.]+%/ } @lines), 'how long requests took';
	is_deeply [grep { length > $columns } @lines], [], 'no line is too long';
	cmp_ok scalar @lines, '<=', $rows, 'nor are there too many';
	$command->write('q');
	is +($command->wait)[0], 0, 'a key ends it';
}

$s->finish;
done_testing;
