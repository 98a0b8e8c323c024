/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/read_file.h"

enum { PID_FILE_MAX = 64 };

void pid_file_init(struct pid_file *f)
{
	*f = (struct pid_file){.at = {.folder = -1}};
}

/* The process id in a file; 0 if there is none. */
static int read_pid(const char *path)
{
	struct buf text = {0};
	int pid = 0;

	if (read_file(path, PID_FILE_MAX, &text) == NULL) {
		buf_put(&text, (struct str){"", 1});
		pid = atoi(buf_str(&text).p);
	}
	buf_release(&text);
	return pid > 0 ? pid : 0;
}

static void read_name(int pid, struct buf *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (read_file(path, PID_FILE_MAX, out) != NULL)
		buf_release(out);
}

/* Whether another process of our name has that id. */
static bool is_running(int pid)
{
	struct buf theirs = {0}, ours = {0};
	bool same;

	if (pid == 0 || pid == (int)getpid() ||
	    (kill(pid, 0) == -1 && errno == ESRCH))
		return false;
	read_name(pid, &theirs);
	read_name((int)getpid(), &ours);
	same = buf_length(&ours) > 0 && str_equal(buf_str(&theirs), buf_str(&ours));
	buf_release(&theirs);
	buf_release(&ours);
	return same;
}

static void remove_own(const char *path)
{
	if (read_pid(path) == (int)getpid())
		unlink(path);
}

/* An empty one is of a master that a full disk kept from writing. */
static bool holds_number(const char *path)
{
	struct buf text = {0};
	bool holds = read_file(path, PID_FILE_MAX, &text) == NULL;
	struct str s = buf_str(&text);

	for (size_t i = 0; i < s.n; i++)
		holds = holds && s.p[i] != '\0' &&
			strchr("0123456789 \n", s.p[i]) != NULL;
	buf_release(&text);
	return holds;
}

/* Whether the name may be given to our file. */
static bool check(const struct pid_file *f, const char *path, bool is_successor,
		  char why_out[WHY_SIZE])
{
	struct stat st;
	int pid;

	if (fstatat(f->at.folder, f->at.name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return true;
	if (!S_ISREG(st.st_mode)) {
		snprintf(why_out, WHY_SIZE, "pid_file \"%s\" is not a file", path);
		return false;
	}
	/* A configuration or a log is not replaced. */
	if (!holds_number(path)) {
		snprintf(why_out, WHY_SIZE,
			 "pid_file \"%s\" is there, and holds something else "
			 "than a process id",
			 path);
		return false;
	}
	pid = read_pid(path);
	if (is_successor || !is_running(pid))
		return true;
	snprintf(why_out, WHY_SIZE,
		 "pid_file \"%s\" is that of process %d, which runs", path, pid);
	return false;
}

static int write_temporary(struct pid_file *f)
{
	int fd, failed;

	snprintf(f->temporary, sizeof(f->temporary), ".%.200s.%d", f->at.name,
		 (int)getpid());
	/* Of a process that had our id and was killed. */
	(void)unlinkat(f->at.folder, f->temporary, 0);
	fd = openat(f->at.folder, f->temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1) {
		f->temporary[0] = '\0';
		return -1;
	}
	failed = dprintf(fd, "%d\n", (int)getpid()) < 0;
	fd_close(&fd);
	return failed ? -1 : 0;
}

int pid_file_prepare(struct pid_file *f, const char *path, bool is_successor,
		     char why_out[WHY_SIZE])
{
	char why[WHY_SIZE / 2];

	if (f->path != NULL && strcmp(f->path, path) == 0 &&
	    read_pid(path) == (int)getpid())
		return 0;
	f->next = mem_strdup(path);
	if (path[0] == '\0')
		return 0;
	if (safe_path_open(&f->at, path, why, sizeof(why)) == -1) {
		snprintf(why_out, WHY_SIZE, "cannot write pid_file \"%s\": %s",
			 path, why);
		goto fail;
	}
	if (!check(f, path, is_successor, why_out))
		goto fail;
	if (write_temporary(f) == 0)
		return 0;
	snprintf(why_out, WHY_SIZE, "cannot write pid_file \"%s\": %s", path,
		 strerror(errno));
fail:
	pid_file_finish(f, false);
	return -1;
}

bool pid_file_temporary(const struct pid_file *f, char *path_out, size_t size)
{
	const char *slash = f->next != NULL ? strrchr(f->next, '/') : NULL;

	if (f->temporary[0] == '\0' || slash == NULL)
		return false;
	snprintf(path_out, size, "%.*s/%s", (int)(slash - f->next), f->next,
		 f->temporary);
	return true;
}

void pid_file_finish(struct pid_file *f, bool commit)
{
	if (f->next == NULL)
		return;
	if (commit) {
		if (f->path != NULL && strcmp(f->path, f->next) != 0)
			remove_own(f->path);
		free(f->path);
		f->path = f->next[0] != '\0' ? mem_strdup(f->next) : NULL;
	}
	if (f->temporary[0] != '\0' && commit &&
	    renameat(f->at.folder, f->temporary, f->at.folder, f->at.name) == -1)
		log_errno(LOG_LEVEL_ERROR, "cannot write pid_file \"%s\"", f->next);
	if (f->temporary[0] != '\0' && !commit)
		(void)unlinkat(f->at.folder, f->temporary, 0);
	f->temporary[0] = '\0';
	safe_path_close(&f->at);
	free(f->next);
	f->next = NULL;
}

void pid_file_remove(struct pid_file *f)
{
	pid_file_finish(f, false);
	if (f->path != NULL)
		remove_own(f->path);
	free(f->path);
	f->path = NULL;
}
