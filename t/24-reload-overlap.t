# SPDX-License-Identifier: BSD-2-Clause
#
# A listener may become wider or narrower: 127.0.0.1:P becomes *:P and back, by
# a reload and by an upgrade, without a moment in which nobody listens.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use IO::Socket::IP;
use Holdfast;
use Holdfast::Background;
use Holdfast::Load qw(connect_load);
use Holdfast::Upgraded;

my $probe = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0,
	Listen => 1) or die $@;
my $port = $probe->sockport;

close $probe;

sub conf ($host, $more = '') {
	return <<"E";
workers = 2;
listeners = ( { address = "$host:$port"; }$more );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "$host"; } ); } );
E
}

my $s = Holdfast::Upgraded->of(Holdfast->start(conf => conf('127.0.0.1')));

sub answers ($host) {
	my $c = eval { Holdfast::Client->new("$host:$port") } or return 'nothing';

	return eval { $c->get('/')->body } // 'nothing';
}

# An old worker closes the listeners that are gone when it has served their
# queues, which may be a moment after the reload.
sub comes_to ($host, $answer, $name) {
	my $last = '';

	eval {
		wait_until { ($last = answers($host)) eq $answer } $name;
	};
	return is $last, $answer, $name;
}

# Nobody else has the address meanwhile.
sub is_ours ($name) {
	my $other = IO::Socket::IP->new(LocalHost => '127.0.0.1',
		LocalPort => $port, Listen => 1, ReuseAddr => 1);

	ok !$other, "$name: no other process can listen";
}

is answers('127.0.0.1'), '127.0.0.1', 'narrow';
is answers('127.0.0.2'), 'nothing', 'and only there';
is_ours('narrow');

my $kept = Holdfast::Client->new("127.0.0.1:$port");

is $kept->get('/')->body, '127.0.0.1', 'a connection';
my $load = Holdfast::Background->new(sub ($stopping) {
	return connect_load($stopping, '/', "127.0.0.1:$port");
});

for my $verb (qw(reload upgrade reload)) {
	for my $host ('*', '127.0.0.1') {
		$s->write_conf(conf($host));
		my ($exit, $out, $err) = $s->run($verb);

		is $err, '', "$verb: $host";
		is $exit, 0, 'goes well';
		is $s->follow, 0, 'the old master ends' if $verb eq 'upgrade';
		comes_to '127.0.0.1', $host, 'the new listener serves';
		comes_to '127.0.0.2', $host eq '*' ? '*' : 'nothing',
			'other addresses';
		is $kept->get('/')->body, $host, 'the connection has moved';
		is_ours("$verb to $host");
	}
}

# One to several of its addresses, and back.
for my $verb (qw(reload upgrade)) {
	for my $host ('*', '127.0.0.1', '*') {
		my @more = $host eq '127.0.0.1' ? ('127.0.0.2', '127.0.0.3') : ();

		$s->write_conf(conf($host, join '',
			map { qq[, { address = "$_:$port"; }] } @more));
		my ($exit, $out, $err) = $s->run($verb);

		is $err, '', "$verb: " . join ', ', $host, @more;
		is $s->follow, 0, 'the old master ends' if $verb eq 'upgrade';
		comes_to($_, $host, "$_ serves")
			for '127.0.0.1', '127.0.0.2', '127.0.0.3';
		comes_to '127.0.0.4', @more ? 'nothing' : '*', 'another address';
		is_ours("$verb to $host and more");
	}
}
$s->reload(conf('127.0.0.1'));

my $faults = $load->stop;

is_deeply $faults->{faults} // $faults, $faults->{faults} ? [] : $faults,
	'no client was refused';

subtest 'one that fails changes nothing' => sub {
	my $taken = IO::Socket::IP->new(LocalHost => '127.0.0.1',
		LocalPort => 0, Listen => 1) or die $@;
	my $at = $taken->sockport;

	$s->write_conf(conf('*', qq[, { address = "127.0.0.1:$at"; }]));
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 1, 'refused';
	like $err, qr/cannot listen on 127\.0\.0\.1:$at: Address already in use/,
		'for the other address';
	$s->expect_log(qr/cannot listen on/);
	is answers('127.0.0.1'), '127.0.0.1', 'it serves';
	comes_to '127.0.0.2', 'nothing', 'as before';
	is_ours('afterwards');
};

subtest 'both at once' => sub {
	$s->write_conf(conf('*', qq[, { address = "127.0.0.1:$port"; }]));
	my ($exit, $out, $err) = $s->run('reload');

	is $exit, 1, 'are refused';
	like $err, qr/holdfast\.conf:\d+: .*overlaps/, 'with the place';
	$s->expect_log(qr/overlaps/);
	is answers('127.0.0.1'), '127.0.0.1', 'it serves';
	is_ours('afterwards');
};
$s->finish;
done_testing;
