/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a program to which system calls are denied, as the filters of containers
 * do (seccomp(2)):
 *
 *   deny NAME=ERRNO... PROGRAM [ARGUMENT...]
 *
 *   deny memfd_create=ENOSYS sendfile=EINVAL holdfast -c FILE
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 32 };

static const struct name {
	const char *name;
	unsigned number;
} calls[] =
	{
		{"accept4", SYS_accept4},
		{"capget", SYS_capget},
		{"capset", SYS_capset},
#ifdef SYS_chmod
		{"chmod", SYS_chmod},
#endif
		{"close_range", SYS_close_range},
		{"epoll_create1", SYS_epoll_create1},
		{"faccessat2", SYS_faccessat2},
		{"getrandom", SYS_getrandom},
		{"memfd_create", SYS_memfd_create},
		{"openat2", SYS_openat2},
		{"prctl", SYS_prctl},
		{"sendfile", SYS_sendfile},
		{"setresuid", SYS_setresuid},
		{"setsid", SYS_setsid},
		{"signalfd4", SYS_signalfd4},
		{"statx", SYS_statx},
},
  errors[] = {
	  {"EACCES", EACCES},
	  {"EINVAL", EINVAL},
	  {"ENOSYS", ENOSYS},
	  {"EPERM", EPERM},
};
#define N(table) (sizeof(table) / sizeof(*(table)))

static unsigned number_of(const struct name *table, size_t n, const char *name,
			  size_t length)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(table[i].name) == length &&
		    memcmp(table[i].name, name, length) == 0)
			return table[i].number;
	fprintf(stderr, "deny: unknown: %s\n", name);
	exit(126);
}

int main(int argc, char **argv)
{
	struct sock_filter filter[2 * MOST + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
	};
	unsigned short n = 1;
	int i = 1;

	for (; i < argc && i <= MOST; i++) {
		const char *equals = strchr(argv[i], '=');

		if (equals == NULL)
			break;
		unsigned call = number_of(calls, N(calls), argv[i],
					  (size_t)(equals - argv[i]));
		unsigned error = number_of(errors, N(errors), equals + 1,
					   strlen(equals + 1));

		filter[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
		filter[n++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
	}
	filter[n++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {n, filter};

	if (i >= argc || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1) {
		perror("deny");
		return 126;
	}
	execvp(argv[i], argv + i);
	perror(argv[i]);
	return 127;
}
