/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPU quota of cgroups, of both versions, by folders of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cpus.h"
#include "t/unit/base/scratch.h"

static void make(const char *name)
{
	assert_int_equal(mkdir(scratch_path(name), 0700), 0);
}

static unsigned quota(const char *cgroup)
{
	scratch_write("cgroup", cgroup);
	return cpus_of_quota(scratch_path("cgroup"), scratch_path("fs"));
}

static void version_2(void **state)
{
	(void)state;
	assert_int_equal(quota("0::/a/b\n"), 0);
	scratch_write("fs/a/b/cpu.max", "max 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 0);
	scratch_write("fs/a/b/cpu.max", "250000 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 3);
	scratch_write("fs/a/b/cpu.max", "200000 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 2);
	scratch_write("fs/a/b/cpu.max", "1000 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 1);
	/* The tightest of those above counts. */
	scratch_write("fs/a/b/cpu.max", "800000 100000\n");
	scratch_write("fs/a/cpu.max", "400000 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 4);
	assert_int_equal(quota("0::/a\n"), 4);
	/* A container sees its group as the root, and its path outside. */
	scratch_write("fs/cpu.max", "150000 100000\n");
	assert_int_equal(quota("0::/\n"), 2);
	assert_int_equal(quota("0::/not/here\n"), 2);
	assert_int_equal(unlink(scratch_path("fs/cpu.max")), 0);
	assert_int_equal(quota("0::/\n"), 0);
	scratch_write("fs/a/cpu.max", "nonsense\n");
	scratch_write("fs/a/b/cpu.max", "");
	assert_int_equal(quota("0::/a/b\n"), 0);
}

static void version_1(void **state)
{
	static const char cgroup[] = "5:memory:/c\n4:cpu,cpuacct:/c\n1:name=x:/\n";

	(void)state;
	assert_int_equal(quota(cgroup), 0);
	scratch_write("fs/cpu/c/cpu.cfs_quota_us", "-1\n");
	scratch_write("fs/cpu/c/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota(cgroup), 0);
	scratch_write("fs/cpu/c/cpu.cfs_quota_us", "350000\n");
	assert_int_equal(quota(cgroup), 4);
	scratch_write("fs/cpu/c/cpu.cfs_period_us", "0\n");
	assert_int_equal(quota(cgroup), 0);
}

static void nothing(void **state)
{
	(void)state;
	assert_int_equal(quota(""), 0);
	assert_int_equal(cpus_of_quota(scratch_path("missing"), "/nowhere"), 0);
	assert_true(cpus_available() >= 1);
}

static int make_tree(void **state)
{
	int result = scratch_make(state);

	make("fs");
	make("fs/a");
	make("fs/a/b");
	make("fs/cpu");
	make("fs/cpu/c");
	return result;
}

static int remove_tree(void **state)
{
	buf_free_all();
	return scratch_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_2),
		cmocka_unit_test(version_1),
		cmocka_unit_test(nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
