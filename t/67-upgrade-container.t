# SPDX-License-Identifier: BSD-2-Clause
#
# As process 1 of a container the master cannot hand over to another process:
# the container would end with it. An upgrade is refused with that reason.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Command;
use Holdfast::Dir;
use Holdfast::Wait;
use JSON::PP qw(decode_json);

my @unshare = ('unshare', ($> == 0 ? () : '-r'), '-pf', '--kill-child=KILL');

plan skip_all => 'pid namespaces cannot be made here'
	if system("@unshare true 2>/dev/null") != 0;

my $dir = Holdfast::Dir->new;
my $control = $dir->path('control.sock');
my $user = getpwuid($>);

$user = 'root' if $> != 0;	# of that namespace
$dir->write('holdfast.conf', <<"E");
user = "$user";
control = "$control";
workers = 1;
listeners = ( { address = "127.0.0.1:0"; } );
sites = ( { routes = (
	{ path = "/"; handler = "respond"; body = "served"; } ); } );
E

# Its process id is 1 where it is: no signal may be sent by that.
my $container = Holdfast::Command->new([@unshare, Holdfast::binary(), '-c',
	$dir->path('holdfast.conf'), 'run']);

sub ask (@verb) {
	return Holdfast::Command->new([Holdfast::binary(), '--control', $control,
		@verb])->wait;
}

ok wait_until { (ask('status'))[0] eq '0' } 'it to serve';
my $before = decode_json((ask('status', '--json'))[1]);

is $before->{pid}, 1, 'it is process 1';
my ($exit, $out, $err) = ask('upgrade');

is $exit, 1, 'an upgrade is refused';
like $err, qr/process 1, and its container would end/, 'with the reason';
my $after = decode_json((ask('status', '--json'))[1]);

is $after->{state}, 'serving', 'it goes on';
is_deeply [map { $_->{pid} } $after->{workers}->@*],
	[map { $_->{pid} } $before->{workers}->@*], 'with the same workers';
ok !$container->ended, 'and so does the container';
is +(ask('stop'))[0], 0, 'until it is stopped';
$container->wait;
done_testing;
