# SPDX-License-Identifier: BSD-2-Clause
#
# Starts that cannot succeed end with status 1 and one clear reason, and
# leave nothing behind.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Socket;
use Test::More;
use Holdfast;

my $sites = <<'E';
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; },
  { path = "/f/"; handler = "static"; root = "%%DIR%%/www"; } ); } );
E
my $conf = <<"E";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
$sites
E
my %files = ('www/a' => "a\n");

# It does not start, and says why.
sub refused ($name, $dir, $text, $reason, $after = sub ($s) { }) {
	subtest $name => sub {
		my $s = Holdfast->start(dir => $dir, files => \%files,
			conf => $text, unready => 1);

		is $s->wait_end, 1, 'exit status';
		like $s->log_text, $reason, 'the reason';
		is scalar($s->logged(qr/serves/)), 0, 'it never served';
		$after->($s);
		$s->allow_log(qr/./);
		$s->finish(exit => 1, name => 'nothing is left of it');
	};
}

my $first = Holdfast->start(files => \%files, conf => $conf);
my $control = $first->control_path;

refused('one is already running', Holdfast::Dir->new, <<"E",
control = "$control";
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
$sites
E
	qr/(?:already running|another holdfast answers).*\Q$control\E/);
is $first->status->{pid}, $first->master, 'the first has its control socket';
is $first->get('/')->body, 'ok', 'and serves';

my $address = $first->address;

refused('the address is in use', Holdfast::Dir->new, <<"E",
listeners = (
  { address = "127.0.0.2:0"; },
  { address = "$address"; }
);
$sites
E
	qr/\Q$address\E: .*in use/, sub ($s) {
		ok !-e $s->control_path, 'no control socket is left';
	});

subtest 'somebody else has the address' => sub {
	socket(my $other, AF_INET, SOCK_STREAM, 0);
	bind $other, pack_sockaddr_in(0, inet_aton('127.0.0.1')) or die $!;
	listen $other, 1;
	my ($port) = unpack_sockaddr_in(getsockname $other);

	refused('in use', Holdfast::Dir->new,
		$conf =~ s/%%PORT_http%%/$port/r,
		qr/\Q127.0.0.1:$port\E: .*in use/);
};

refused('an address that is not of this machine', Holdfast::Dir->new,
	$conf =~ s/127\.0\.0\.1:%%PORT_http%%/192.0.2.1:8080/r,
	qr/\Q192.0.2.1:8080\E: .*assign/);

refused('a control socket where none can be', Holdfast::Dir->new,
	qq(control = "%%DIR%%/www/a/c.sock";\n$conf), qr{www/a/c\.sock});

refused('a log that cannot be opened', Holdfast::Dir->new,
	qq(log = { error = "%%DIR%%/none/error.log"; };\n$conf),
	qr{log\.error.*none});

refused('an access log that cannot be opened', Holdfast::Dir->new,
	qq(log = { access = "%%DIR%%/none/access.log"; };\n$conf),
	qr{log\.access.*none});

subtest 'as root' => sub {
	plan skip_all => 'not root' if $> != 0;
	refused('a user that does not exist', Holdfast::Dir->new,
		qq(user = "nobody-of-that-name";\n$conf),
		qr/nobody-of-that-name/);
};

subtest 'workers that cannot start' => sub {
	my $dir = Holdfast::Dir->new;

	chmod 0000, $dir->mkdir('closed');
	my $s = Holdfast->start(dir => $dir, files => \%files,
		conf => $conf =~ s/www/closed/r, unready => 1);

	# A master that has never served has nothing to go on with.
	is $s->wait_end, 1, 'exit status';
	like $s->log_text, qr/\Q@{[$dir->path('closed')]}\E.*Permission/,
		'the reason';
	$s->allow_log(qr/./);
	$s->finish(exit => 1, name => 'nothing is left of it');
	chmod 0755, $dir->path('closed');
};

$first->finish;
done_testing;
