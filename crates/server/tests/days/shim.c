/* Stands between a server and the system. SHIM_MODE: "off", syncs do nothing; "eio", they fail once the file SHIM_TRIGGER
 * is there; "lie", from then on writes to journals do nothing, and syncs neither, and both say that all is well. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int mode_is(const char *name) {
    const char *mode = getenv("SHIM_MODE");
    return mode && strcmp(mode, name) == 0;
}

static int is_on(void) {
    const char *trigger = getenv("SHIM_TRIGGER");
    return trigger && access(trigger, F_OK) == 0;
}

static int sync_as(const char *name, int fd) {
    if (mode_is("off") || (mode_is("lie") && is_on())) return 0;
    if (mode_is("eio") && is_on()) {
        errno = EIO;
        return -1;
    }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(fd);
}

int fsync(int fd) { return sync_as("fsync", fd); }
int fdatasync(int fd) { return sync_as("fdatasync", fd); }

static int is_journal(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 4) return 0;
    path[n] = 0;
    return strcmp(path + n - 4, ".bmj") == 0;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (mode_is("lie") && is_on() && is_journal(fd)) return (ssize_t)count;
    return real(fd, bytes, count);
}
