# SPDX-License-Identifier: BSD-2-Clause
#
# A browser sends forms in both encodings, with names that have to be encoded,
# and reads the answer as JSON. So does Node.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Holdfast;

# What is sent, and what has to come back. The second name is as long as it
# may be interesting: quotes, a line end, what looks encoded, no ASCII.
my $script = <<'SCRIPT';
async function ask(base) {
	const value = "\"'<&>\\ \u00fc\u20ac\u{1f600}\u2028\r\n\r\n--b\r\n%41+";
	const file = new File(["12345"], "a\"b\\c%22 \u00fc.txt",
		{ type: "text/x-test" });
	const form = new FormData(), fields = new URLSearchParams();
	const wrong = [];

	form.append("q\"\u00fc %41", value);
	form.append("file", file);
	fields.append("q\"\u00fc %41", value);
	for (const body of [form, fields]) {
		const response = await fetch(base + "/form",
			{ method: "POST", body });
		const got = await response.json();
		const is_form = body === form;

		if (got.value !== value)
			wrong.push("value " + JSON.stringify(got));
		if (got.size !== (is_form ? "5" : "") ||
		    got.type !== (is_form ? "text/x-test" : "") ||
		    got.content !== (is_form ? "12345" : ""))
			wrong.push("file " + JSON.stringify(got));
		if (is_form && !/^(?:c%22|c") \u00fc\.txt$/.test(got.filename))
			wrong.push("filename " + JSON.stringify(got));
	}
	return wrong.join("; ") || "right";
}
SCRIPT

my $page = <<"PAGE";
<!doctype html>
<meta charset="utf-8">
<script>
$script
ask("").catch(String).then((text) => fetch("/said?" + encodeURIComponent(text)));
</script>
PAGE

my $s = Holdfast->start(files => { 'www/page.html' => $page },
	prepare => sub ($dir) { $dir->mkdir('log') }, conf => <<"CONF");
log = { access = "%%DIR%%/log/access.log"; };
listeners = ( { address = "127.0.0.1:%%PORT_http%%"; } );
sites = ( { routes = (
  { path = "/"; handler = "static"; root = "%%DIR%%/www"; },
  { path = "/said"; handler = "respond"; body = "thanks"; },
  { path = "/form"; handler = "respond"; type = "application/json";
    body = "{\\"value\\":\\"\${form.q\\"\xc3\xbc %41}\\",\\"content\\":\\"\${form.file}\\",\\"filename\\":\\"\${form_filename.file}\\",\\"type\\":\\"\${form_type.file}\\",\\"size\\":\\"\${form_size.file}\\"}"; }
); } );
CONF
my $base = 'http://' . $s->address('http');

subtest 'Chromium' => sub {
	plan skip_all => 'no chromium here' unless has_program('chromium');
	plan skip_all => 'a browser is too slow for this'
		if binary_has_sanitizers();
	my $chromium = Holdfast::Command->new(['chromium', '--headless=new',
		'--no-sandbox', '--disable-gpu', '--no-first-run',
		'--disable-background-networking', '--disable-component-update',
		'--disable-sync', '--disable-quic',
		'--user-data-dir=' . $s->path('profile'), '--remote-debugging-port=0',
		"$base/page.html"], env => { HOME => $s->dir->path });
	my $said = wait_until {
		($s->dir->read('log/access.log') // '') =~ m{GET /said\?(\S*)}
			? $1 : undef;
	} 'the page to tell';

	is $said, 'right', 'sends what it gets';
	kill TERM => $chromium->pid;
	wait_until { $chromium->ended } 'the end of the browser';
};

subtest 'Node' => sub {
	plan skip_all => 'no node here' unless has_program('node');
	my ($exit, $out, $err) = Holdfast::Command->new(['node', '-e', <<"NODE"])
globalThis.File ??= require("node:buffer").File;
$script
ask("$base").catch(String).then(console.log);
NODE
		->wait;

	is $out, "right\n", 'sends what it gets' or diag $err;
};

$s->finish;
done_testing;
