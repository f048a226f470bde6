//! Journal entries and checkpoints.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bluemarble_fuzz::journal::run(data);
});
