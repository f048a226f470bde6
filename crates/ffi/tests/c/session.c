/* session ADDRESS TICKET TICKET: a player joins a server with others in sight, leaves, and another joins. */
#define _POSIX_C_SOURCE 199309L /* nanosleep */

#include "expect.h"

#include <math.h>

/* Polls, once a frame, until an entity besides the player is in sight. Without the pause valgrind, which runs one thread
 * at a time, would hardly let the client's own thread answer the server. */
static void wait_for_company(bm_client client, bm_client_status *status) {
    const struct timespec frame = {0, 16000000};
    const time_t start = time(NULL);
    while (status->entities < 2 && time(NULL) - start < 60) {
        EXPECT(bm_client_poll(client, status) == BM_OK);
        nanosleep(&frame, NULL);
    }
    EXPECT(status->entities >= 2);
}

static void session(const char *address, char *const tickets[2]) {
    bm_client_options options;
    bm_client_status status;
    bm_client client, second, stale;
    bm_entity entities[2];
    size_t count = 0;

    bm_client_options_init(&options, sizeof options);
    bm_client_status_init(&status, sizeof status);
    options.address = address;
    options.ticket = tickets[0];
    options.timeout_ms = 30000;
    EXPECT(bm_client_connect(&options, &client) == BM_OK && client.id != 0);
    wait_for_company(client, &status);
    EXPECT(status.player != 0 && status.bytes_in > 0 && status.tick > 0 && status.struct_size == sizeof status);
    EXPECT(status.tick_rate_hz > 0 && status.speed_max_mps > 0 && fabs(status.radius_m - BM_EARTH_RADIUS_M) < 1e-3);

    EXPECT(bm_client_entities(client, NULL, sizeof entities[0], 0, &count) == BM_OK && count == status.entities);
    memset(entities, 0, sizeof entities);
    EXPECT(bm_client_entities(client, entities, sizeof entities[0], 1, &count) == BM_OK && count == status.entities);
    EXPECT(entities[0].id != 0 && entities[1].id == 0);
    FAILS(BM_ERROR_NULL, bm_client_entities(client, NULL, sizeof entities[0], 1, &count), "bm_client_entities");
    FAILS(BM_ERROR_NULL, bm_client_entities(client, entities, sizeof entities[0], 1, NULL), "bm_client_entities");
    FAILS(BM_ERROR_STRUCT_SIZE, bm_client_entities(client, entities, 8, 1, &count), "bm_client_entities");

    EXPECT(bm_client_set_velocity(client, 1.0, -1.0, 7.0) == BM_OK);
    FAILS(BM_ERROR_ARGUMENT, bm_client_set_velocity(client, NAN, 0.0, 0.0), "bm_client_set_velocity");
    FAILS(BM_ERROR_ARGUMENT, bm_client_set_velocity(client, 0.0, INFINITY, 0.0), "bm_client_set_velocity");
    FAILS(BM_ERROR_ARGUMENT, bm_client_set_velocity(client, 0.0, 0.0, -INFINITY), "bm_client_set_velocity");
    FAILS(BM_ERROR_NULL, bm_client_poll(client, NULL), "bm_client_poll");
    status.struct_size = 3;
    FAILS(BM_ERROR_STRUCT_SIZE, bm_client_poll(client, &status), "bm_client_poll");

    stale = client;
    EXPECT(threads() == 2);
    EXPECT(bm_client_close(client) == BM_OK);
    expect_quiet();
    FAILS(BM_ERROR_HANDLE, bm_client_close(client), "bm_client_close");
    bm_client_status_init(&status, sizeof status);
    FAILS(BM_ERROR_CONNECT, bm_client_connect(&options, &second), "bm_client_connect"); /* used */
    EXPECT(second.id == 0);
    expect_quiet();
    options.ticket = tickets[1];
    EXPECT(bm_client_connect(&options, &second) == BM_OK && second.id != stale.id);
    FAILS(BM_ERROR_HANDLE, bm_client_poll(stale, &status), "bm_client_poll");
    FAILS(BM_ERROR_HANDLE, bm_client_set_velocity(stale, 0.0, 0.0, 0.0), "bm_client_set_velocity");
    FAILS(BM_ERROR_HANDLE, bm_client_entities(stale, NULL, sizeof entities[0], 0, &count), "bm_client_entities");
    EXPECT(bm_client_close(second) == BM_OK);
    expect_quiet();
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: session ADDRESS TICKET TICKET\n");
        return 2;
    }
    session(argv[1], &argv[2]);
    printf("the session went as expected\n");
    return 0;
}
