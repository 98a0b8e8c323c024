# SPDX-License-Identifier: BSD-2-Clause
#
# A start waits a little for an address that is not there yet, as at boot or
# while IPv6 looks for duplicates, and the unit goes on trying for as long as it
# takes.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Dir;
use Holdfast::Wait;

subtest 'the unit' => sub {
	open my $file, '<', Holdfast::top() . '/scripts/holdfast.service.in'
		or die $!;
	my $unit = join '', <$file>;

	like $unit, qr/^StartLimitIntervalSec=0$/m, 'never gives up';
	like $unit, qr/^Restart=on-failure$/m, 'starts it again';
	like $unit, qr/^RestartSec=1s$/m, 'after a second';
};

my @unshare = ('unshare', ($> == 0 ? () : '-r'), '-n');

plan skip_all => 'network namespaces cannot be made here'
	if system("@unshare true 2>/dev/null") != 0;
plan skip_all => 'ip(8) is missing' unless Holdfast::has_program('ip');

my $dir = Holdfast::Dir->new;
my $user = $> == 0 ? getpwuid($>) : 'root';

for my $case (['192.0.2.7', '192.0.2.7:8080'], ['2001:db8::7', '[2001:db8::7]:8080']) {
	my ($ip, $address) = @$case;
	my $control = $dir->path('control.sock');

	$dir->write('holdfast.conf', <<"E");
user = "$user";
control = "$control";
workers = 1;
listeners = ( { address = "$address"; protocol = "echo"; } );
E
	my $binary = Holdfast::binary();
	my $conf = $dir->path('holdfast.conf');
	my $bits = $ip =~ /:/ ? 64 : 24;
	my $c = Holdfast::Command->new([@unshare, 'sh', '-c', <<"E"]);
ip link set lo up
$binary -c $conf run &
sleep 0.7
ip addr add $ip/$bits dev lo
wait \$!
E
	my $serves = eval {
		wait_until {
			$c->err =~ /generation 1 serves/ || $c->ended
		} 'it to serve';
	};

	like $c->err, qr/generation 1 serves/, "$ip came after the start";
	Holdfast::Command->new([$binary, '--control', $control, 'stop'])->wait;
	$c->wait;
}
done_testing;
