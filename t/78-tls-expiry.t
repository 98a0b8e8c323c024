# SPDX-License-Identifier: BSD-2-Clause
#
# Certificates that will expire soon: the log names each once, and status says
# when the first of all does.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Holdfast;
use Holdfast::Tls qw(has_tls_programs tls_files);

plan skip_all => 'no openssl, curl or python3' unless has_tls_programs();

my $conf = <<'E';
tls = { certificates = (
  { chain = "tls/soon.pem"; key = "tls/soon.key"; },
  { chain = "tls/long.pem"; key = "tls/long.key"; } ); };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; tls = true; } );
sites = ( { routes = ( { path = "/"; handler = "respond"; } ); } );
E
my $s = Holdfast->start(conf => $conf, files => {
	tls_files('long', 'ec'),	# 30 days
	do { local $Holdfast::Tls::days = 9; tls_files('soon', 'ec', 'b.example') },
});
my $line = qr{/tls/soon\.pem: the certificate expires in [89] days};

$s->expect_log($line);
is scalar(grep { $_->{raw} =~ $line } $s->log_lines), 1, 'the log has it once';
unlike $s->log_text, qr{long\.pem}, 'and not what is good for longer';
like $s->status->{certificates}{days}, qr/^[89]$/, 'status has the first of all';
like +($s->run('status'))[1],
	qr/^certificates: the first expires in [89] days, \d{4}-/m, 'as text, too';
$s->reload($conf =~ s/^.*soon.*\n//mr);
like $s->status->{certificates}{days}, qr/^(?:29|30)$/, 'when it is replaced';
$s->reload($conf =~ s/tls = true; //r);
is $s->status->{certificates}, undef, 'none without TLS';
$s->finish;
done_testing;
