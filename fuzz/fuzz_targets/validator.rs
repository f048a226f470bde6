//! What a server keeps of its players, and what they send.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bluemarble_fuzz::validator::run(data);
});
