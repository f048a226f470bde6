//! Slots: where the objects behind handles live.
//!
//! ```text
//!  63      56 55                            24 23                0
//! ┌──────────┬────────────────────────────────┬──────────────────┐
//! │   kind   │          generation ≥ 1        │       slot       │   0 = the null handle
//! └──────────┴────────────────────────────────┴──────────────────┘
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::guard::Fault;
use crate::status::{BM_ERROR_HANDLE, BM_ERROR_LIMIT};

/// At most `N` shared objects of one kind. It is a static that owns no memory: a program that closed its handles
/// leaves nothing behind.
pub(crate) struct Slots<T, const N: usize> {
    kind: u8, // ≥ 1: a handle of another kind is refused even by bindings that lost its type
    name: &'static str,
    slots: [Mutex<Slot<T>>; N],
}

struct Slot<T> {
    generation: u32, // of the object in it, or of the last one; a slot that used them all is never filled again
    object: Option<Arc<T>>,
}

impl<T, const N: usize> Slots<T, N> {
    pub(crate) const fn new(kind: u8, name: &'static str) -> Self {
        assert!(kind > 0 && N <= 1 << 24);
        let slots = [const {
            Mutex::new(Slot {
                generation: 0,
                object: None,
            })
        }; N];
        Self { kind, name, slots }
    }

    /// Keeps an object and names it. Cost: linear in the open objects.
    pub(crate) fn insert(&self, object: T) -> Result<u64, Fault> {
        for (index, slot) in self.slots.iter().enumerate() {
            let mut slot = lock(slot);
            if slot.object.is_none() && slot.generation < u32::MAX {
                slot.generation += 1;
                slot.object = Some(Arc::new(object));
                return Ok(self.id(index, slot.generation));
            }
        }
        let message = format!("{N} {}s are open: close one first", self.name);
        Err(Fault::new(BM_ERROR_LIMIT, message))
    }

    /// The object, shared: it outlives a `remove` by another thread until this call is over.
    pub(crate) fn get(&self, id: u64) -> Result<Arc<T>, Fault> {
        self.find(id)
            .and_then(|slot| slot.object.clone())
            .ok_or_else(|| self.stale(id))
    }

    /// Takes the object away; from here on the id is stale.
    pub(crate) fn remove(&self, id: u64) -> Result<Arc<T>, Fault> {
        self.find(id)
            .and_then(|mut slot| slot.object.take())
            .ok_or_else(|| self.stale(id))
    }

    fn find(&self, id: u64) -> Option<MutexGuard<'_, Slot<T>>> {
        let index = (id & 0xFF_FFFF) as usize;
        let slot = lock(self.slots.get(index)?);
        (id == self.id(index, slot.generation)).then_some(slot)
    }

    fn id(&self, index: usize, generation: u32) -> u64 {
        u64::from(self.kind) << 56 | u64::from(generation) << 24 | index as u64
    }

    fn stale(&self, id: u64) -> Fault {
        let what = match id {
            0 => "null",
            _ => "closed already, or no handle of this kind",
        };
        Fault::new(BM_ERROR_HANDLE, format!("the {} is {what}", self.name))
    }
}

/// Nothing can panic while a slot is locked, so poison says nothing here.
fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    static ROOMS: Slots<u32, 3> = Slots::new(7, "room");

    #[test]
    fn a_stale_handle_never_names_another_object() {
        let ids = [1, 2, 3].map(|n| ROOMS.insert(n).unwrap());
        assert_eq!(ROOMS.insert(4).unwrap_err().code, BM_ERROR_LIMIT);
        assert_eq!(*ROOMS.remove(ids[1]).unwrap(), 2);
        let again = ROOMS.insert(5).unwrap();
        assert_ne!(again, ids[1]);
        assert_eq!(*ROOMS.get(again).unwrap(), 5);
        for bad in [0, ids[1], again ^ 1 << 56, again + 1, again | 9, u64::MAX] {
            assert_eq!(ROOMS.get(bad).unwrap_err().code, BM_ERROR_HANDLE, "{bad:x}");
            assert_eq!(ROOMS.remove(bad).unwrap_err().code, BM_ERROR_HANDLE);
        }
        assert_eq!(*ROOMS.get(again).unwrap(), 5);
    }

    #[test]
    fn a_worn_out_slot_is_retired() {
        let slots: Slots<u32, 2> = Slots::new(1, "room");
        lock(&slots.slots[0]).generation = u32::MAX - 1;
        let last = slots.insert(1).unwrap();
        slots.remove(last).unwrap();
        let next = slots.insert(2).unwrap();
        assert_eq!(next & 0xFF_FFFF, 1);
        assert!(slots.get(last).is_err());
    }
}
