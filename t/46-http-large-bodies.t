# SPDX-License-Identifier: BSD-2-Clause
#
# Bodies of requests that are large: body_limit, and what is over
# limits.body_memory, in files that nobody sees, with the memory flat, on disks
# that are full, and over reloads.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Dir;
use Holdfast::Proc qw(anonymous_kb fd_targets);

my $type = 'multipart/form-data; boundary=b';
my $urlencoded = 'application/x-www-form-urlencoded';

# The 4 MB in the middle of an upload, over and over.
my $block = join '', map { chr($_ % 251) } 1 .. 1 << 16;
$block x= 64;

my $begin = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nfirst\r\n"
	. "--b\r\nContent-Disposition: form-data; name=f; filename=big.bin\r\n"
	. "Content-Type: application/octet-stream\r\n\r\n";
my $end = "\r\n--b\r\nContent-Disposition: form-data; name=z\r\n\r\nlast\r\n"
	. "--b--\r\n";

sub head ($path, $size, @more) {
	return Holdfast::Client->request_text('POST', $path,
		['Content-Type' => $type, 'Content-Length' => $size, @more]);
}

# Sends an upload of $n blocks; $middle->() in the middle of it. The response.
sub upload ($c, $n, $middle = sub { }) {
	$c->send(head('/up', length($begin) + $n * length($block)
		+ length $end) . $begin);
	for my $i (1 .. $n) {
		$c->send($block);
		$middle->() if $i == int(($n + 1) / 2);
	}
	$c->send($end);
	return $c->response;
}

sub wanted ($n) {
	return 'first big.bin application/octet-stream '
		. $n * length($block) . ' last';
}

my $conf = <<'E';
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
temp = "%%DIR%%/temp";
limits = { body = "100k"; };
sites = ( { body_limit = "200k"; routes = (
  { path = "/site"; handler = "respond"; body = "${form.a}"; },
  { path = "/route"; handler = "respond"; body = "${form.a}";
    body_limit = "50k"; },
  { path = "/none"; handler = "respond"; body = "${form.a}"; body_limit = 0; },
  { path = "/up"; handler = "respond"; body_limit = "1t";
    body = "${form.a} ${form_filename.f} ${form_type.f} ${form_size.f} ${form.z}"; }
); }, { hosts = [ "other" ]; routes = (
  { path = "/"; handler = "respond"; body = "${form.a}"; }
); } );
E
my $s = Holdfast->start(conf => $conf, prepare => sub ($dir) {
	chmod 01777, $dir->mkdir('temp');
});
my $temp = $s->path('temp');

sub temp_files () {
	opendir my $dir, $temp or die "$temp: $!";
	return grep { !/^\.\.?$/ } readdir $dir;
}

# Descriptors of workers that are files in temp.
sub open_files () {
	return grep { m{^\Q$temp\E/} } map { values fd_targets($_)->%* }
		$s->workers;
}

subtest 'body_limit of routes and sites' => sub {
	# [path, host, limit]
	for my $case (['/site', 'a', 200], ['/route', 'a', 50],
		['/other', 'other', 100]) {
		my ($path, $host, $k) = @$case;
		my $c = $s->client;
		my @fields = (Host => $host, 'Content-Type' => $urlencoded);
		my $body = 'a=' . 'x' x ($k * 1024 - 2);

		is length $c->request('POST', $path, \@fields, $body)->body,
			$k * 1024 - 2, "$path: $k KiB";
		# Nothing of the body is sent.
		$c->send($c->request_text('POST', $path,
			[@fields, 'Content-Length' => $k * 1024 + 1]));
		is $c->response->status, 413, "$path: one more is refused unread";
		ok $c->at_end, 'and the connection closed';

		$c = $s->client;
		$c->send($c->request_text('POST', $path,
			[@fields, 'Transfer-Encoding' => 'chunked'])
			. sprintf("%x\r\n%sx\r\n", length($body) + 1, $body));
		is $c->response->status, 413, "$path: in chunks";
		ok $c->at_end, 'and the connection closed';
	}
	my $c = $s->client;

	is $c->request('POST', '/none', ['Content-Type' => $urlencoded], 'a')
		->status, 413, 'no body at all';
	$c = $s->client;
	$c->send(head('/route', 51 * 1024, Expect => '100-continue'));
	is $c->response->status, 413, 'and nobody is asked to go on';
	is_deeply [temp_files()], [], 'no files';
};

subtest 'an upload is in a file without a name' => sub {
	my $n = scaled(50);	# 200 MB
	my $c = $s->client;
	my $before = $s->status->{totals}{temp_bodies};

	is upload($c, 1)->body, wanted(1), 'a small one first';

	my %memory = map { $_ => anonymous_kb($_) } $s->workers;
	my $grown = sub () {
		my ($most) = sort { $b <=> $a }
			map { anonymous_kb($_) - $memory{$_} } $s->workers;
		return $most;
	};
	my ($halfway, @names, @open);
	my $r = upload($c, $n, sub {
		wait_until { open_files() } 'the file';
		$halfway = $grown->();
		@names = temp_files();
		@open = open_files();
	});

	is $r->status, 200, $n * length($block) . ' bytes';
	is $r->body, wanted($n), 'are read';
	is_deeply \@names, [], 'nothing has a name in temp meanwhile';
	is scalar @open, 1, 'one file is open';
	cmp_ok $halfway, '<', 4096, 'memory is flat halfway';
	cmp_ok $grown->(), '<', 4096, 'and afterwards';
	is $c->get('/site')->status, 200, 'the connection goes on';
	is_deeply [open_files()], [], 'the file is gone';
	is_deeply [temp_files()], [], 'and was nowhere else';
	wait_until { $s->status->{totals}{temp_bodies} == $before + 2 }
		'two bodies are counted';
	is $s->status->{totals}{temp_bodies}, $before + 2, 'counted in status';
};

subtest 'it goes with the answer, not with the client' => sub {
	my $text = head('/up', length "$begin$block$end") . "$begin$block$end";
	my $last = $s->client;
	my $next = $s->client;

	$last->send(($text =~ s/\r\n/\r\nConnection: close\r\n/r) . 'junk');
	$next->send("${text}P");
	is $_->response->body, wanted(1), 'answered' for $last, $next;
	# Lingering takes 2 s.
	my $until = now() + 1.5;

	select undef, undef, undef, 0.01 while open_files() && now() < $until;
	is scalar open_files(), 0, 'one lingers, and one has begun another';
	$_->close for $last, $next;
};

subtest 'a client that breaks off' => sub {
	my $c = $s->client;

	$c->send(head('/up', 10 * length $block) . $begin . $block);
	wait_until { open_files() } 'the file';
	$c->close;
	wait_until { !open_files() } 'the file is gone';
	is_deeply [temp_files()], [], 'nothing is left';
};

subtest 'many fields of a large form are looked up in it once' => sub {
	my @names = map { "f$_" } 1 .. 40;
	my $text = join ' ', map { "\${form.$_}" } @names;

	$s->reload($conf =~ s{(sites = \( \{.*?routes = \()}
		{$1 { path = "/many"; handler = "respond"; body = "$text";
		      body_limit = "1g"; },}sr);
	my $c = $s->client;
	my $n = scaled(25);
	my $size = $n * length($block) + 2;

	for my $case ([$urlencoded, 'a=', join '', map { "&$_=$_" } @names],
		[$type, $begin, "\r\n" . join('', map { "--b\r\n"
			. "Content-Disposition: form-data; name=$_\r\n\r\n$_\r\n"
			} @names) . '--b--']) {
		my ($t, $first, $last) = @$case;
		my $x = $t eq $type ? $block : 'x' x length $block;

		$c->send($c->request_text('POST', '/many', ['Content-Type' => $t,
			'Content-Length' => length($first) + $n * length($x)
				+ length $last]) . $first);
		$c->send($x) for 1 .. $n;
		my $start = now();

		$c->send($last);
		is $c->response->body, "@names", "$t: all of them";
		cmp_ok now() - $start, '<', patience() / 4,
			'in the time of a few';
	}
};

subtest 'reloads in the middle of an upload' => sub {
	my $n = scaled(20);
	my $c = $s->client;
	my $r = upload($c, $n, sub {
		$s->reload;
		$s->reload;
	});

	is $r->status, 200, 'it is answered';
	is $r->body, wanted($n), 'with all of it';
	ok !$r->closes, 'and the connection stays';
	is $c->get('/site')->status, 200, 'in step';
	is_deeply [temp_files()], [], 'nothing is left in temp';
};

subtest 'temp that cannot be used' => sub {
	my ($exit, $out, $err) = $s->command('check')->wait;

	is $exit, 0, 'is right as it is';
	rmdir $temp or die "$temp: $!";
	($exit, $out, $err) = $s->command('check')->wait;
	is $exit, 1, 'a directory that is not there';
	like $err, qr/:\d+: temp: .*No such file/, 'is an error in the file';

	my $c = $s->client;

	$s->expect_log(qr/cannot keep the body in .*temp: No such file/);
	is upload($c, 1)->status, 503, 'one that went away: 503';
	ok $c->at_end, 'and the connection closed, with the answer read';
	is $s->client->get('/site')->status, 200, 'the worker goes on';
};
$s->finish;

SKIP: {
	skip 'only root can mount', 1 if $> != 0;
	skip 'mount is not permitted here', 1
		if system('unshare --mount mount -t tmpfs none /mnt 2>/dev/null')
			!= 0;

	subtest 'a full disk' => sub {
		my $dir = Holdfast::Dir->new;
		my $mount = 'mount -t tmpfs -o size=2m,mode=1777 none "$0" '
			. '&& exec "$@"';
		my $full = Holdfast->start(conf => $conf, dir => $dir,
			wrap => ['unshare', '--mount', 'sh', '-c', $mount,
				$dir->mkdir('temp')]);
		my $c = $full->client;

		$full->expect_log(
			qr/cannot keep the body in .*No space left/);
		is upload($c, 2)->status, 507, 'is 507 (Insufficient Storage)';
		ok $c->at_end, 'and the connection closed, with the answer read';
		$c = $full->client;
		is $c->request('POST', '/up', ['Content-Type' => $type],
			$begin . 'x' x (1 << 20) . $end)->status, 200,
			'there is room again';
		$c->close;
		$full->finish;
	};
}
done_testing;
