/* Calls every function of bluemarble.h, rightly and wrongly; the first answer that is not the expected one ends it.
 *
 *   coverage PACK DAMAGED                    without a server
 *   coverage PACK DAMAGED ADDRESS TICKET     the client too
 *
 * PACK is 0 m but for 1000 m at latitude and longitude 0 and has nothing around the south pole; DAMAGED is the same
 * with a broken tile at longitude -90.
 */
#include "bluemarble.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_that(int holds, const char *what, int line) {
    if (!holds) {
        fprintf(stderr, "coverage.c:%d: %s\n  last error %d in %s: %s\n", line, what, (int)bm_last_error_code(),
                bm_last_error_call(), bm_last_error_message());
        exit(1);
    }
}
#define EXPECT(condition) expect_that((condition) != 0, #condition, __LINE__)

/* The call fails with the code, and the thread's last error is that of the call. */
#define FAILS(code, call, name)                                                                                        \
    do {                                                                                                               \
        EXPECT((call) == (code));                                                                                      \
        EXPECT(bm_last_error_code() == (code));                                                                        \
        EXPECT(strcmp(bm_last_error_call(), name) == 0);                                                               \
        EXPECT(bm_last_error_message()[0] != '\0');                                                                    \
    } while (0)

static void layouts(void) {
    EXPECT(sizeof(bm_geodetic) == 24);
    EXPECT(sizeof(bm_ecef) == 24);
    EXPECT(sizeof(bm_terrain) == 8);
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

int main(int argc, char **argv) {
    if (argc != 3 && argc != 5) {
        fprintf(stderr, "usage: coverage PACK DAMAGED [ADDRESS TICKET]\n");
        return 2;
    }
    layouts();
    errors();
    coordinates();
    terrain(argv[1], argv[2]);
    printf("every function answered as expected\n");
    return 0;
}
