//! Ids and tokens of cells.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bluemarble_fuzz::cell::run(data);
});
