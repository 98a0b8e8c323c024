# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Sourced by the other scripts: which Debian packages each purpose needs, and
# packages_need, which installs those of them that are missing.

packages_of()
{
	case $1 in
	build)
		echo gcc libc6-dev make autoconf automake pkg-config \
			libconfig-dev libcrypt-dev libpcre2-dev libsystemd-dev \
			libc-ares-dev libssl-dev \
			zlib1g-dev libbrotli-dev libzstd-dev
		;;
	test)
		# systemd is only run in namespaces of its own; without its
		# package the tests that need it are skipped. The last line
		# are clients.
		echo libcmocka-dev perl valgrind libc6-dbg strace curl procps \
			systemd brotli zstd openssl gnutls-bin \
			wget python3 apache2-utils wrk nghttp2-client chromium
		;;
	servers)
		# What is proxied to in tests, and promtool. Their services
		# are not started.
		echo nginx nodejs haproxy postgresql redis-server prometheus
		;;
	fuzz)
		# The run-time library has to be of the compiler's version.
		echo clang libclang-rt-14-dev
		;;
	bench)
		# What holdfast is compared with, and by what.
		echo nginx libnginx-mod-http-lua libnginx-mod-http-js \
			libnginx-mod-http-perl haproxy h2o lighttpd \
			lighttpd-modules-lua libnginx-mod-stream gnuplot-nox \
			strace perl
		;;
	lint)
		# The version is fixed: two of them never format alike.
		echo clang clang-format-14 cppcheck shellcheck mandoc perl
		;;
	*)
		echo "packages_of: no such purpose: $1" >&2
		return 1
		;;
	esac
}

# packages_missing PACKAGE...: those that are not installed.
packages_missing()
{
	for package; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$package" \
			2>/dev/null) || state=none
		[ "$state" = installed ] || printf '%s ' "$package"
	done
}

# packages_install PACKAGE...: by apt-get, with sudo when not root. Runs of it
# at the same time wait for each other.
packages_install()
(
	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		as_root=sudo
		[ -t 0 ] || as_root='sudo -n' # there is nobody to ask
		command -v sudo >/dev/null && $as_root true || return
	fi
	flock 9
	# Another run may have installed them while this one waited.
	missing=$(packages_missing "$@")
	[ -n "$missing" ] || return 0

	echo "$0: installing $missing" >&2
	apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q"
	apt="$apt -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3"
	# A source out of reach is no reason to give up: whether the packages
	# can be had is for the installation to say.
	$apt update >&2 || echo "$0: apt-get update failed" >&2
	# shellcheck disable=SC2086 # lists of words, both
	$apt install -y --no-install-recommends $missing >&2 </dev/null
) 9</var/lib/dpkg

# packages_need PURPOSE...: afterwards everything for these purposes is
# installed, or the script has ended with a message that lists what is not.
packages_need()
{
	packages=
	for purpose; do
		packages="$packages $(packages_of "$purpose")"
	done
	if ! command -v dpkg-query >/dev/null; then
		echo "$0: not a Debian system; this needs what Debian calls" \
			"$packages" >&2
		return
	fi
	# shellcheck disable=SC2086 # a list of words
	missing=$(packages_missing $packages)
	# shellcheck disable=SC2086
	if [ -n "$missing" ] && ! packages_install $missing; then
		echo "$0: these packages are missing; as root, run" >&2
		echo "    apt-get install $missing" >&2
		exit 1
	fi
}

# packages_need_unstarted PURPOSE...: the same for packages with services of
# their own: those that come with it are neither started now nor at the next
# boot. Those that were there before are left as they are.
packages_need_unstarted()
{
	policy=/usr/sbin/policy-rc.d
	as_root=
	[ "$(id -u)" -eq 0 ] || as_root=sudo
	services=
	for purpose; do
		# shellcheck disable=SC2046 # a list of words
		services="$services $(packages_missing $(packages_of "$purpose"))"
	done
	[ -n "${services# }" ] || return 0

	# invoke-rc.d(8): 101 is "not allowed".
	if [ -e "$policy" ]; then
		policy=
	else
		printf '#!/bin/sh\nexit 101\n' |
			$as_root install -m 755 /dev/stdin "$policy" || policy=
	fi
	(packages_need "$@") && installed=yes || installed=no
	[ -z "$policy" ] || $as_root rm -f "$policy"
	for service in $services; do
		[ ! -x "/etc/init.d/$service" ] ||
			$as_root update-rc.d "$service" disable >/dev/null 2>&1 ||
			true
	done
	[ "$installed" = yes ] || exit 1
}
