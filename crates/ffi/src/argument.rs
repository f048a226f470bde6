//! Reading what a C caller hands over, and writing what it gets back.

use core::ffi::c_char;

use crate::guard::Fault;
use crate::status::{BM_ERROR_ARGUMENT, BM_ERROR_NULL, BM_ERROR_STRUCT_SIZE};

/// Texts are read no further than this: a missing zero must not run through all memory.
const TEXT_BYTES_MAX: usize = 4_096;

/// No version of a struct will be larger; a larger size is garbage.
const STRUCT_BYTES_MAX: usize = 4_096;

/// A struct that only ever grows at its end.
///
/// # Safety
/// `repr(C)` without padding.
pub(crate) unsafe trait Growing: Copy {
    /// Name in the header.
    const NAME: &'static str;
    /// Size of its first version.
    const BYTES_MIN: usize;
}

/// A growing struct that begins with its size.
///
/// # Safety
/// Its first field is `struct_size: u32`, and all zeros is a value of it.
pub(crate) unsafe trait Versioned: Growing {}

fn null(name: &str) -> Fault {
    Fault::new(BM_ERROR_NULL, format!("{name} is null"))
}

/// Reads a struct that never grows.
///
/// # Safety
/// `from` is null or points to a `T`.
pub(crate) unsafe fn read<T: Copy>(name: &str, from: *const T) -> Result<T, Fault> {
    if from.is_null() {
        return Err(null(name));
    }
    // SAFETY: not null, so it points to a T.
    Ok(unsafe { from.read_unaligned() })
}

/// A place for one result, known not to be null before the work is done.
pub(crate) struct Out<T>(*mut T);

impl<T: Copy> Out<T> {
    /// # Safety
    /// `to` is null or writable for one `T`, for as long as this lives.
    pub(crate) unsafe fn new(name: &str, to: *mut T) -> Result<Self, Fault> {
        if to.is_null() {
            return Err(null(name));
        }
        Ok(Self(to))
    }

    pub(crate) fn set(&self, value: T) {
        // SAFETY: `new` was promised a place for one T.
        unsafe { self.0.write_unaligned(value) }
    }
}

/// A caller's array of structs of any version: the next begins `stride` bytes after the one before.
pub(crate) struct Rows<T> {
    next: *mut T,
    stride: usize,
    left: usize,
}

impl<T: Growing> Rows<T> {
    /// # Safety
    /// `to` is null or writable for `capacity` times `stride` bytes, for as long as this lives.
    pub(crate) unsafe fn new(
        name: &str,
        to: *mut T,
        stride: usize,
        capacity: usize,
    ) -> Result<Self, Fault> {
        if to.is_null() && capacity > 0 {
            return Err(null(name));
        }
        Ok(Self {
            next: to,
            stride: check_size::<T>(stride)?,
            left: capacity,
        })
    }

    /// Writes what the caller's version has of a value; what only it has becomes zero.
    pub(crate) fn push(&mut self, value: T) {
        assert!(self.left > 0, "the caller's array is full");
        self.left -= 1;
        let known = self.stride.min(size_of::<T>());
        // SAFETY: one of the places of `stride` bytes that `new` was promised; a T has no padding.
        unsafe {
            let (to, from) = (self.next.cast::<u8>(), (&raw const value).cast::<u8>());
            to.copy_from_nonoverlapping(from, known);
            to.add(known).write_bytes(0, self.stride - known);
            self.next = self.next.byte_add(self.stride);
        }
    }
}

/// Reads a UTF-8 text of at most 4,096 bytes.
///
/// # Safety
/// `from` is null or points to a text that ends with a zero and outlives `'a`.
pub(crate) unsafe fn text<'a>(name: &str, from: *const c_char) -> Result<&'a str, Fault> {
    if from.is_null() {
        return Err(null(name));
    }
    let from: *const u8 = from.cast();
    // SAFETY: bytes up to the zero are readable, and none after it is touched.
    let length = (0..TEXT_BYTES_MAX).find(|&i| unsafe { *from.add(i) } == 0);
    let Some(length) = length else {
        let message = format!("{name} is longer than {} bytes", TEXT_BYTES_MAX - 1);
        return Err(Fault::new(BM_ERROR_ARGUMENT, message));
    };
    // SAFETY: these bytes were just read.
    let bytes = unsafe { core::slice::from_raw_parts(from, length) };
    core::str::from_utf8(bytes)
        .map_err(|_| Fault::new(BM_ERROR_ARGUMENT, format!("{name} is not UTF-8")))
}

/// Fills a caller's struct of `struct_size` bytes with a start value.
///
/// # Safety
/// `to` is null or writable for `struct_size` bytes.
pub(crate) unsafe fn init<T: Versioned>(
    to: *mut T,
    struct_size: usize,
    start: T,
) -> Result<(), Fault> {
    if to.is_null() {
        return Err(null(T::NAME));
    }
    let Ok(size) = u32::try_from(check_size::<T>(struct_size)?) else {
        unreachable!("checked to be small");
    };
    // SAFETY: `struct_size` bytes are writable; every version begins with the u32.
    unsafe {
        to.cast::<u32>().write_unaligned(size);
        write(to, start)
    }
}

/// Reads a caller's struct of any version: fields it does not have are zero, fields we do not have must be.
///
/// # Safety
/// `from` is null or points to a struct of as many readable bytes as its `struct_size` says.
pub(crate) unsafe fn read_versioned<T: Versioned>(from: *const T) -> Result<T, Fault> {
    // SAFETY: the size is the first field of every version.
    let size = unsafe { size_of_caller(from) }?;
    let known = size.min(size_of::<T>());
    // SAFETY: all zeros is a T, and `known` bytes fit into both.
    let value = unsafe {
        let mut value: T = core::mem::zeroed();
        let target = (&raw mut value).cast::<u8>();
        target.copy_from_nonoverlapping(from.cast(), known);
        value
    };
    // SAFETY: `size` bytes are readable.
    if (known..size).any(|i| unsafe { *from.cast::<u8>().add(i) } != 0) {
        let message = format!("{} uses a field that this version lacks", T::NAME);
        return Err(Fault::new(BM_ERROR_STRUCT_SIZE, message));
    }
    Ok(value)
}

/// Writes into a caller's struct of any version, all but its size; fields we do not have become zero.
///
/// # Safety
/// `to` is null or points to a struct of as many writable bytes as its `struct_size` says.
pub(crate) unsafe fn write<T: Versioned>(to: *mut T, value: T) -> Result<(), Fault> {
    // SAFETY: the size is the first field of every version.
    let size = unsafe { size_of_caller(to) }?;
    let known = size.min(size_of::<T>());
    let head = size_of::<u32>();
    // SAFETY: a T has no padding, so all its bytes are initialised; `size` bytes are writable.
    unsafe {
        let (to, from) = (to.cast::<u8>(), (&raw const value).cast::<u8>());
        to.add(head)
            .copy_from_nonoverlapping(from.add(head), known - head);
        to.add(known).write_bytes(0, size - known);
    }
    Ok(())
}

/// # Safety
/// `of` is null or begins with a readable u32.
unsafe fn size_of_caller<T: Versioned>(of: *const T) -> Result<usize, Fault> {
    // SAFETY: as promised.
    let size = unsafe { read(T::NAME, of.cast::<u32>()) }?;
    check_size::<T>(size as usize)
}

fn check_size<T: Growing>(size: usize) -> Result<usize, Fault> {
    if (T::BYTES_MIN..=STRUCT_BYTES_MAX).contains(&size) {
        return Ok(size);
    }
    let message = format!(
        "{size} bytes are no size of {}: pass its sizeof, and call its _init first if it has one",
        T::NAME
    );
    Err(Fault::new(BM_ERROR_STRUCT_SIZE, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an old program knows, and what this library knows.
    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Old {
        struct_size: u32,
        a: u32,
    }

    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(C)]
    struct New {
        struct_size: u32,
        a: u32,
        b: u32,
    }

    // SAFETY: repr(C), three u32.
    unsafe impl Growing for New {
        const NAME: &'static str = "bm_new";
        const BYTES_MIN: usize = size_of::<Old>();
    }

    // SAFETY: the size is first; numbers may be zero.
    unsafe impl Versioned for New {}

    const START: New = New {
        struct_size: 0,
        a: 7,
        b: 8,
    };

    #[test]
    fn an_old_program_sees_its_own_fields_only() {
        let mut place = [
            Old {
                struct_size: 0,
                a: 0,
            },
            Old {
                struct_size: 99,
                a: 99,
            },
        ];
        let old: *mut New = place.as_mut_ptr().cast();
        // SAFETY: eight bytes are claimed, sixteen are there.
        let read_back = unsafe {
            init(old, 8, START).unwrap();
            read_versioned(old).unwrap()
        };
        assert_eq!((place[0].struct_size, place[0].a), (8, 7));
        assert_eq!((place[1].struct_size, place[1].a), (99, 99));
        let expected = New {
            struct_size: 8,
            a: 7,
            b: 0,
        };
        assert_eq!(read_back, expected);
    }

    #[test]
    fn a_newer_program_may_not_use_what_we_lack() {
        let mut place = [0x55u32; 5];
        let newer: *mut New = place.as_mut_ptr().cast();
        // SAFETY: twenty bytes are claimed and there.
        unsafe {
            init(newer, 20, START).unwrap();
            assert!(read_versioned(newer).is_ok());
        }
        assert_eq!(place, [20, 7, 8, 0, 0]);
        place[4] = 1;
        // SAFETY: as before.
        let code = unsafe { read_versioned(place.as_mut_ptr().cast::<New>()) }.map_err(|f| f.code);
        assert_eq!(code, Err(BM_ERROR_STRUCT_SIZE));
    }

    #[test]
    fn rows_lie_where_the_caller_expects_them() {
        for (stride, expected) in [
            (8, [0, 7, 0, 7, 9, 9, 9, 9]),
            (12, [0, 7, 8, 0, 7, 8, 9, 9]),
            (16, [0, 7, 8, 0, 0, 7, 8, 0]),
        ] {
            let mut place = [9u32; 8];
            // SAFETY: at most 32 bytes are claimed.
            let mut rows =
                unsafe { Rows::<New>::new("r", place.as_mut_ptr().cast(), stride, 2) }.unwrap();
            rows.push(START);
            rows.push(START);
            assert_eq!(place, expected);
        }
    }

    #[test]
    fn sizes_that_no_version_has_are_refused() {
        for size in [0, 4, 7, 4_097, usize::MAX] {
            assert!(check_size::<New>(size).is_err(), "{size}");
        }
    }

    #[test]
    fn texts_are_bounded_and_utf8() {
        let long = vec![b'a'; TEXT_BYTES_MAX];
        // SAFETY: as many bytes as will be read.
        assert!(unsafe { text("t", long.as_ptr().cast()) }.is_err());
        // SAFETY: both end with a zero.
        unsafe {
            assert!(text("t", c"\xFF".as_ptr()).is_err());
            assert_eq!(text("t", c"ok".as_ptr()).unwrap(), "ok");
        }
    }
}
