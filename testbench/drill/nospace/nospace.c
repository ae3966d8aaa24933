// Lets a disk be full for the files of chosen folders: while a file ".full"
// lies beside a file, writing to it fails as on a full disk. Loaded with
// LD_PRELOAD into programs whose database is SQLite, which calls libc.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int full(int fd) {
	char link[64], path[PATH_MAX + 8];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, PATH_MAX);
	if (n <= 0 || path[0] != '/')
		return 0;
	path[n] = 0;
	char *slash = strrchr(path, '/');
	if (slash == path)
		return 0;
	strcpy(slash, "/.full");
	int was = errno, yes = access(path, F_OK) == 0;
	errno = was;
	return yes;
}

#define REFUSE(fd) do { if (full(fd)) { errno = ENOSPC; return -1; } } while (0)
#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *b, size_t n) {
	REAL(write);
	REFUSE(fd);
	return real(fd, b, n);
}
ssize_t pwrite(int fd, const void *b, size_t n, off_t at) {
	REAL(pwrite);
	REFUSE(fd);
	return real(fd, b, n, at);
}
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t at) {
	REAL(pwrite64);
	REFUSE(fd);
	return real(fd, b, n, at);
}
int posix_fallocate(int fd, off_t at, off_t n) {
	REAL(posix_fallocate);
	if (full(fd))
		return ENOSPC;
	return real(fd, at, n);
}
int fallocate(int fd, int mode, off_t at, off_t n) {
	REAL(fallocate);
	REFUSE(fd);
	return real(fd, mode, at, n);
}
