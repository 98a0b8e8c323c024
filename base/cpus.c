/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cpus.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/read_file.h"

enum { CPUS_FILE = 16384 };

/* A file of two numbers or one; false if there is none, or it says "max" or -1:
 * no limit. */
static bool read_numbers(const char *path, uint64_t *first_out,
			 uint64_t *second_out)
{
	struct buf text = {0};
	int n = 0;

	if (read_file(path, CPUS_FILE, &text) == NULL) {
		buf_put(&text, (struct str){"", 1});
		if (buf_str(&text).p[0] != '-')
			n = sscanf(buf_str(&text).p, "%" SCNu64 " %" SCNu64,
				   first_out, second_out);
	}
	buf_release(&text);
	return n > 0;
}

static unsigned of_quota(uint64_t quota, uint64_t period)
{
	uint64_t cpus = period > 0 ? (quota + period - 1) / period : 0;

	if (period > 0 && cpus == 0)
		cpus = 1;
	return cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

static unsigned less(unsigned a, unsigned b)
{
	if (a == 0 || b == 0)
		return a + b; /* 0 is no limit */
	return a < b ? a : b;
}

/* In one folder: version 2 has one file, version 1 two. */
static unsigned read_quota(const char *folder, bool is_v2)
{
	char path[PATH_MAX];
	uint64_t quota, period = 0;

	snprintf(path, sizeof(path), "%.3000s/%s", folder,
		 is_v2 ? "cpu.max" : "cpu.cfs_quota_us");
	if (!read_numbers(path, &quota, &period))
		return 0;
	if (is_v2)
		return of_quota(quota, period);
	snprintf(path, sizeof(path), "%.3000s/cpu.cfs_period_us", folder);
	if (!read_numbers(path, &period, &(uint64_t){0}))
		return 0;
	return of_quota(quota, period);
}

/* The tightest quota of a group and all above it, up to `root`. A container often
 * sees its own group as the root, whatever its path is outside. */
static unsigned tightest(const char *root, struct str group, bool is_v2)
{
	char folder[PATH_MAX];
	unsigned cpus = read_quota(root, is_v2);

	while (group.n > 1) {
		snprintf(folder, sizeof(folder), "%.255s%" STR_FMT, root,
			 STR_ARG(group));
		cpus = less(cpus, read_quota(folder, is_v2));
		while (group.n > 0 && group.p[group.n - 1] != '/')
			group.n--;
		if (group.n > 0)
			group.n--;
	}
	return cpus;
}

static bool has_cpu(struct str controllers)
{
	while (controllers.n > 0)
		if (str_equal(str_cut(&controllers, ','), STR("cpu")))
			return true;
	return false;
}

unsigned cpus_of_quota(const char *cgroup, const char *mount)
{
	struct buf text = {0};
	char root[PATH_MAX];
	unsigned cpus = 0;

	if (read_file(cgroup, CPUS_FILE, &text) == NULL) {
		struct str all = buf_str(&text);

		/* "0::/path" is version 2, "4:cpu,cpuacct:/path" version 1. */
		while (all.n > 0) {
			struct str group = str_cut(&all, '\n');
			bool is_v2 = str_equal(str_cut(&group, ':'), STR("0"));
			struct str controllers = str_cut(&group, ':');

			if (!is_v2 && !has_cpu(controllers))
				continue;
			snprintf(root, sizeof(root), "%s%s", mount,
				 is_v2 ? "" : "/cpu");
			cpus = less(cpus, tightest(root, group, is_v2));
		}
	}
	buf_release(&text);
	return cpus;
}

unsigned cpus_available(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else /* more CPUs than the set has room for */
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return less(n > 0 ? (unsigned)n : 1,
		    cpus_of_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
}
