# SPDX-License-Identifier: BSD-2-Clause
#
# Servers by an SRV record: with its weights and priorities, as they come and go
# by the name service, without a request that fails; kept when it fails.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Backend;
use Holdfast::Names;

my %b = map {
	my $name = $_;

	$name => Holdfast::Backend->new(sub ($request, $socket) {
		print {$socket} "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name";
		return 1;
	});
} 'a' .. 'c';
my %port = map { $_ => $b{$_}{port} } keys %b;
my $names = Holdfast::Names->new;
my $service = '_http._tcp.app.test';

# [priority, weight, port, target]...
sub records (@records) { $names->set($service => \@records) }

$names->set('host.test' => ['127.0.0.1']);
$names->set('other.test' => ['127.0.0.1']);
records([1, 3, $port{a}, 'host.test'], [1, 1, $port{b}, 'host.test'],
	[2, 0, $port{c}, 'other.test']);

sub conf ($more = '') {
	return <<"CONF";
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
upstreams = ( { name = "app"; servers = ( { srv = "$service"; } ); },
  { name = "later"; servers = ( { srv = "_later._tcp.app.test"; } ); } $more );
sites = ( { routes = (
  { path = "/"; handler = "proxy"; upstream = "app"; },
  { path = "/later"; handler = "proxy"; upstream = "later"; } ); } );
CONF
}
my $s = Holdfast->start(env => { $names->env }, conf => conf());

$s->allow_log(qr/cannot resolve|answered with 502: upstream later|not asked for/);

sub answers ($n = 8) {
	my $c = $s->client;
	my %by;

	$by{$c->get('/')->body}++ for 1 .. $n;
	return \%by;
}
sub who () { return join '', sort keys answers()->%* }
sub servers () { return $s->status->{upstreams}[0]{servers}->@* }

is_deeply answers(), { a => 6, b => 2 },
	'by weight, from the first request on; not the lower priority';
is_deeply [map { [$_->@{qw(address origin weight)}, $_->{backup} ? 1 : 0] }
	servers()], [["host.test:$port{a}", 'srv', 3, 0],
	["host.test:$port{b}", 'srv', 1, 0], ["other.test:$port{c}", 'srv', 1, 1]],
	'status';
like join('', $s->run('upstream')), qr/^app +host\.test:$port{a} +up +3 .*SRV/m,
	'as text';
is $s->get('/later')->status, 502, 'one that is not there';

subtest 'the lower priority' => sub {
	$b{$_}->stop for 'a', 'b';
	is_deeply answers(), { c => 8 }, 'when the others are gone';
	$b{$_}->start for 'a', 'b';
	$s->reload;
};

subtest 'they come and go under load' => sub {
	my $stop = 0;
	my @clients = map { $s->client } 1 .. 4;
	my ($failed, $n) = (0, 0);
	my $load = sub {
		for my $c (@clients) {
			$c->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
		}
		for my $c (@clients) {
			$n++;
			$failed++ if $c->response->status != 200;
		}
	};
	for my $set (['a'], ['b', 'c'], ['c'], ['a', 'b'], ['b']) {
		records(map { [1, 1, $port{$_}, 'host.test'] } @$set);
		my $want = join '', @$set;

		wait_until { $load->(); who() eq $want } "$want to be asked";
	}
	is $failed, 0, "no request failed, of $n";
	is join(' ', map { $_->{address} } servers()), "host.test:$port{b}",
		'one is left';
};

subtest 'the name of a new one is not known yet' => sub {
	$names->set('slow.test' => 'fail');
	records([1, 1, $port{a}, 'slow.test']);
	$s->wait_log(qr/server slow\.test:$port{a}: added by the SRV record/);
	is who(), 'b', 'the old one stays';
	$names->set('slow.test' => ['127.0.0.1']);
	wait_until { who() eq 'a' } 'the new one';
	is scalar(servers()), 1, 'and the old one has gone';
};

subtest 'the name service fails' => sub {
	for my $how ('fail', 'none', 'silent', []) {
		my $asked = $names->asked($service);

		$names->set($service => $how);
		wait_until { $names->asked($service) > $asked } 'it to be asked';
		is who(), 'a', (ref $how ? 'no records' : $how) . ': the last ones stay';
	}
	$s->wait_log(qr/the SRV record of \Q$service\E: .*; its last servers stay in use/);
};

subtest 'the TTL' => sub {
	records([1, 1, $port{a}, 'host.test']);
	wait_until { (servers())[0]{address} =~ /^host/ } 'it to be back';
	$names->set('_long._tcp.app.test' => [[1, 1, $port{a}, 'host.test']],
		ttl => 1000);
	$names->set('_short._tcp.app.test' => [[1, 1, $port{a}, 'host.test']]);
	$s->reload(conf(', { name = "long"; servers = ( { srv = "_long._tcp.app.test"; } ); },
	  { name = "short"; servers = ( { srv = "_short._tcp.app.test"; } ); }'));
	wait_until { $names->asked('_short._tcp.app.test') > 3 } 'the short one';
	is $names->asked('_long._tcp.app.test'), 1, 'is heeded';
};

subtest 'changed at run time' => sub {
	my $asked = $names->asked($service);

	$names->set($service => [map { [1, 1, $port{$_}, 'host.test'] } 'a', 'b']);
	wait_until { who() eq 'ab' } 'two';
	is +($s->run('upstream', 'app', "host.test:$port{a}", 'drain'))[0], 0;
	is who(), 'b', 'one is drained';
	$s->reload;
	is who(), 'b', 'after a reload';
	records([1, 1, $port{b}, 'host.test']);
	wait_until { servers() == 1 } 'it to go';
	records(map { [1, 1, $port{$_}, 'host.test'] } 'a', 'b');
	wait_until { servers() == 2 } 'it to come back';
	is who(), 'b', 'as it was';
	my ($exit, $out, $err) =
		$s->run('upstream', 'app', 'remove', "host.test:$port{a}");

	is $exit, 1, 'it cannot be removed';
	like $err, qr/comes from an SRV record/, 'for the record would bring it back';
	is +($s->run('upstream', 'app', "host.test:$port{a}", 'enable'))[0], 0;
	is who(), 'ab', 'enabled';
};

subtest 'it is there, after all' => sub {
	$names->set('_later._tcp.app.test' => [[1, 1, $port{c}, 'host.test']]);
	wait_until { $s->get('/later')->status == 200 } 'its servers';
	pass 'found';
};

$s->finish;
done_testing;
