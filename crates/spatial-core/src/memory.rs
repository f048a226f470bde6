//! Large vectors on huge pages.
//!
//! What a million entities need spans thousands of ordinary pages, more than the processor remembers, so whoever reads here and
//! there waits for the page table as well as for the memory. On pages of 2 MiB it is a handful. Linux gives them, by its
//! default, to those who ask; what is written before is moved there later, if at all, so it is asked as soon as there is room.

/// Smaller vectors stay on ordinary pages: few enough to be remembered, and a huge page is cleared as a whole. Vectors of less than a
/// huge page share some when they lie side by side, as those do that are reserved one after the other.
const HUGE_MIN_BYTES: usize = 1 << 20;

/// Makes room for more, on huge pages when it comes to more than [`HUGE_MIN_BYTES`]: as [`Vec::reserve_exact`] the first time,
/// for an eighth more than is needed when it grows again. (`Vec` would double what a million need for one more.)
pub(crate) fn reserve<T>(vec: &mut Vec<T>, additional: usize) {
    let is_growth = vec.capacity() > 0;
    let spare = usize::from(is_growth) * ((vec.len() + additional) / 8);
    if additional > vec.capacity() - vec.len() {
        reserve_exact(vec, additional + spare);
    }
}

/// As [`Vec::reserve_exact`], on huge pages when it comes to more than [`HUGE_MIN_BYTES`].
pub(crate) fn reserve_exact<T>(vec: &mut Vec<T>, additional: usize) {
    if additional > vec.capacity() - vec.len() {
        vec.reserve_exact(additional);
        ask_for_huge_pages(vec);
    }
}

/// Asks for them; it is no error when there are none.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages<T>(vec: &mut Vec<T>) {
    use rustix::mm::{Advice, madvise};

    let bytes = vec.capacity() * size_of::<T>();
    if bytes < HUGE_MIN_BYTES {
        return;
    }
    let start: *mut u8 = vec.as_mut_ptr().cast();
    // From the start of its page: large allocations begin a little behind the start of a huge one.
    let before = start.addr() % rustix::param::page_size();
    let page = start.wrapping_sub(before);
    // SAFETY: this advice changes nothing that a program can read, in these pages or in what shares the first and the last one.
    let _ = unsafe { madvise(page.cast(), bytes + before, Advice::LinuxHugepage) };
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages<T>(_: &mut Vec<T>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_grow_as_vecs_do() {
        let mut small = vec![1u8, 2];
        reserve(&mut small, 1);
        assert!(small.capacity() >= 3 && small == [1, 2]);
        let mut exact: Vec<u64> = Vec::new();
        reserve_exact(&mut exact, 5);
        assert_eq!((exact.len(), exact.capacity()), (0, 5));
        let mut large = vec![7u32; 3];
        reserve(&mut large, HUGE_MIN_BYTES);
        assert!(large.capacity() >= 3 + HUGE_MIN_BYTES && large == [7; 3]);
    }

    #[test]
    fn one_more_than_a_million_does_not_take_two() {
        let mut lane: Vec<u8> = Vec::new();
        reserve(&mut lane, 1_000_000);
        assert_eq!(lane.capacity(), 1_000_000);
        lane.resize(1_000_000, 1);
        reserve(&mut lane, 1);
        assert!((1_000_001..=1_125_002).contains(&lane.capacity()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn large_vectors_are_told_to_the_system() {
        if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            return; // a system without
        }
        let mut large: Vec<u8> = Vec::new();
        reserve_exact(&mut large, 8 * HUGE_MIN_BYTES);
        large.resize(large.capacity(), 1);
        assert!(is_advised(&large));
    }

    /// Whether the mapping that holds a slice's middle has the kernel's flag `hg`.
    #[cfg(target_os = "linux")]
    fn is_advised(slice: &[u8]) -> bool {
        let middle = slice[slice.len() / 2..].as_ptr().addr();
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("every process has one");
        let mut is_here = false;
        for line in maps.lines() {
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            if let Some((from, to)) = first.split_once('-') {
                let bound = |hex| usize::from_str_radix(hex, 16);
                if let (Ok(from), Ok(to)) = (bound(from), bound(to)) {
                    is_here = (from..to).contains(&middle);
                }
            } else if is_here && first == "VmFlags:" {
                return rest.split(' ').any(|flag| flag == "hg");
            }
        }
        panic!("no mapping holds the slice");
    }
}
