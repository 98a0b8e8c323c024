# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Sourced by the other scripts, with the top of the tree as the current
# directory: build_in, which is how they all build.

# build_in DIRECTORY TARGETS [CONFIGURE-ARGUMENT...]: makes TARGETS (words, one
# after the other; "all" is the program) in DIRECTORY, after running autoreconf
# and configure where that has not been done yet, or not with the packages that
# are installed now. A directory is to be given the same arguments each time.
# Runs of it in the same tree wait for each other.
build_in()
(
	directory=$1
	targets=$2
	shift 2
	flock 9

	if [ ! -x configure ] ||
		[ -n "$(find configure.ac Makefile.am -newer configure)" ]; then
		autoreconf -i
		touch configure # which autoreconf leaves alone when it can
	fi
	mkdir -p "$directory"
	# Packages that came or went change what configure finds.
	if [ ! -f "$directory/Makefile" ] ||
		[ -n "$(find /var/lib/dpkg/status -newer "$directory/Makefile" \
			2>/dev/null)" ]; then
		top=$(pwd)
		(cd "$directory" && "$top/configure" -q "$@")
	fi
	for target in $targets; do
		make -s -C "$directory" -j"$(nproc)" "$target"
	done
) 9<.
