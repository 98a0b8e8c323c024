# SPDX-License-Identifier: BSD-2-Clause
#
# Clients that have connected and say nothing yet, and a server with one
# listener, or with two of which one can be removed.
package Holdfast::Silent;

use v5.36;
use Exporter qw(import);
use Holdfast::Client;

our @EXPORT = qw(one_listener two_listeners silent answered);

sub _conf (@listeners) {
	my $listeners = join ",\n", @listeners;

	return <<"E";
listeners = ( $listeners );
sites = ( { routes = (
  { path = "/"; handler = "respond"; body = "ok"; } ); } );
E
}

my $one = '{ address = "127.0.0.1:%%PORT_one%%"; }';
my $two = '{ address = "127.0.0.2:%%PORT_two%%"; }';

sub one_listener () { return _conf($one) }
sub two_listeners (@more) { return _conf($two, $one, @more) }

sub silent ($address, $n) {
	return map { Holdfast::Client->new($address) } 1 .. $n;
}

# How many of them are answered, each with a request of its own.
sub answered (@clients) {
	$_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @clients;
	return scalar grep { eval { $_->response->body eq 'ok' } } @clients;
}

1;
