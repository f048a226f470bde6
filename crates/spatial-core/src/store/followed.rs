//! A planet whose base may be replaced while it is read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::rocks::{RocksStore, base_dir};
use super::{StoreError, TileStore};

/// A planet's folder that is followed: whoever asks gets the base in use, and keeps it for as long as wanted.
///
/// Nothing is watched by itself: [`FollowedPlanet::refresh`] looks, as often as its caller likes. A base that somebody
/// still holds stays readable when its files are removed.
#[derive(Debug)]
pub struct FollowedPlanet {
    planet: PathBuf,
    now: RwLock<Base>,
    looks: Mutex<()>, // one at a time: of two the older base could come last
}

#[derive(Clone, Debug)]
struct Base {
    dir: PathBuf,
    store: Arc<RocksStore>,
}

impl FollowedPlanet {
    /// Opens the base in use.
    ///
    /// # Errors
    /// As [`RocksStore::open`].
    pub fn open(planet: impl AsRef<Path>) -> Result<Self, StoreError> {
        let planet = planet.as_ref().to_owned();
        let now = RwLock::new(open_current(&planet)?);
        Ok(Self {
            planet,
            now,
            looks: Mutex::new(()),
        })
    }

    /// The base that was in use at the last look.
    pub fn current(&self) -> Arc<RocksStore> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&now.store)
    }

    /// Looks whether another base is in use now, opens it, and lets it take the old one's place. Whether it did.
    ///
    /// Costs one small file when nothing has changed. Readers wait for the exchange of a pointer, not for the opening.
    ///
    /// # Errors
    /// As [`RocksStore::open`], also when the new base has another radius, quantum, or number of samples a tile; the old one stays.
    pub fn refresh(&self) -> Result<bool, StoreError> {
        let _alone = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        // The guard ends with the statement: the exchange below needs the lock.
        let held = Base::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner));
        if base_dir(&self.planet)? == held.dir {
            return Ok(false);
        }
        let new = open_current(&self.planet)?;
        let is_same = |of: fn(&RocksStore) -> [f64; 4]| of(&new.store) == of(&held.store);
        if !is_same(|s| {
            let (manifest, lattice) = (s.manifest(), s.manifest().lattice());
            [
                manifest.planet().radius_m(),
                lattice.offset_m(),
                lattice.quantum_m(),
                f64::from(lattice.intervals()),
            ]
        }) {
            let reason =
                "another planet's radius, heights or tiles than those of the base before it";
            return Err(StoreError::damaged(&new.dir, reason));
        }
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(true)
    }
}

/// Opens the base that is named now. One that a writer replaced and removed meanwhile is not asked for twice.
fn open_current(planet: &Path) -> Result<Base, StoreError> {
    let mut dir = base_dir(planet)?;
    loop {
        match RocksStore::open_base(&dir) {
            Ok(store) => {
                let store = Arc::new(store);
                return Ok(Base { dir, store });
            }
            Err(error) => {
                let now = base_dir(planet)?;
                if now == dir {
                    return Err(error);
                }
                dir = now;
            }
        }
    }
}
