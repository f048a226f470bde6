//! Rooms of workers: what they need while they work, kept from tick to tick.
//!
//! Which worker does what is chance, and so is who meets the largest piece of work. So rooms do not belong to threads: they are
//! handed out, and before a tick each is made as large as the largest. A room then grows only with work larger than there ever was.

use std::sync::{Mutex, PoisonError};

/// A worker's room.
pub(crate) trait Room: Default + Send {
    /// Makes room for all that another one has room for.
    fn grow_to(&mut self, other: &Self);
}

/// The rooms of a world.
#[derive(Default)]
pub(crate) struct Rooms<R>(Mutex<Vec<R>>);

impl<R: Room> Rooms<R> {
    /// As many as the current pool has threads, all as large as the largest.
    pub(crate) fn prepare(&mut self) {
        let rooms = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        while rooms.len() < rayon::current_num_threads() {
            rooms.push(R::default());
        }
        equalise(rooms);
    }

    /// Works in a room. Within it, who works in another gets another one.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut R) -> T) -> T {
        let mut room = self.take();
        let result = work(&mut room);
        self.rooms().push(room);
        result
    }

    /// The room that was given back last: its memory is near.
    fn take(&self) -> R {
        self.rooms().pop().unwrap_or_default()
    }

    fn rooms(&self) -> std::sync::MutexGuard<'_, Vec<R>> {
        // Whoever panicked had no room in hand: it is lost, and the others are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes all as large as the largest.
pub(crate) fn equalise<R: Room>(rooms: &mut [R]) {
    if let Some((first, others)) = rooms.split_first_mut() {
        others.iter().for_each(|room| first.grow_to(room));
        others.iter_mut().for_each(|room| room.grow_to(first));
    }
}

/// Makes room in a list for as many as another has room for.
pub(crate) fn grow<T>(list: &mut Vec<T>, other: &Vec<T>) {
    if list.capacity() < other.capacity() {
        list.reserve_exact(other.capacity() - list.len());
    }
}

/// Brings a list to a length. Where there is too little room it gets more than it needs: lengths go up and down from tick to tick,
/// and one that just fits would grow again at the next chance.
pub(crate) fn resize<T: Clone>(list: &mut Vec<T>, count: usize, value: T) {
    make_room(list, count);
    list.resize(count, value);
}

/// Makes room for so many, as [`resize`] does.
pub(crate) fn make_room<T>(list: &mut Vec<T>, count: usize) {
    if list.capacity() < count {
        list.reserve_exact(count + count / 4 + 64 - list.len());
    }
}
