# SPDX-License-Identifier: BSD-2-Clause
#
# holdfast top, in a terminal of 80 by 24 and in a wider one.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Wait;

plan skip_all => 'script(1) is missing' unless Holdfast::has_program('script');

my $s = Holdfast->start(conf => <<'E');
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = ( { path = "/"; handler = "respond"; body = "x"; } ); } );
E

# What is on the screen after the last whole frame.
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

for my $size ([80, 24], [132, 50]) {
	my ($columns, $rows) = @$size;
	my $out = $s->path("screen$columns");
	my $top = join ' ', "stty cols $columns rows $rows;", Holdfast::binary(),
		'-c', $s->conf_path, 'top';
	my $command = Holdfast::Command->new(
		['script', '-qefc', $top, $out], input => 'pipe',
		env => { TERM => 'xterm', SHELL => '/bin/sh' });

	ok wait_until {
		$s->get('/');
		grep { /^[1-9]\d* requests\/s/ } screen(slurp($out));
	} "$columns by $rows: to show a rate";
	my @lines = screen(slurp($out));

	like $lines[0], qr/^holdfast serving, generation 1, up \d+ s, 2 workers/,
		'the server';
	is scalar(grep { /^ +\d+ +\d+ +1 serving / } @lines), 2, 'two workers';
	ok +(grep { /^ +16 us +\d+ +[\d.]+%/ } @lines), 'how long requests took';
	is_deeply [grep { length > $columns } @lines], [], 'no line is too long';
	cmp_ok scalar @lines, '<=', $rows, 'nor are there too many';
	$command->write('c');
	ok wait_until { slurp($out) =~ /CONNS/ } 'a key to sort by connections';
	$command->write('q');
	my ($exit) = $command->wait;

	is $exit, 0, 'a key ends it';
	like slurp($out), qr/\e\[\?1049l/, 'and the terminal is given back';
}

my ($exit, $out, $err) = $s->run('top');

is $exit, 1, 'without a terminal';
is $err, "holdfast: top needs a terminal; status does not\n", 'it says so';
$s->finish;
done_testing;
