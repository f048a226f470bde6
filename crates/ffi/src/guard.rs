//! The boundary that every export stands behind: no panic and no error leaves it other than as a status.

use core::ffi::CStr;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::remember;
use crate::status::{BM_ERROR_PANIC, BM_OK};

/// Why a call failed: a status code and one sentence for people.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: i32,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(code: i32, message: impl ToString) -> Self {
        let message = message.to_string();
        Self { code, message }
    }
}

/// Runs an export that answers with a status.
pub(crate) fn guard(call: &'static CStr, body: impl FnOnce() -> Result<(), Fault>) -> i32 {
    match contain(body) {
        Ok(Ok(())) => BM_OK,
        Ok(Err(fault)) | Err(fault) => {
            let code = fault.code;
            remember(call, fault);
            code
        }
    }
}

/// Runs an export that answers with a value; `fallback` is its answer after a panic.
pub(crate) fn guard_value<T>(call: &'static CStr, fallback: T, body: impl FnOnce() -> T) -> T {
    contain(body).unwrap_or_else(|fault| {
        remember(call, fault);
        fallback
    })
}

/// What a panic leaves half done stays unreachable: objects sit behind mutexes, which it poisons.
fn contain<T>(body: impl FnOnce() -> T) -> Result<T, Fault> {
    let body = || {
        #[cfg(test)]
        injection::fire();
        body()
    };
    catch_unwind(AssertUnwindSafe(body)).map_err(from_panic)
}

fn from_panic(payload: Box<dyn Any + Send>) -> Fault {
    let text = match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => text.to_string(),
            Err(payload) => {
                // Its destructor is unknown and could panic again.
                std::mem::forget(payload);
                "a panic without a message".to_owned()
            }
        },
    };
    let message = format!("a defect of the library, please report it: {text}");
    Fault::new(BM_ERROR_PANIC, message)
}

/// Lets a test make the next export of its thread panic.
#[cfg(test)]
pub(crate) mod injection {
    use std::cell::Cell;

    thread_local!(static ARMED: Cell<bool> = const { Cell::new(false) });

    pub(crate) fn arm() {
        ARMED.set(true);
    }

    pub(crate) fn fire() {
        assert!(!ARMED.replace(false), "injected");
    }
}
