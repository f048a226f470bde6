/* coverage PACK DAMAGED: calls every function of bluemarble.h, rightly and wrongly, without a server.
 *
 * PACK is 0 m but for 1000 m at latitude and longitude 0 and has nothing around the south pole; DAMAGED is the same
 * with a broken tile at longitude -90.
 */
#include "expect.h"

#include <math.h>
#include <string.h>

static void layouts(void) {
    EXPECT(sizeof(bm_geodetic) == 24);
    EXPECT(sizeof(bm_ecef) == 24);
    EXPECT(sizeof(bm_terrain) == 8);
    EXPECT(sizeof(bm_client) == 8);
    EXPECT(sizeof(bm_client_options) == 8 + 2 * sizeof(char *));
    EXPECT(sizeof(bm_client_status) == 72);
    EXPECT(offsetof(bm_client_status, tick) == 8 && offsetof(bm_client_status, radius_m) == 64);
    EXPECT(sizeof(bm_entity) == 72);
    EXPECT(offsetof(bm_entity, lat_deg) == 16 && offsetof(bm_entity, flags) == 68);
    EXPECT(bm_version() == BM_VERSION_MAJOR * 1000000 + BM_VERSION_MINOR * 1000 + BM_VERSION_PATCH);
}

static void errors(void) {
    char text[256];
    char cut[5] = "????";
    size_t needed;

    EXPECT(bm_last_error_code() == BM_OK);
    EXPECT(bm_last_error_call()[0] == '\0');
    EXPECT(bm_last_error_message()[0] == '\0');
    EXPECT(bm_last_error_copy(text, sizeof text) == 1 && text[0] == '\0');

    FAILS(BM_ERROR_NULL, bm_geodetic_to_ecef(BM_EARTH_RADIUS_M, NULL, NULL), "bm_geodetic_to_ecef");
    needed = bm_last_error_copy(NULL, 0);
    EXPECT(needed == strlen(bm_last_error_message()) + 1);
    EXPECT(bm_last_error_copy(NULL, 99) == needed);
    EXPECT(bm_last_error_copy(text, sizeof text) == needed && strcmp(text, bm_last_error_message()) == 0);
    EXPECT(bm_last_error_copy(cut, 4) == needed && strncmp(cut, text, 3) == 0 && cut[3] == '\0');
    cut[0] = '?';
    EXPECT(bm_last_error_copy(cut, 0) == needed && cut[0] == '?');
}

static void coordinates(void) {
    const double bad[] = {NAN, INFINITY, -INFINITY, 1e300};
    bm_geodetic everest = {27.95, 86.95, 5802.8};
    bm_geodetic wrapped = {-12.5, 190.0, 0.0};
    bm_geodetic back;
    bm_ecef at;
    size_t i;

    EXPECT(bm_geodetic_to_ecef(BM_EARTH_RADIUS_M, &everest, &at) == BM_OK);
    EXPECT(fabs(sqrt(at.x_m * at.x_m + at.y_m * at.y_m + at.z_m * at.z_m) - BM_EARTH_RADIUS_M - 5802.8) < 1e-6);
    EXPECT(bm_ecef_to_geodetic(BM_EARTH_RADIUS_M, &at, &back) == BM_OK);
    EXPECT(fabs(back.lat_deg - 27.95) < 1e-12 && fabs(back.lon_deg - 86.95) < 1e-12);
    EXPECT(fabs(back.height_m - 5802.8) < 1e-8);
    EXPECT(bm_geodetic_to_ecef(BM_EARTH_RADIUS_M, &wrapped, &at) == BM_OK);
    EXPECT(bm_ecef_to_geodetic(BM_EARTH_RADIUS_M, &at, &back) == BM_OK && fabs(back.lon_deg + 170.0) < 1e-12);

    at.x_m = 1.0;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bm_geodetic lat = everest, lon = everest, height = everest;
        bm_ecef z = at, out = at;
        lat.lat_deg = lon.lon_deg = height.height_m = z.z_m = bad[i];
        FAILS(BM_ERROR_ARGUMENT, bm_geodetic_to_ecef(BM_EARTH_RADIUS_M, &lat, &out), "bm_geodetic_to_ecef");
        FAILS(BM_ERROR_ARGUMENT, bm_geodetic_to_ecef(BM_EARTH_RADIUS_M, &lon, &out), "bm_geodetic_to_ecef");
        FAILS(BM_ERROR_ARGUMENT, bm_geodetic_to_ecef(BM_EARTH_RADIUS_M, &height, &out), "bm_geodetic_to_ecef");
        FAILS(BM_ERROR_ARGUMENT, bm_geodetic_to_ecef(bad[i], &everest, &out), "bm_geodetic_to_ecef");
        FAILS(BM_ERROR_ARGUMENT, bm_ecef_to_geodetic(BM_EARTH_RADIUS_M, &z, &back), "bm_ecef_to_geodetic");
        FAILS(BM_ERROR_ARGUMENT, bm_ecef_to_geodetic(bad[i], &at, &back), "bm_ecef_to_geodetic");
        EXPECT(memcmp(&out, &at, sizeof at) == 0);
    }
    everest.lat_deg = 90.1;
    FAILS(BM_ERROR_ARGUMENT, bm_geodetic_to_ecef(BM_EARTH_RADIUS_M, &everest, &at), "bm_geodetic_to_ecef");
    FAILS(BM_ERROR_NULL, bm_geodetic_to_ecef(BM_EARTH_RADIUS_M, NULL, &at), "bm_geodetic_to_ecef");
    FAILS(BM_ERROR_NULL, bm_geodetic_to_ecef(BM_EARTH_RADIUS_M, &back, NULL), "bm_geodetic_to_ecef");
    FAILS(BM_ERROR_NULL, bm_ecef_to_geodetic(BM_EARTH_RADIUS_M, NULL, &back), "bm_ecef_to_geodetic");
    FAILS(BM_ERROR_NULL, bm_ecef_to_geodetic(BM_EARTH_RADIUS_M, &at, NULL), "bm_ecef_to_geodetic");
}

static void terrain(const char *pack, const char *damaged) {
    const bm_terrain null = {0};
    bm_terrain ground = {7}, second, stale, many[256];
    double value = -1.0;
    size_t i;

    FAILS(BM_ERROR_NULL, bm_terrain_open(NULL, &ground), "bm_terrain_open");
    EXPECT(ground.id == 0);
    FAILS(BM_ERROR_NULL, bm_terrain_open(pack, NULL), "bm_terrain_open");
    FAILS(BM_ERROR_ARGUMENT, bm_terrain_open("\xff", &ground), "bm_terrain_open");
    FAILS(BM_ERROR_FILE, bm_terrain_open("no such file", &ground), "bm_terrain_open");
    EXPECT(strstr(bm_last_error_message(), "no such file") != NULL);
    FAILS(BM_ERROR_FILE, bm_terrain_open("/", &ground), "bm_terrain_open");
    FAILS(BM_ERROR_FILE, bm_terrain_open("/dev/null", &ground), "bm_terrain_open");
    FAILS(BM_ERROR_FILE, bm_terrain_open("/proc/self/exe", &ground), "bm_terrain_open");

    EXPECT(bm_terrain_open(pack, &ground) == BM_OK && ground.id != 0);
    EXPECT(bm_terrain_radius(ground, &value) == BM_OK && fabs(value - BM_EARTH_RADIUS_M) < 1e-9);
    EXPECT(bm_terrain_height(ground, 0.0, 0.0, &value) == BM_OK && fabs(value - 1000.0) < 1e-9);
    EXPECT(bm_terrain_height(ground, 90.0, 0.0, &value) == BM_OK && fabs(value) < 1e-9);
    value = -1.0;
    FAILS(BM_ERROR_ARGUMENT, bm_terrain_height(ground, NAN, 0.0, &value), "bm_terrain_height");
    FAILS(BM_ERROR_ARGUMENT, bm_terrain_height(ground, 0.0, INFINITY, &value), "bm_terrain_height");
    FAILS(BM_ERROR_ARGUMENT, bm_terrain_height(ground, 90.5, 0.0, &value), "bm_terrain_height");
    FAILS(BM_ERROR_NO_TERRAIN, bm_terrain_height(ground, -90.0, 0.0, &value), "bm_terrain_height");
    FAILS(BM_ERROR_NULL, bm_terrain_height(ground, 0.0, 0.0, NULL), "bm_terrain_height");
    FAILS(BM_ERROR_NULL, bm_terrain_radius(ground, NULL), "bm_terrain_radius");
    FAILS(BM_ERROR_HANDLE, bm_terrain_height(null, 0.0, 0.0, &value), "bm_terrain_height");
    FAILS(BM_ERROR_HANDLE, bm_terrain_radius(null, &value), "bm_terrain_radius");
    FAILS(BM_ERROR_HANDLE, bm_terrain_close(null), "bm_terrain_close");

    EXPECT(bm_terrain_open(pack, &second) == BM_OK && second.id != ground.id);
    stale = ground;
    EXPECT(bm_terrain_close(ground) == BM_OK);
    FAILS(BM_ERROR_HANDLE, bm_terrain_close(stale), "bm_terrain_close");
    EXPECT(bm_terrain_open(pack, &ground) == BM_OK && ground.id != stale.id);
    FAILS(BM_ERROR_HANDLE, bm_terrain_height(stale, 0.0, 0.0, &value), "bm_terrain_height");
    FAILS(BM_ERROR_HANDLE, bm_terrain_radius(stale, &value), "bm_terrain_radius");
    EXPECT(fabs(value + 1.0) < 1e-9); /* no failure wrote it */
    EXPECT(bm_terrain_close(ground) == BM_OK && bm_terrain_close(second) == BM_OK);

    EXPECT(bm_terrain_open(damaged, &ground) == BM_OK);
    EXPECT(bm_terrain_height(ground, 90.0, 0.0, &value) == BM_OK);
    FAILS(BM_ERROR_FILE, bm_terrain_height(ground, 0.0, -90.0, &value), "bm_terrain_height");
    EXPECT(strstr(bm_last_error_message(), damaged) != NULL);
    EXPECT(bm_terrain_close(ground) == BM_OK);

    for (i = 0; i < 256; i++) {
        EXPECT(bm_terrain_open(pack, &many[i]) == BM_OK);
    }
    FAILS(BM_ERROR_LIMIT, bm_terrain_open(pack, &ground), "bm_terrain_open");
    EXPECT(ground.id == 0);
    for (i = 0; i < 256; i++) {
        EXPECT(bm_terrain_close(many[i]) == BM_OK);
    }
}

static void client_structs(void) {
    struct {
        bm_client_options options;
        uint64_t newer;
    } big;
    bm_client_options options;
    bm_client_status status;
    bm_client client = {7};
    const bm_client null = {0};
    size_t count = 9;

    FAILS(BM_ERROR_NULL, bm_client_options_init(NULL, sizeof options), "bm_client_options_init");
    FAILS(BM_ERROR_STRUCT_SIZE, bm_client_options_init(&options, 4), "bm_client_options_init");
    FAILS(BM_ERROR_STRUCT_SIZE, bm_client_options_init(&options, (size_t)-1), "bm_client_options_init");
    EXPECT(bm_client_options_init(&options, sizeof options) == BM_OK);
    EXPECT(options.struct_size == sizeof options && options.timeout_ms == 5000 && options.address == NULL);
    FAILS(BM_ERROR_NULL, bm_client_status_init(NULL, sizeof status), "bm_client_status_init");
    FAILS(BM_ERROR_STRUCT_SIZE, bm_client_status_init(&status, 8), "bm_client_status_init");
    EXPECT(bm_client_status_init(&status, sizeof status) == BM_OK && status.struct_size == sizeof status);

    FAILS(BM_ERROR_NULL, bm_client_connect(&options, NULL), "bm_client_connect");
    FAILS(BM_ERROR_NULL, bm_client_connect(NULL, &client), "bm_client_connect");
    EXPECT(client.id == 0);
    FAILS(BM_ERROR_NULL, bm_client_connect(&options, &client), "bm_client_connect");
    options.struct_size = 1;
    FAILS(BM_ERROR_STRUCT_SIZE, bm_client_connect(&options, &client), "bm_client_connect");

    /* Compiled against a newer header: fine until it uses what this library lacks. */
    EXPECT(bm_client_options_init(&big.options, sizeof big) == BM_OK && big.newer == 0);
    FAILS(BM_ERROR_NULL, bm_client_connect(&big.options, &client), "bm_client_connect");
    big.newer = 1;
    FAILS(BM_ERROR_STRUCT_SIZE, bm_client_connect(&big.options, &client), "bm_client_connect");

    FAILS(BM_ERROR_HANDLE, bm_client_set_velocity(null, 0.0, 0.0, 0.0), "bm_client_set_velocity");
    FAILS(BM_ERROR_HANDLE, bm_client_poll(null, &status), "bm_client_poll");
    FAILS(BM_ERROR_HANDLE, bm_client_entities(null, NULL, sizeof(bm_entity), 0, &count), "bm_client_entities");
    FAILS(BM_ERROR_HANDLE, bm_client_close(null), "bm_client_close");
    EXPECT(count == 9);
}

static void refused_connections(void) {
    const char *const bad_addresses[] = {"", "nowhere", "127.0.0.1", "127.0.0.1:99999", ":", "\xff"};
    const char *const bad_tickets[] = {"", "bm1", "bm1..", "bm2.AAAA.AAAA", "bm1.AAAA.AAAA", "\xff"};
    char ticket[] = "bm1.?" /* a token of version 1, then zeros: well-formed, and good for nothing */
                    "?????????????????????????????????????????????????????????????"
                    "?????????????????????????????????????????????????????????????"
                    "????????????????????????????????????????????????????????????"
                    ".???????????????????????????????????????????";
    bm_client_options options;
    bm_client client;
    size_t i;

    for (i = 0; i < sizeof ticket - 1; i++) {
        ticket[i] = ticket[i] == '?' ? 'A' : ticket[i];
    }
    ticket[5] = 'Q';
    bm_client_options_init(&options, sizeof options);
    options.address = "127.0.0.1:9";
    for (i = 0; i < sizeof bad_tickets / sizeof bad_tickets[0]; i++) {
        options.ticket = bad_tickets[i];
        FAILS(BM_ERROR_ARGUMENT, bm_client_connect(&options, &client), "bm_client_connect");
    }
    options.ticket = ticket;
    for (i = 0; i < sizeof bad_addresses / sizeof bad_addresses[0]; i++) {
        options.address = bad_addresses[i];
        FAILS(BM_ERROR_ARGUMENT, bm_client_connect(&options, &client), "bm_client_connect");
    }
    options.address = "127.0.0.1:9"; /* discard: nobody speaks QUIC there */
    options.timeout_ms = 0;
    FAILS(BM_ERROR_ARGUMENT, bm_client_connect(&options, &client), "bm_client_connect");
    options.timeout_ms = 60001;
    FAILS(BM_ERROR_ARGUMENT, bm_client_connect(&options, &client), "bm_client_connect");
    options.timeout_ms = 100;
    FAILS(BM_ERROR_CONNECT, bm_client_connect(&options, &client), "bm_client_connect");
    EXPECT(strstr(bm_last_error_message(), "127.0.0.1:9") != NULL);
    expect_quiet();
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: coverage PACK DAMAGED\n");
        return 2;
    }
    layouts();
    errors();
    coordinates();
    client_structs();
    refused_connections();
    terrain(argv[1], argv[2]);
    printf("every function answered as expected\n");
    return 0;
}
