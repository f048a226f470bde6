//! Counts a thread's allocations.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static LIVE_BYTES: Cell<isize> = const { Cell::new(0) };
    static PEAK_BYTES: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it is; counting touches a thread-local integer that
// has no destructor and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        grow(layout.size() as isize);
        // SAFETY: the caller's promises are those that the system's allocator wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        grow(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        grow(size as isize - layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn grow(bytes: isize) {
    let live = LIVE_BYTES.get() + bytes;
    LIVE_BYTES.set(live);
    PEAK_BYTES.set(PEAK_BYTES.get().max(live));
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often the closure allocates on this thread, and its answer.
pub(crate) fn count<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = COUNT.get();
    let answer = work();
    (COUNT.get() - before, answer)
}

/// How many bytes more than before the closure holds at once on this thread, and its answer.
pub(crate) fn peak<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = LIVE_BYTES.get();
    PEAK_BYTES.set(before);
    let answer = work();
    ((PEAK_BYTES.get() - before).unsigned_abs(), answer)
}

#[test]
fn allocations_are_counted() {
    let (count, kept) = count(|| vec![1u8; 100]);
    assert_eq!((count, kept.len()), (1, 100));
}

#[test]
fn the_most_that_is_held_at_once_counts() {
    let (bytes, _) = peak(|| {
        drop(vec![1u8; 100]);
        drop(vec![1u8; 300]);
        vec![1u8; 200]
    });
    assert_eq!(bytes, 300);
}
