//! The last error of a thread.

use core::ffi::{CStr, c_char};
use std::cell::RefCell;
use std::ffi::CString;

use crate::guard::{Fault, guard_value};
use crate::status::BM_OK;

/// What the last failed call of this thread left behind.
struct LastError {
    code: i32,
    call: &'static CStr,
    message: CString,
}

thread_local! {
    static LAST: RefCell<Option<LastError>> = const { RefCell::new(None) };
}

/// Keeps a fault for the thread. Does nothing while the thread is being torn down.
pub(crate) fn remember(call: &'static CStr, fault: Fault) {
    let text: Vec<u8> = fault.message.bytes().filter(|&b| b != 0).collect();
    let error = LastError {
        code: fault.code,
        call,
        message: CString::new(text).unwrap_or_default(),
    };
    let _ = LAST.try_with(|last| last.replace(Some(error)));
}

/// Reads the last error: `absent` when there is none.
fn look<T>(absent: T, read: impl FnOnce(&LastError) -> T) -> T {
    let mut answer = absent;
    let _ = LAST.try_with(|last| {
        if let Some(error) = last.borrow().as_ref() {
            answer = read(error);
        }
    });
    answer
}

/// Status of this thread's last failed call, BM_OK when none failed yet. Successful calls do not reset it.
#[unsafe(no_mangle)]
pub extern "C" fn bm_last_error_code() -> i32 {
    guard_value(c"bm_last_error_code", BM_OK, || {
        look(BM_OK, |error| error.code)
    })
}

/// Name of the function whose call failed last on this thread, "" when none. Valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn bm_last_error_call() -> *const c_char {
    guard_value(c"bm_last_error_call", c"".as_ptr(), || {
        look(c"".as_ptr(), |error| error.call.as_ptr())
    })
}

/// One sentence about this thread's last failed call, UTF-8, "" when none.
///
/// Owned by the library; valid until the next failing call of this thread, or its end. Where another thread may read
/// it, or a binding moves between threads, copy it with `bm_last_error_copy`.
#[unsafe(no_mangle)]
pub extern "C" fn bm_last_error_message() -> *const c_char {
    guard_value(c"bm_last_error_message", c"".as_ptr(), || {
        look(c"".as_ptr(), |error| error.message.as_ptr())
    })
}

/// Copies the sentence about this thread's last failed call into `buffer`, cut to `capacity` bytes with its
/// terminating zero.
///
/// Returns the bytes that the whole sentence needs with its zero, so that a caller can ask with capacity 0 first.
///
/// # Safety
/// `buffer` is null, or writable for `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_last_error_copy(buffer: *mut c_char, capacity: usize) -> usize {
    guard_value(c"bm_last_error_copy", 0, || {
        look_and_copy(buffer.cast(), capacity)
    })
}

fn look_and_copy(buffer: *mut u8, capacity: usize) -> usize {
    let copy = |message: &CStr| {
        let bytes = message.to_bytes_with_nul();
        let cut = cut_at(message.to_bytes(), capacity.saturating_sub(1));
        if !buffer.is_null() && capacity > 0 {
            // SAFETY: the caller promises `capacity` writable bytes, and cut < capacity.
            unsafe {
                buffer.copy_from_nonoverlapping(bytes.as_ptr(), cut);
                buffer.add(cut).write(0);
            }
        }
        bytes.len()
    };
    // Two steps: a closure that is not called must still leave an empty text behind.
    look(None, |error| Some(copy(&error.message))).unwrap_or_else(|| copy(c""))
}

/// The longest prefix of at most `bytes_max` bytes that does not cut a character.
fn cut_at(text: &[u8], bytes_max: usize) -> usize {
    let mut cut = text.len().min(bytes_max);
    while cut > 0 && cut < text.len() && text[cut] & 0xC0 == 0x80 {
        cut -= 1;
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_message_is_still_utf8() {
        remember(c"bm_test", Fault::new(-4, "längd\0"));
        for capacity in 1..12 {
            let mut buffer = vec![0x55u8; capacity];
            // SAFETY: the buffer has that many bytes.
            let needed = unsafe { bm_last_error_copy(buffer.as_mut_ptr().cast(), capacity) };
            assert_eq!(needed, "längd".len() + 1);
            let text = CStr::from_bytes_until_nul(&buffer).unwrap();
            assert!("längd".starts_with(text.to_str().unwrap()));
            assert_eq!(text.to_bytes() == "längd".as_bytes(), capacity >= needed);
        }
    }

    #[test]
    fn each_thread_has_its_own() {
        remember(c"bm_test", Fault::new(-4, "here"));
        let other = std::thread::spawn(|| bm_last_error_code());
        assert_eq!(other.join().unwrap(), BM_OK);
        assert_eq!(bm_last_error_code(), -4);
    }
}
