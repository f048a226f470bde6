/* watch: joins a Bluemarble server, walks about and prints what moves around it. README.md says how to build it. */
#define _POSIX_C_SOURCE 199309L /* nanosleep */
#include "bluemarble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NEIGHBOURS_MAX = 512, LINES_MAX = 10, POLLS_PER_SECOND = 30 };

static const char USAGE[] = "usage: watch ADDRESS TICKET [SECONDS [PACK]]\n"
                            "\n"
                            "  ADDRESS  of the server, such as 127.0.0.1:4433\n"
                            "  TICKET   from `bluemarble token`\n"
                            "  SECONDS  how long to watch, 1 to 86400; 10 if not given\n"
                            "  PACK     a terrain pack: prints the ground's height too\n"
                            "\n"
                            "Exit code 0: watched to the end; 1: failed; 2: misused.\n";

static int failed(const char *doing) {
    fprintf(stderr, "watch: %s: %s\n", doing, bm_last_error_message());
    return 1;
}

static void print_entity(const bm_entity *entity, bm_terrain ground) {
    double ground_m;
    printf("  %c %20llu  lat %+11.6f  lon %+11.6f  height %8.2f m", (entity->flags & BM_ENTITY_SELF) ? '*' : ' ',
           (unsigned long long)entity->id, entity->lat_deg, entity->lon_deg, entity->height_m);
    if (ground.id != 0 && bm_terrain_height(ground, entity->lat_deg, entity->lon_deg, &ground_m) == BM_OK) {
        printf("  ground %8.2f m", ground_m);
    }
    printf("\n");
}

/* Prints one second's view: totals, then the first few entities. */
static int report(bm_client client, const bm_client_status *status, bm_terrain ground) {
    static bm_entity entities[NEIGHBOURS_MAX];
    size_t count, i;
    if (bm_client_entities(client, entities, sizeof entities[0], NEIGHBOURS_MAX, &count) != BM_OK) {
        return failed("entities");
    }
    printf("tick %llu: %u entities, %llu bytes received\n", (unsigned long long)status->tick,
           (unsigned)status->entities, (unsigned long long)status->bytes_in);
    for (i = 0; i < count && i < NEIGHBOURS_MAX; i++) {
        if (i < LINES_MAX || (entities[i].flags & BM_ENTITY_SELF)) {
            print_entity(&entities[i], ground);
        }
    }
    fflush(stdout);
    return 0;
}

static int watch(bm_client client, long seconds, bm_terrain ground) {
    const struct timespec pause = {0, 1000000000L / POLLS_PER_SECOND};
    bm_client_status status;
    long poll;
    int code = 0;
    bm_client_status_init(&status, sizeof status);
    for (poll = 1; poll <= seconds * POLLS_PER_SECOND && code == 0; poll++) {
        /* A round walk: north, east, south, west, two seconds each. */
        static const double EAST[] = {0.0, 1.4, 0.0, -1.4}, NORTH[] = {1.4, 0.0, -1.4, 0.0};
        static const double HEADING[] = {0.0, 1.5707963, 3.1415926, 4.7123889};
        long leg = poll / (2 * POLLS_PER_SECOND) % 4;
        if (bm_client_set_velocity(client, EAST[leg], NORTH[leg], HEADING[leg]) != BM_OK) {
            code = failed("walk");
        } else if (bm_client_poll(client, &status) != BM_OK) {
            code = failed("poll");
        } else if (poll % POLLS_PER_SECOND == 0) {
            code = report(client, &status, ground);
        }
        nanosleep(&pause, NULL);
    }
    return code;
}

int main(int argc, char **argv) {
    bm_client_options options;
    bm_client client;
    bm_terrain ground = {0};
    char *end = "";
    long seconds = argc > 3 ? strtol(argv[3], &end, 10) : 10;
    int code;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(USAGE, stdout);
        return 0;
    }
    if (argc < 3 || argc > 5 || *end != '\0' || seconds < 1 || seconds > 86400) {
        fputs(USAGE, stderr);
        return 2;
    }
    if (argc > 4 && bm_terrain_open(argv[4], &ground) != BM_OK) {
        return failed("terrain");
    }
    bm_client_options_init(&options, sizeof options);
    options.address = argv[1];
    options.ticket = argv[2];
    if (bm_client_connect(&options, &client) != BM_OK) {
        code = failed("connect");
    } else {
        code = watch(client, seconds, ground);
        bm_client_close(client);
    }
    if (ground.id != 0) {
        bm_terrain_close(ground);
    }
    return code;
}
