//! The version of the library.

use crate::guard::guard_value;

/// Major version of this header; the library's SONAME carries it.
pub const BM_VERSION_MAJOR: u32 = 0;
/// Minor version of this header.
pub const BM_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const BM_VERSION_PATCH: u32 = 0;

/// Version of the library that is running: major * 1000000 + minor * 1000 + patch.
///
/// Any thread, constant time.
#[unsafe(no_mangle)]
pub extern "C" fn bm_version() -> u32 {
    guard_value(c"bm_version", 0, || {
        BM_VERSION_MAJOR * 1_000_000 + BM_VERSION_MINOR * 1_000 + BM_VERSION_PATCH
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_the_version_of_the_package() {
        let text = format!("{BM_VERSION_MAJOR}.{BM_VERSION_MINOR}.{BM_VERSION_PATCH}");
        assert_eq!(text, env!("CARGO_PKG_VERSION"));
        assert_eq!(bm_version(), 1_000);
    }
}
