//! A world's state in memory: to go back to.

use std::sync::Arc;

use spatial_core::{EntityId, HeightTile, Pose, TableSnapshot};

use crate::event::Mail;
use crate::kinds::Kinds;
use crate::leases::Leases;
use crate::ledger::Ledger;
use crate::statics::Statics;
use crate::world::World;

/// What a world was before a tick. Its memory is kept when another is taken into it.
#[derive(Clone, Default)]
pub struct Snapshot {
    tick: u64,
    start_hash: u64,
    table: TableSnapshot,
    kinds: Kinds,
    carriers: Vec<(EntityId, Pose)>,
    leases: Leases,
    ledger: Arc<Ledger>,
    statics: Option<Statics>, // none in a snapshot that nothing was taken into
    mail: Mail,
    resident: Vec<Arc<HeightTile>>,
}

/// The snapshot is of a world with another start or other columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the snapshot is of another world")]
pub struct OtherWorld;

impl Snapshot {
    /// The tick that the world would have executed next.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// Bytes that it holds of agents: ids and columns.
    pub fn byte_count(&self) -> usize {
        self.table.byte_count()
    }
}

impl World {
    /// Takes in the whole state. In the steady state of a caller who keeps the snapshot it allocates nothing.
    pub fn snapshot(&self, into: &mut Snapshot) {
        into.tick = self.tick();
        into.start_hash = self.start_hash();
        self.table.snapshot(&mut into.table);
        into.kinds.clone_from(&self.kinds);
        into.leases.clone_from(&self.leases);
        into.ledger = Arc::clone(&self.ledger);
        into.statics = Some(self.statics.clone());
        into.mail.clone_from(&self.mail);
        let carriers = self.frames.carriers().carriers().iter();
        into.carriers.clear();
        into.carriers
            .extend(carriers.map(|c| (c.entity(), c.pose())));
        self.ground.snapshot(&mut into.resident);
    }

    /// Goes back (or forth) to a snapshot: the world's future is the same, bit for bit, as it was then.
    ///
    /// # Errors
    /// [`OtherWorld`] when it is of a world with another start, or has columns that this one has not; this one is unchanged.
    pub fn restore(&mut self, from: &Snapshot) -> Result<(), OtherWorld> {
        let statics = from.statics.as_ref().ok_or(OtherWorld)?;
        if from.start_hash != self.start_hash() || !self.table.fits(&from.table) {
            return Err(OtherWorld);
        }
        self.statics.clone_from(statics);
        let are_same = self.table.restore(&from.table);
        self.kinds.clone_from(&from.kinds);
        self.leases.clone_from(&from.leases);
        self.ledger = Arc::clone(&from.ledger);
        self.mail.clone_from(&from.mail);
        self.frames.set_carriers(&from.carriers);
        self.ground.restore(&from.resident);
        self.go_to(from.tick, are_same);
        Ok(())
    }
}
