/* SPDX-License-Identifier: BSD-2-Clause */
/* The number of CPUs that this process may use. Any process. */
#ifndef BASE_CPUS_H
#define BASE_CPUS_H

/* By its affinity and by the CPU quota of its cgroups, whichever is less: a
 * container with 2 CPUs of a machine's 64 may run on all of them, but only for as
 * long as 2. At least 1. */
unsigned cpus_available(void);

/*
 * The CPUs that the quota of cgroups(7) amounts to, rounded up; 0 for no quota.
 * `cgroup` is the process's /proc/PID/cgroup, `mount` where the hierarchies are,
 * /sys/fs/cgroup.
 */
unsigned cpus_of_quota(const char *cgroup, const char *mount);

#endif
