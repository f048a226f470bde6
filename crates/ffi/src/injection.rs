//! A panic in every export in turn: contained, answered with the code, and told to the thread.

use core::ptr::null_mut;
use std::ffi::CStr;

use super::*;
use crate::guard::injection::arm;

/// Every export that answers with a status, with arguments that are refused when nothing panics before.
const FALLIBLE: &[fn() -> i32] = &[
    // SAFETY: null is allowed everywhere.
    || unsafe { bm_geodetic_to_ecef(0.0, null_mut(), null_mut()) },
    // SAFETY: as above.
    || unsafe { bm_ecef_to_geodetic(0.0, null_mut(), null_mut()) },
    // SAFETY: as above.
    || unsafe { bm_terrain_open(null_mut(), null_mut()) },
    // SAFETY: as above.
    || unsafe { bm_terrain_radius(bm_terrain { id: 0 }, null_mut()) },
    // SAFETY: as above.
    || unsafe { bm_terrain_height(bm_terrain { id: 0 }, 0.0, 0.0, null_mut()) },
    || bm_terrain_close(bm_terrain { id: 0 }),
    // SAFETY: as above.
    || unsafe { bm_client_options_init(null_mut(), 0) },
    // SAFETY: as above.
    || unsafe { bm_client_status_init(null_mut(), 0) },
    // SAFETY: as above.
    || unsafe { bm_client_connect(null_mut(), null_mut()) },
    || bm_client_set_velocity(bm_client { id: 0 }, 0.0, 0.0, 0.0),
    // SAFETY: as above.
    || unsafe { bm_client_poll(bm_client { id: 0 }, null_mut()) },
    // SAFETY: as above.
    || unsafe { bm_client_entities(bm_client { id: 0 }, null_mut(), 0, 0, null_mut()) },
    || bm_client_close(bm_client { id: 0 }),
];

/// Exports that answer with a value.
const INFALLIBLE: &[fn()] = &[
    || assert_eq!(bm_version(), 0),
    || assert_eq!(bm_last_error_code(), BM_OK),
    // SAFETY: a text of the library.
    || assert_eq!(unsafe { CStr::from_ptr(bm_last_error_call()) }, c""),
    // SAFETY: a text of the library.
    || assert_eq!(unsafe { CStr::from_ptr(bm_last_error_message()) }, c""),
    // SAFETY: null is allowed.
    || assert_eq!(unsafe { bm_last_error_copy(null_mut(), 0) }, 0),
];

fn told() {
    assert_eq!(bm_last_error_code(), BM_ERROR_PANIC);
    // SAFETY: a text of the library.
    let message = unsafe { CStr::from_ptr(bm_last_error_message()) };
    assert!(message.to_str().unwrap().contains("injected"));
}

#[test]
fn a_panic_never_leaves_the_library() {
    for export in FALLIBLE {
        assert!(![BM_OK, BM_ERROR_PANIC].contains(&export()));
        arm();
        assert_eq!(export(), BM_ERROR_PANIC);
        told();
        assert_ne!(export(), BM_ERROR_PANIC);
    }
    for export in INFALLIBLE {
        arm();
        export();
        told();
    }
}

#[test]
fn no_export_is_left_out() {
    let header = include_str!("../include/bluemarble.h");
    let code = header
        .lines()
        .filter(|line| !line.starts_with([' ', '#']) || line.starts_with("    "));
    let declared = code.filter(|line| line.ends_with(");"));
    assert_eq!(declared.count(), FALLIBLE.len() + INFALLIBLE.len());
}
