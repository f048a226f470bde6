/* Stands between a server and the system. SHIM_MODE: "off", syncs do nothing; "eio", they fail once the file SHIM_TRIGGER
 * is there; "lie", from then on writes to journals do nothing, and syncs neither, and both say that all is well; "die", then
 * the process ends with 99 at SHIM_STEP of the first write to a journal that has MARK in it: 0 before it, 1 with half of it
 * written, 2 behind it, 3 behind its sync, 4 with half of the witness written, 5 behind that, 5 + n after n more
 * milliseconds; with a minus sign the write itself is left out. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
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

static int is_named(int fd, const char *end) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1), m = (ssize_t)strlen(end);
    if (n < m) return 0;
    path[n] = 0;
    return strcmp(path + n - m, end) == 0;
}

/* How far the write with MARK in it has come. */
enum { NOTHING, WRITTEN, SYNCED, WITNESSED };
static _Atomic int state;
static const unsigned char MARK[4] = {0x0d, 0xf0, 0xed, 0x5e};

static int step(void) {
    const char *told = getenv("SHIM_STEP");
    return told && *told ? abs(atoi(told)) : -1;
}

static int swallows(void) { return *getenv("SHIM_STEP") == '-'; }

static void die_at(int this) {
    if (step() == this) _exit(99);
}

static void die_now(int signal) {
    (void)signal;
    _exit(99);
}

static void die_in(int ms) {
    struct itimerval timer = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};
    if (ms <= 0) return;
    signal(SIGALRM, die_now);
    setitimer(ITIMER_REAL, &timer, NULL);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (mode_is("lie") && is_on() && is_named(fd, ".bmj")) return (ssize_t)count;
    if (!mode_is("die") || state != NOTHING || !is_named(fd, ".bmj") || !is_on() || !memmem(bytes, count, MARK, 4))
        return real(fd, bytes, count);
    die_at(0);
    if (step() == 1) real(fd, bytes, count / 2);
    die_at(1);
    ssize_t done = swallows() ? (ssize_t)count : real(fd, bytes, count);
    die_at(2);
    state = WRITTEN;
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    int is_it = state == SYNCED && is_named(fd, "/witness");
    if (is_it && step() == 4) {
        real(fd, bytes, count / 2, at);
        die_at(4);
    }
    ssize_t done = real(fd, bytes, count, at);
    if (is_it) {
        die_at(5);
        state = WITNESSED;
        die_in(step() - 5);
    }
    return done;
}

static int synced(const char *name, int fd) {
    int done = sync_as(name, fd);
    if (state == WRITTEN && is_named(fd, ".bmj")) {
        die_at(3);
        state = SYNCED;
    }
    return done;
}

int fsync(int fd) { return synced("fsync", fd); }
int fdatasync(int fd) { return synced("fdatasync", fd); }
