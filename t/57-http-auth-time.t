# SPDX-License-Identifier: BSD-2-Clause
#
# How long a wrong password takes does not tell whose it is: nor whether there is
# such a user, when the hashes of some cost more than those of others.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes ();
use Holdfast;

my $cheap = crypt 'secret', '$1$saltsalt$';
my $dear = crypt 'secret', '$2b$09$' . 'abcdefghijklmnopqrstuu';
my $s = Holdfast->start(files => {
	# The first is a cheap one in one file, and a dear one in the other.
	one => "a:$cheap\nb:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nz:$dear\n",
	two => "a:$dear\ny:$cheap\nz:$cheap\n",
}, conf => <<'E');
workers = 1;
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/one"; handler = "respond"; body = "in"; auth_file = "%%DIR%%/one"; },
  { path = "/two"; handler = "respond"; body = "in"; auth_file = "%%DIR%%/two"; }
); } );
E
my $c = $s->client;

# A cheap one takes a hundredth of a dear one. The least of some: what else the machine does only adds to it.
sub seconds ($target, $name) {
	my $least;

	for (1 .. 3) {
		my $began = Time::HiRes::time;
		my $r = $c->get($target, Authorization => 'Basic '
			. encode_base64("$name:wrong" . rand, ''));
		my $took = Time::HiRes::time - $began;

		die $r->status unless $r->status == 401;
		$least = $took if !defined $least || $took < $least;
	}
	return $least;
}

for my $target ('/one', '/two') {
	my %known = map { $_ => seconds($target, $_) }
		$target eq '/one' ? qw(a b z) : qw(a y z);
	my %nobody = map { $_ => seconds($target, $_) } map { "nobody$_" } 1 .. 8;
	my $dear = $known{$target eq '/one' ? 'z' : 'a'};

	cmp_ok $known{$_}, '>', $dear / 4, "$target: the user $_" for sort keys %known;
	cmp_ok $nobody{$_}, '>', $dear / 4, "$target: there is no $_"
		for sort keys %nobody;
}
$c->close;
$s->finish;
done_testing;
