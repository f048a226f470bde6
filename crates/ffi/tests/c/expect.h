/* Expectations of the test programs: the first that fails ends the program. Linux. */
#ifndef EXPECT_H
#define EXPECT_H

#include "bluemarble.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void expect_that(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        fprintf(stderr, "%s:%d: %s\n  last error %d in %s: %s\n", file, line, what, (int)bm_last_error_code(),
                bm_last_error_call(), bm_last_error_message());
        exit(1);
    }
}
#define EXPECT(condition) expect_that((condition) != 0, #condition, __FILE__, __LINE__)

/* The call fails with the code, and the thread's last error is that of the call. */
#define FAILS(code, call, name)                                                                                        \
    do {                                                                                                               \
        EXPECT((call) == (code));                                                                                      \
        EXPECT(bm_last_error_code() == (code));                                                                        \
        EXPECT(strcmp(bm_last_error_call(), name) == 0);                                                               \
        EXPECT(bm_last_error_message()[0] != '\0');                                                                    \
    } while (0)

/* How many threads the process has. */
static int threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    int count = -2; /* . and .. */
    if (tasks == NULL) {
        return -1;
    }
    while (readdir(tasks) != NULL) {
        count++;
    }
    closedir(tasks);
    return count;
}

/* Waits until the library has no thread any more, at most 30 s. */
static void expect_quiet(void) {
    const time_t start = time(NULL);
    while (threads() != 1 && time(NULL) - start < 30) {
    }
    EXPECT(threads() == 1);
}

#endif
