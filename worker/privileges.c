/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/privileges.h"

#include <fcntl.h>
#include <linux/capability.h>
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
