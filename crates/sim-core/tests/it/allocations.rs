//! A steady tick allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sim_core::Record;
use spatial_core::EntityId;

use crate::scene::{PLACES_DEG, all_ground, at, empty_world, walker, wish};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; the counter is a plain cell of the thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// So many times this thread has asked for memory.
pub(crate) fn allocations() -> u64 {
    COUNT.get()
}

#[test]
fn a_steady_tick_allocates_nothing() {
    // All work on this thread, whose allocations are counted.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread();
    let pool = pool.build().expect("a pool of this thread");
    let mut world = empty_world();
    let mut records = all_ground(&mut world);
    for n in 1..=2_000u64 {
        let (lat, lon) = PLACES_DEG[n as usize % PLACES_DEG.len()];
        let mut position = at(lat, lon);
        position.x += (n as i32 % 40) * 60_000;
        position.y += (n as i32 / 40) * 20_000;
        let (entity, agent) = (EntityId(n), walker(position));
        records.push(Record::Spawn { entity, agent });
        records.push(wish(entity, 1.0, 0.5));
    }
    let mut step = |tick, records: &[Record]| pool.install(|| world.step(tick, records).map(drop));
    step(0, &records).expect("a step");
    for tick in 1..30 {
        step(tick, &[]).expect("a step");
    }
    let inputs = [wish(EntityId(3), 0.0, 1.0), wish(EntityId(4), -1.0, 1.0)];
    let before = COUNT.get();
    for tick in 30..60 {
        step(tick, &inputs).expect("a step");
    }
    assert_eq!(COUNT.get() - before, 0);
}
