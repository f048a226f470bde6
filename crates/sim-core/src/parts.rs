//! Slices that workers write disjoint parts of.

use core::marker::PhantomData;
use core::ops::Range;

/// A slice whose parts belong to different workers for a while.
pub(crate) struct Parts<'a, T> {
    start: *mut T,
    len: usize,
    _slice: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a `&mut [T]` that is handed out in parts, which may go to other threads where T may.
unsafe impl<T: Send> Send for Parts<'_, T> {}
// SAFETY: as above; what it hands out is disjoint by the contracts of its functions.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            _slice: PhantomData,
        }
    }

    /// Some elements in a row.
    ///
    /// # Safety
    /// Nobody else has any of these elements while the slice lives.
    ///
    /// # Panics
    /// When they are not all there.
    pub(crate) unsafe fn slice(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: within the slice, as asserted; alone, as the caller promises.
        unsafe { core::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    /// One element's value.
    ///
    /// # Safety
    /// Nobody writes this element meanwhile.
    ///
    /// # Panics
    /// When there is none.
    #[inline(always)]
    pub(crate) unsafe fn get(&self, index: usize) -> T
    where
        T: Copy,
    {
        assert!(index < self.len);
        // SAFETY: within the slice, as asserted; not written, as the caller promises.
        unsafe { self.start.add(index).read() }
    }

    /// One element.
    ///
    /// # Safety
    /// Nobody else has this element while the reference lives.
    ///
    /// # Panics
    /// When there is none.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, index: usize) -> &'a mut T {
        assert!(index < self.len);
        // SAFETY: within the slice, as asserted; alone, as the caller promises.
        unsafe { &mut *self.start.add(index) }
    }
}
