/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

struct socket_file socket_file_find(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1 || !S_ISSOCK(st.st_mode))
		return (struct socket_file){0};
	return (struct socket_file){.device = st.st_dev, .inode = st.st_ino};
}

bool socket_file_is_at(const struct socket_file *file, const char *path)
{
	struct socket_file found = socket_file_find(path);

	return found.inode != 0 && found.inode == file->inode &&
	       found.device == file->device;
}

/* The file is opened without following a link, and compared: in a folder of
 * somebody else another one may have taken its name. */
static int open_file(const struct socket_file *file, const char *path,
		     struct stat *st_out)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd != -1 && fstat(fd, st_out) == 0 && S_ISSOCK(st_out->st_mode) &&
	    st_out->st_dev == file->device && st_out->st_ino == file->inode)
		return fd;
	fd_close(&fd);
	errno = ENOENT;
	return -1;
}

int socket_file_set(const struct socket_file *file, const char *path,
		    const struct socket_access *access)
{
	char name[32];
	struct stat st;
	int fd = open_file(file, path, &st), result = 0;
	uid_t owner = access->owner != (uid_t)-1 ? access->owner : geteuid();
	gid_t group = access->group != (gid_t)-1 ? access->group : getegid();

	if (fd == -1)
		return -1;
	if (st.st_uid != owner || st.st_gid != group)
		result = fchownat(fd, "", owner, group, AT_EMPTY_PATH);
	/* fchmod(2) does not take a descriptor of O_PATH. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (result == 0 && (st.st_mode & 07777) != access->mode)
		result = chmod(name, access->mode);
	fd_close(&fd);
	return result;
}

int socket_file_bind(int fd, const struct addr *addr,
		     const struct socket_access *access,
		     struct socket_file *file_out)
{
	bool is_ours = access->owner == (uid_t)-1 && access->group == (gid_t)-1;
	/* Who may connect to it as somebody else's is said when it is theirs. */
	mode_t mask = umask(is_ours ? 0777 & ~access->mode : 0177);
	int result = bind(fd, &addr->any, addr->length);

	umask(mask);
	if (result == -1)
		return -1;
	*file_out = socket_file_find(addr->un.sun_path);
	if (is_ours && access->mode == 0600)
		return 0;
	if (socket_file_set(file_out, addr->un.sun_path, access) == 0)
		return 0;
	result = errno;
	socket_file_remove(file_out, addr->un.sun_path);
	errno = result;
	return -1;
}

void socket_file_remove(const struct socket_file *file, const char *path)
{
	if (socket_file_is_at(file, path))
		unlink(path);
}

void socket_file_remove_stale(const struct addr *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct socket_file file = socket_file_find(addr->un.sun_path);

	if (fd != -1 && file.inode != 0 &&
	    connect(fd, &addr->any, addr->length) == -1 && errno == ECONNREFUSED)
		socket_file_remove(&file, addr->un.sun_path);
	fd_close(&fd);
}
