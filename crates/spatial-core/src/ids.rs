//! Permanent entity ids.

use core::fmt;

use bytemuck::{Pod, Zeroable};

/// The permanent name of an entity, never reused.
///
/// It keys messages, saves, orderings and journal records. Zero names nobody. Ids come from blocks that are
/// leased to a world, so two worlds never hand out the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct EntityId(pub u64);

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}
