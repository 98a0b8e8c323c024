# SPDX-License-Identifier: BSD-2-Clause
#
# Who is measured, and how each is started: holdfast, the peers as their
# packages install them, with the configurations in peers/, and the models.
package Bench::Servers;

use v5.36;
use Exporter qw(import);
use FindBin;

use Bench::Machine qw(free_port has_program load_cpu slurp);
use Bench::Server;

our @EXPORT_OK = qw(server_names is_model is_peer start_server versions before);
our ($www, $scratch, $models);	# folders: files to serve, ours, compiled

# Placeholders in the configuration are replaced; it is the last argument.
my %program = (
	holdfast => { conf => 'holdfast.conf', reload => 'HUP',
		command => [$ENV{HOLDFAST} // 'holdfast', 'run', '-c'] },
	# Another build of it, to compare with: see before().
	before => { conf => 'holdfast.conf', reload => 'HUP' },
	nginx => { conf => 'nginx.conf', reload => 'HUP',
		command => ['nginx', '-c'] },
	'nginx-lua' => { conf => 'nginx-lua.conf', command => ['nginx', '-c'] },
	'nginx-njs' => { conf => 'nginx-njs.conf', command => ['nginx', '-c'] },
	'nginx-perl' => { conf => 'nginx-perl.conf', command => ['nginx', '-c'] },
	haproxy => { conf => 'haproxy.cfg', reload => 'USR2',
		command => ['haproxy', '-W', '-db', '-f'] },
	h2o => { conf => 'h2o.conf', reload => 'HUP',
		command => ['h2o', '-m', 'master', '-c'] },
	lighttpd => { conf => 'lighttpd.conf', reload => 'USR1',
		command => ['lighttpd', '-D', '-f'] },
	'lighttpd-lua' => { conf => 'lighttpd-lua.conf',
		command => ['lighttpd', '-D', '-f'] },
);
my @models = qw(epoll_et epoll_lt poll select prefork fork proxy_et);
my @names = (qw(holdfast nginx nginx-lua nginx-njs nginx-perl haproxy h2o
	lighttpd lighttpd-lua), @models);

sub server_names () { return @names }
sub is_model ($name) { return scalar grep { $_ eq $name } @models }
sub is_peer ($name) {
	return $name ne 'holdfast' && $name ne 'before' && !is_model($name);
}

# The binary of the server "before".
sub before ($binary) {
	-x $binary or die "$binary: no program\n";
	$program{before}{command} = [$binary, 'run', '-c'];
	push @names, 'before';
}

sub _make_dir ($name, $mode) {
	my $dir = "$scratch/$name";

	system 'rm', '-rf', $dir;
	mkdir $dir or die "$dir: $!\n";
	chmod $mode, $dir;
	return $dir;
}

sub _write_conf ($path, $template, %value) {
	my $conf = slurp("$FindBin::Bin/peers/$template");

	$conf =~ s/%%(\w+)%%/$value{$1}/g;
	open my $out, '>', $path or die "$path: $!\n";
	print $out $conf;
	close $out or die "$path: $!\n";
}

# What is behind the proxies, one for all of them, and where the clients are:
# its time is not counted. (FILES => port of a holdfast, TUNNELS => port of a
# server that answers with 101)
sub _backends () {
	state %port;

	return %port if %port;
	my %new = map { $_ => free_port() } qw(FILES TUNNELS);
	my $dir = _make_dir('files', 0755);

	_write_conf("$dir/conf", 'holdfast.conf', DIR => $dir, WWW => $www,
		PORT => $new{FILES}, ECHO => free_port(), WORKERS => 1);
	Bench::Server->start(name => 'files', dir => $dir, port => $new{FILES},
		cpus => load_cpu(),
		command => [$program{holdfast}{command}->@*, "$dir/conf"]);
	Bench::Server->start(name => 'tunnels', port => $new{TUNNELS},
		dir => _make_dir('tunnels', 0755), cpus => load_cpu(),
		command => ["$models/epoll_et", $new{TUNNELS}, 'upgrade']);
	%port = %new;
	return %port;
}

# workers; mode => what a model is told, "http", "close" or "echo"; or "proxy" or
# "stream".
sub start_server ($name, %opt) {
	my $workers = $opt{workers} // 1;
	my $mode = $opt{mode} // 'http';
	# Workers of the others give up being root and write there. holdfast's do
	# not, and its control socket is in no folder that others may write.
	my $dir = _make_dir($name,
		$name =~ /^(?:holdfast|before)$/ ? 0755 : 0777);
	my $port = free_port();
	my %backends = $mode =~ /^(?:proxy|stream)$/ ? _backends() : ();
	my %server = (name => $name, dir => $dir, port => $port,
		workers => $workers);

	return Bench::Server->start(%server, command => ["$models/$name", $port,
		$backends{FILES} // $mode]) if is_model($name);

	my $program = $program{$name};
	my $echo = free_port();
	my %value = (DIR => $dir, WWW => $www, PORT => $port, ECHO => $echo,
		WORKERS => $workers, MAX_WORKER => $workers > 1 ? $workers : 0,
		PEERS => "$FindBin::Bin/peers", %backends);
	my $conf = $program->{conf};

	die "not installed\n" unless has_program($program->{command}[0]) ||
		-x $program->{command}[0];
	$conf =~ s/(?=\.)/-$mode/ if %backends;
	_write_conf("$dir/conf", $conf, %value);
	$server{port} = $echo if $mode eq 'echo';
	return Bench::Server->start(%server, reload => $program->{reload},
		command => [$program->{command}->@*, "$dir/conf"]);
}

# What was measured: {name => version}.
sub versions () {
	my %version = (holdfast => qx($program{holdfast}{command}[0] -v));

	for my $name (qw(nginx haproxy h2o lighttpd)) {
		my $text = has_program($name) ? qx($name -v 2>&1) : 'none';

		($version{$name}) = $text =~ /(\d+(?:\.\d+)+\S*|none)/;
	}
	($version{holdfast}) = $version{holdfast} =~ /(\S+)\s*$/;
	($version{before}) = qx($program{before}{command}[0] -v) =~ /(\S+)\s*$/
		if $program{before}{command};
	return \%version;
}

1;
