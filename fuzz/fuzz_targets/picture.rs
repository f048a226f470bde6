//! Heights in PNGs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bluemarble_fuzz::relief::picture(data);
});
