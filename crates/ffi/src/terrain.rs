//! Terrain packs: the ground that a game ships.

use core::ffi::c_char;
use std::sync::Arc;

use spatial_core::{Geodetic, PackStore, StoreError, Terrain};

use crate::argument::{Out, text};
use crate::guard::{Fault, guard};
use crate::handle::Slots;
use crate::status::{BM_ERROR_FILE, BM_ERROR_NO_TERRAIN};

static TERRAINS: Slots<Terrain, 256> = Slots::new(1, "terrain");

/// An open terrain pack; `id` 0 is none.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct bm_terrain {
    /// Opaque.
    pub id: u64,
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Missing { .. } => BM_ERROR_NO_TERRAIN,
            _ => BM_ERROR_FILE,
        };
        Self::new(code, error)
    }
}

/// Opens a terrain pack. The file is mapped, not read; do not shorten it while it is open.
///
/// Any thread; costs the pack's index. On failure `terrain` becomes the null handle. Fails with BM_ERROR_FILE when
/// the file cannot be read or is not a sound pack, with BM_ERROR_LIMIT when 256 are open.
///
/// # Safety
/// `path` is null or a zero-terminated UTF-8 text; `terrain` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_terrain_open(path: *const c_char, terrain: *mut bm_terrain) -> i32 {
    guard(c"bm_terrain_open", || {
        // SAFETY: as promised by the caller.
        let terrain = unsafe { Out::new("terrain", terrain) }?;
        terrain.set(bm_terrain { id: 0 });
        // SAFETY: as promised by the caller.
        let store = PackStore::open(unsafe { text("path", path) }?)?;
        let id = TERRAINS.insert(Terrain::new(Arc::new(store)))?;
        terrain.set(bm_terrain { id });
        Ok(())
    })
}

/// Radius of the pack's planet in metres, for bm_geodetic_to_ecef.
///
/// Any thread, constant time. Fails with BM_ERROR_HANDLE.
///
/// # Safety
/// `radius_m` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_terrain_radius(terrain: bm_terrain, radius_m: *mut f64) -> i32 {
    guard(c"bm_terrain_radius", || {
        // SAFETY: as promised by the caller.
        let radius_m = unsafe { Out::new("radius_m", radius_m) }?;
        radius_m.set(TERRAINS.get(terrain.id)?.planet().radius_m());
        Ok(())
    })
}

/// Height of the ground above the datum in metres, bilinear between the four samples around the place.
///
/// Any thread, many at once. The first height of a region decodes its tile, up to a millisecond a level; after that it
/// costs under a microsecond. Fails with BM_ERROR_HANDLE, with BM_ERROR_ARGUMENT for a latitude or longitude out of
/// range, with BM_ERROR_NO_TERRAIN where the pack has none, with BM_ERROR_FILE when the tile is damaged.
///
/// # Safety
/// `height_m` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_terrain_height(
    terrain: bm_terrain,
    lat_deg: f64,
    lon_deg: f64,
    height_m: *mut f64,
) -> i32 {
    guard(c"bm_terrain_height", || {
        // SAFETY: as promised by the caller.
        let height_m = unsafe { Out::new("height_m", height_m) }?;
        let at = Geodetic::from_degrees(lat_deg, lon_deg, 0.0)?;
        height_m.set(TERRAINS.get(terrain.id)?.height(at)?);
        Ok(())
    })
}

/// Closes a pack. Calls that other threads are making on it finish first; the handle is stale from here on.
///
/// Any thread. Fails with BM_ERROR_HANDLE when it is null or closed already.
#[unsafe(no_mangle)]
pub extern "C" fn bm_terrain_close(terrain: bm_terrain) -> i32 {
    guard(c"bm_terrain_close", || {
        TERRAINS.remove(terrain.id).map(drop)
    })
}
