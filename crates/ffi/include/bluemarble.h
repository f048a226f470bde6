/* bluemarble.h: coordinates, terrain packs and the game client of Bluemarble.
 *
 * Generated from crates/ffi/src. Do not edit: `BLUEMARBLE_BLESS=1 cargo test -p bluemarble-ffi header` writes it.
 *
 * Every function that can fail returns an int32_t: BM_OK, or a negative BM_ERROR_ code; then bm_last_error_message()
 * has a sentence for people. Null pointers, stale handles and values out of range are errors, never crashes. Handles
 * are values that may be copied and used from any thread. Results are written only on success, unless said otherwise.
 * A struct that begins with struct_size is given to its _init function first.
 */

#ifndef BLUEMARBLE_H
#define BLUEMARBLE_H

#include <stddef.h>
#include <stdint.h>

/**
 * Major version of this header; the library's SONAME carries it.
 */
#define BM_VERSION_MAJOR 0

/**
 * Minor version of this header.
 */
#define BM_VERSION_MINOR 1

/**
 * Patch version of this header.
 */
#define BM_VERSION_PATCH 0

/**
 * Success. Every other status is negative.
 */
#define BM_OK 0

/**
 * A defect of the library was contained. The object that the call was about answers only this from now on;
 * close it.
 */
#define BM_ERROR_PANIC (-1)

/**
 * A pointer that must not be null is null.
 */
#define BM_ERROR_NULL (-2)

/**
 * The handle is null, already closed, or of another kind.
 */
#define BM_ERROR_HANDLE (-3)

/**
 * A value is out of its range, not finite, or a text cannot be understood.
 */
#define BM_ERROR_ARGUMENT (-4)

/**
 * `struct_size` is not the size of any version of the struct.
 */
#define BM_ERROR_STRUCT_SIZE (-5)

/**
 * As many objects of the kind are open as the library allows.
 */
#define BM_ERROR_LIMIT (-6)

/**
 * A file cannot be read or is damaged; the message names it.
 */
#define BM_ERROR_FILE (-7)

/**
 * There is no terrain at the place.
 */
#define BM_ERROR_NO_TERRAIN (-8)

/**
 * No session came about: nobody answered, it is not the server of the ticket, or it refused.
 */
#define BM_ERROR_CONNECT (-9)

/**
 * The session is over; the message says why.
 */
#define BM_ERROR_ENDED (-10)

/**
 * Mean radius of the Earth in metres, which Bluemarble takes as a sphere.
 */
#define BM_EARTH_RADIUS_M 6371008.8

/**
 * Flag of a bm_entity: it is the client's own.
 */
#define BM_ENTITY_SELF 1

/**
 * Latitude, longitude and height above the datum.
 */
typedef struct bm_geodetic {
  /**
   * Degrees north, within 90.
   */
  double lat_deg;
  /**
   * Degrees east; given within 540, answered within 180.
   */
  double lon_deg;
  /**
   * Metres above the datum, -1e7 to 1e9.
   */
  double height_m;
} bm_geodetic;

/**
 * Planet-centred, planet-fixed coordinates: +z to the north pole, +x to latitude and longitude 0.
 */
typedef struct bm_ecef {
  /**
   * Metres, within 1e10.
   */
  double x_m;
  /**
   * Metres, within 1e10.
   */
  double y_m;
  /**
   * Metres, within 1e10.
   */
  double z_m;
} bm_ecef;

/**
 * An open terrain pack; `id` 0 is none.
 */
typedef struct bm_terrain {
  /**
   * Opaque.
   */
  uint64_t id;
} bm_terrain;

/**
 * What bm_client_connect wants to know. Begin with bm_client_options_init.
 */
typedef struct bm_client_options {
  /**
   * Set by bm_client_options_init.
   */
  uint32_t struct_size;
  /**
   * How long to wait for the server, 1 to 60000 ms; 5000 at first.
   */
  uint32_t timeout_ms;
  /**
   * The server's name or address and port, such as `127.0.0.1:4433` or `[::1]:4433`. Read during the call only.
   */
  const char *address;
  /**
   * The text that `bluemarble token` printed; it lets a player in once. Read during the call only.
   */
  const char *ticket;
} bm_client_options;

/**
 * How a session is doing. Begin with bm_client_status_init.
 */
typedef struct bm_client_status {
  /**
   * Set by bm_client_status_init.
   */
  uint32_t struct_size;
  /**
   * Entities in sight, the player's own included.
   */
  uint32_t entities;
  /**
   * The world's tick of the newest snapshot.
   */
  uint64_t tick;
  /**
   * The newest tick that the server has on disk: what happened up to it cannot be lost.
   */
  uint64_t durable_tick;
  /**
   * Entity id of the player.
   */
  uint64_t player;
  /**
   * Bytes received.
   */
  uint64_t bytes_in;
  /**
   * Bytes sent.
   */
  uint64_t bytes_out;
  /**
   * Ticks a second.
   */
  double tick_rate_hz;
  /**
   * The fastest that the player may go, metres a second.
   */
  double speed_max_mps;
  /**
   * Radius of the planet, metres; for bm_geodetic_to_ecef.
   */
  double radius_m;
} bm_client_status;

/**
 * A session with a server; `id` 0 is none.
 */
typedef struct bm_client {
  /**
   * Opaque.
   */
  uint64_t id;
} bm_client;

/**
 * Something that the client sees.
 */
typedef struct bm_entity {
  /**
   * Permanent, unique and never 0.
   */
  uint64_t id;
  /**
   * The tick that its place is of.
   */
  uint64_t tick;
  /**
   * Degrees north.
   */
  double lat_deg;
  /**
   * Degrees east, within 180.
   */
  double lon_deg;
  /**
   * Metres above the datum.
   */
  double height_m;
  /**
   * Planet-centred, as in bm_ecef.
   */
  double x_m;
  /**
   * Planet-centred, as in bm_ecef.
   */
  double y_m;
  /**
   * Planet-centred, as in bm_ecef.
   */
  double z_m;
  /**
   * Where it faces: clockwise from north, 0 to 2 pi.
   */
  float heading_rad;
  /**
   * BM_ENTITY_ flags.
   */
  uint32_t flags;
} bm_entity;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Version of the library that is running: major * 1000000 + minor * 1000 + patch.
 *
 * Any thread, constant time.
 */
uint32_t bm_version(void);

/**
 * Status of this thread's last failed call, BM_OK when none failed yet. Successful calls do not reset it.
 */
int32_t bm_last_error_code(void);

/**
 * Name of the function whose call failed last on this thread, "" when none. Valid for ever.
 */
const char *bm_last_error_call(void);

/**
 * One sentence about this thread's last failed call, UTF-8, "" when none.
 *
 * Owned by the library; valid until the next failing call of this thread, or its end. Where another thread may read
 * it, or a binding moves between threads, copy it with `bm_last_error_copy`.
 */
const char *bm_last_error_message(void);

/**
 * Copies the sentence about this thread's last failed call into `buffer`, cut to `capacity` bytes with its
 * terminating zero.
 *
 * Returns the bytes that the whole sentence needs with its zero, so that a caller can ask with capacity 0 first.
 *
 * # Safety
 * `buffer` is null, or writable for `capacity` bytes.
 */
size_t bm_last_error_copy(char *buffer, size_t capacity);

/**
 * Latitude, longitude and height to planet-centred coordinates, on a sphere of `radius_m` (1e4 to 1e8).
 *
 * Any thread, constant time. Fails with BM_ERROR_NULL, and with BM_ERROR_ARGUMENT when a value is not finite or out
 * of its range.
 *
 * # Safety
 * `from` and `to` are null or point to one struct each.
 */
int32_t bm_geodetic_to_ecef(double radius_m, const struct bm_geodetic *from, struct bm_ecef *to);

/**
 * Planet-centred coordinates to latitude, longitude and height, on a sphere of `radius_m` (1e4 to 1e8).
 *
 * There and back differs by at most 4 nm near the Earth's surface. The centre of the planet is answered as latitude
 * and longitude 0. Any thread, constant time. Fails with BM_ERROR_NULL, and with BM_ERROR_ARGUMENT when a value is
 * not finite or out of its range.
 *
 * # Safety
 * `from` and `to` are null or point to one struct each.
 */
int32_t bm_ecef_to_geodetic(double radius_m, const struct bm_ecef *from, struct bm_geodetic *to);

/**
 * Opens a terrain pack. The file is mapped, not read; do not shorten it while it is open.
 *
 * Any thread; costs the pack's index. On failure `terrain` becomes the null handle. Fails with BM_ERROR_FILE when
 * the file cannot be read or is not a sound pack, with BM_ERROR_LIMIT when 256 are open.
 *
 * # Safety
 * `path` is null or a zero-terminated UTF-8 text; `terrain` is null or writable.
 */
int32_t bm_terrain_open(const char *path, struct bm_terrain *terrain);

/**
 * Radius of the pack's planet in metres, for bm_geodetic_to_ecef.
 *
 * Any thread, constant time. Fails with BM_ERROR_HANDLE.
 *
 * # Safety
 * `radius_m` is null or writable.
 */
int32_t bm_terrain_radius(struct bm_terrain terrain, double *radius_m);

/**
 * Height of the ground above the datum in metres, bilinear between the four samples around the place.
 *
 * Any thread, many at once. The first height of a region decodes its tile, up to a millisecond a level; after that it
 * costs under a microsecond. Fails with BM_ERROR_HANDLE, with BM_ERROR_ARGUMENT for a latitude or longitude out of
 * range, with BM_ERROR_NO_TERRAIN where the pack has none, with BM_ERROR_FILE when the tile is damaged.
 *
 * # Safety
 * `height_m` is null or writable.
 */
int32_t bm_terrain_height(struct bm_terrain terrain, double lat_deg, double lon_deg, double *height_m);

/**
 * Closes a pack. Calls that other threads are making on it finish first; the handle is stale from here on.
 *
 * Any thread. Fails with BM_ERROR_HANDLE when it is null or closed already.
 */
int32_t bm_terrain_close(struct bm_terrain terrain);

/**
 * Fills `options` with defaults; pass `sizeof *options`.
 *
 * Fails with BM_ERROR_NULL, and with BM_ERROR_STRUCT_SIZE for a size of no version.
 *
 * # Safety
 * `options` is null or writable for `struct_size` bytes.
 */
int32_t bm_client_options_init(struct bm_client_options *options, size_t struct_size);

/**
 * Makes `status` ready for bm_client_poll; pass `sizeof *status`.
 *
 * Fails with BM_ERROR_NULL, and with BM_ERROR_STRUCT_SIZE for a size of no version.
 *
 * # Safety
 * `status` is null or writable for `struct_size` bytes.
 */
int32_t bm_client_status_init(struct bm_client_status *status, size_t struct_size);

/**
 * Joins a server: returns when the player is in its world, or after `timeout_ms` and 0.3 s at the latest (asking a
 * name service comes on top).
 *
 * A session has a thread of its own that talks to the server until bm_client_close; a failed attempt leaves none. Any
 * thread. On failure `client` becomes the null handle. Fails with BM_ERROR_ARGUMENT for an address or ticket that
 * cannot be understood, with BM_ERROR_CONNECT when nobody answers, the server is not that of the ticket, or it
 * refuses; with BM_ERROR_LIMIT when 1024 clients are open.
 *
 * # Safety
 * `options` is null or a struct of as many bytes as its `struct_size` says, its texts zero-terminated or null;
 * `client` is null or writable.
 */
int32_t bm_client_connect(const struct bm_client_options *options, struct bm_client *client);

/**
 * Asks for a velocity and a heading, from the next tick until asked otherwise. East and north are those of the place
 * where the player is, metres a second; the heading is clockwise from north.
 *
 * Velocities are cut to 127 m/s on each axis and to the server's limit. Any thread, constant time. Fails with
 * BM_ERROR_HANDLE, and with BM_ERROR_ARGUMENT for a value that is not finite.
 */
int32_t bm_client_set_velocity(struct bm_client client, double east_mps, double north_mps, double heading_rad);

/**
 * Takes a look: what bm_client_entities answers is as of the last poll. Poll once a frame; it never waits for the
 * network, and the session lives on without.
 *
 * Any thread; costs about 0.3 us an entity. Fails with BM_ERROR_HANDLE; with BM_ERROR_ENDED once the session is
 * over, from then on always, and `status` is filled all the same.
 *
 * # Safety
 * `status` is null or a struct of as many bytes as its `struct_size` says.
 */
int32_t bm_client_poll(struct bm_client client, struct bm_client_status *status);

/**
 * Copies what was in sight at the last poll, ascending by id: at most `capacity` entities, `stride` bytes apart
 * (pass `sizeof *entities`). `count` becomes the number of all, so a caller can ask with capacity 0 first.
 *
 * Any thread; costs about 0.2 us an entity. Fails with BM_ERROR_HANDLE, with BM_ERROR_STRUCT_SIZE for a stride of no
 * version, with BM_ERROR_NULL when `count` is null, or `entities` while `capacity` is not 0.
 *
 * # Safety
 * `entities` is null or writable for `capacity` times `stride` bytes; `count` is null or writable.
 */
int32_t bm_client_entities(struct bm_client client,
                           struct bm_entity *entities,
                           size_t stride,
                           size_t capacity,
                           size_t *count);

/**
 * Closes a session; the handle is stale from here on. Says farewell to the server and ends the session's thread, which
 * takes at most 0.3 s; where another thread is inside a call on the client, that thread does it when it is done.
 *
 * Any thread. Fails with BM_ERROR_HANDLE when it is null or closed already.
 */
int32_t bm_client_close(struct bm_client client);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* BLUEMARBLE_H */
