//! The obstacles of a world as state: shared with snapshots, hashed as they come and go.

use std::sync::Arc;

use spatial_core::{EntityId, Planet};
use xxhash_rust::xxh3::xxh3_64;

use crate::obstacles::Obstacles;
use crate::record::{EntryError, Reader};
use crate::shape::Obstacle;

/// All static obstacles. Cloning one costs nothing; changing it costs a copy while somebody else has it.
#[derive(Clone)]
pub(crate) struct Statics {
    all: Arc<Obstacles>,
    hash: u64, // the sum over all of them: of no order
}

impl Statics {
    pub(crate) fn new(planet: Planet) -> Self {
        Self {
            all: Arc::new(Obstacles::new(planet)),
            hash: 0,
        }
    }

    pub(crate) fn get(&self) -> &Obstacles {
        &self.all
    }

    /// The hash of all of them.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// Builds one. False when its name is taken or it cannot be there.
    pub(crate) fn build(&mut self, id: EntityId, obstacle: &Obstacle) -> bool {
        let is_built = Arc::make_mut(&mut self.all)
            .insert(id, obstacle.clone())
            .is_ok();
        if is_built {
            self.hash = self.hash.wrapping_add(hash_of(id, obstacle));
        }
        is_built
    }

    /// Takes one away. False when it is not there.
    pub(crate) fn raze(&mut self, id: EntityId) -> bool {
        let razed = Arc::make_mut(&mut self.all).remove(id);
        if let Some(obstacle) = &razed {
            self.hash = self.hash.wrapping_sub(hash_of(id, obstacle));
        }
        razed.is_some()
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend((self.all.iter().len() as u32).to_le_bytes());
        for (id, obstacle) in self.all.iter() {
            out.extend(id.0.to_le_bytes());
            obstacle.encode(out);
        }
    }

    /// Reads what [`Statics::encode`] wrote; `None` inside when one of them cannot be there.
    pub(crate) fn decode(planet: Planet, r: &mut Reader<'_>) -> Result<Option<Self>, EntryError> {
        let mut statics = Self::new(planet);
        for _ in 0..r.u32()? {
            let (id, obstacle) = (EntityId(r.u64()?), r.obstacle()?);
            if !statics.build(id, &obstacle) {
                return Ok(None);
            }
        }
        Ok(Some(statics))
    }
}

fn hash_of(id: EntityId, obstacle: &Obstacle) -> u64 {
    let mut bytes = id.0.to_le_bytes().to_vec();
    obstacle.encode(&mut bytes);
    xxh3_64(&bytes)
}
