//! What is kept from tick to tick: the memory that is asked for, counted on all threads of a pool.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static COUNTER: Cell<Option<&'static Counter>> = const { Cell::new(None) };
}

/// So many places are told.
const PLACES: u64 = 8;

/// Counts what the threads ask for that were told to.
#[derive(Default)]
pub(crate) struct Counter {
    count: AtomicU64,
    is_counting: AtomicBool,
    places: Mutex<Vec<String>>, // where that was, of the first ones
}

// SAFETY: every call goes to the system's allocator unchanged; the counters are plain numbers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        if let Some(counter) = COUNTER.get() {
            counter.note();
        }
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

impl Counter {
    /// One that lives as long as the program, as pools' threads may.
    pub(crate) fn new() -> &'static Self {
        Box::leak(Box::default())
    }

    /// Counts what this thread asks for, while it counts.
    pub(crate) fn hear_this_thread(&'static self) {
        COUNTER.set(Some(self));
    }

    /// Begins to count, or ends.
    pub(crate) fn count(&self, is_counting: bool) {
        self.is_counting.store(is_counting, Ordering::SeqCst);
    }

    /// Begins anew.
    pub(crate) fn forget(&self) {
        self.count.store(0, Ordering::SeqCst);
        self.places.lock().expect("nobody panics with it").clear();
    }

    /// How often memory was asked for, and where that was at first.
    pub(crate) fn told(&self) -> (u64, String) {
        let places = self.places.lock().expect("nobody panics with it");
        (self.count.load(Ordering::SeqCst), places.join("\n\n"))
    }

    #[inline]
    fn note(&'static self) {
        if self.is_counting.load(Ordering::Relaxed)
            && self.count.fetch_add(1, Ordering::Relaxed) < PLACES
        {
            self.note_place();
        }
    }

    #[cold]
    fn note_place(&'static self) {
        COUNTER.set(None); // telling of it allocates
        let trace = Backtrace::force_capture().to_string();
        // Of our own functions alone, each a line: its file follows in the next one.
        let lines: Vec<_> = trace.lines().collect();
        let ours = lines.windows(2).filter(|w| w[1].contains(" at ./"));
        let place: Vec<_> = ours.map(|w| w.concat()).collect();
        let mut places = self.places.lock().expect("nobody panics with it");
        places.push(place.join("\n"));
        drop(places);
        COUNTER.set(Some(self));
    }
}
