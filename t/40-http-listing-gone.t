# SPDX-License-Identifier: BSD-2-Clause
#
# Listings for clients that are gone are not made.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes ();
use Holdfast;

my $many = 50;
my $s = Holdfast->start(files => { 'www/0' => '' }, prepare => sub ($dir) {
	# What a link leads to has to be looked at: that takes a while.
	symlink '0', $dir->path("www/$_") for 1 .. 10_000;
}, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; listing = true; } ); } );
E

sub seconds () {
	my $c = $s->client;
	my $began = Time::HiRes::time;

	is $c->get('/')->status, 200, 'a listing';
	$c->close;
	return Time::HiRes::time - $began;
}

seconds();
my $one = seconds();
my @gone = map { $s->client } 1 .. $many;

$_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @gone;
$_->close for @gone;
my $took = seconds();

cmp_ok $took, '<', $many * $one / 3,
	sprintf 'after %d for nobody took %.3f s, where one takes %.3f', $many, $took,
	$one;
$s->finish;
done_testing;
