/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

int privileges_drop_terminal(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int result = null == -1 ? -1 : dup2(null, STDIN_FILENO);

	fd_close(&null);
	return result == -1 || setsid() == -1 ? -1 : 0;
}

static bool has_group(const gid_t *groups, unsigned n, gid_t group)
{
	for (unsigned i = 0; i < n; i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* Whether our supplementary groups are those of the user. */
static bool has_groups(const struct identity *identity)
{
	gid_t ours[NGROUPS_MAX];
	int n = getgroups(NGROUPS_MAX, ours);

	if (n == -1)
		return false;
	for (int i = 0; i < n; i++)
		if (!has_group(identity->groups, identity->n_groups, ours[i]))
			return false;
	for (unsigned i = 0; i < identity->n_groups; i++)
		/* The kernel counts the primary group as one of them. */
		if (identity->groups[i] != identity->gid &&
		    !has_group(ours, (unsigned)n, identity->groups[i]))
			return false;
	return true;
}

int privileges_become(const struct identity *identity)
{
	uid_t uid = identity->uid, ruid, euid, suid;
	gid_t gid = identity->gid, rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) == -1 ||
	    getresgid(&rgid, &egid, &sgid) == -1)
		return -1;
	/* Who stays the same user gains nothing by groups that it had anyway:
	 * where they cannot be given up (user_namespaces(7)) they stay. */
	if (!has_groups(identity) &&
	    setgroups(identity->n_groups, identity->groups) == -1 &&
	    (errno != EPERM || euid != uid))
		return -1;
	if ((rgid != gid || egid != gid || sgid != gid) &&
	    setresgid(gid, gid, gid) == -1)
		return -1;
	if (ruid == uid && euid == uid && suid == uid)
		return 0;
	return setresuid(uid, uid, uid);
}

void privileges_bound_capabilities(void)
{
	/* EINVAL after the last one that the kernel knows; EPERM without
	 * CAP_SETPCAP. */
	for (unsigned long cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			return;
}

int privileges_drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	unsigned have = 0;

	/* capget(2) has no wrapper without libcap. A call that would change
	 * nothing is not made: a filter may forbid it. */
	if (syscall(SYS_capget, &header, data) == -1)
		return -1;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		have |= data[i].permitted | data[i].inheritable;
		data[i] = (struct __user_cap_data_struct){0};
	}
	/* Takes the ambient ones along. */
	return have == 0 ? 0 : (int)syscall(SYS_capset, &header, data);
}
