/* Expectations of the test programs: the first that fails ends the program. */
#ifndef EXPECT_H
#define EXPECT_H

#include "bluemarble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

#endif
