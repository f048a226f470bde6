//! Client tiles and their meshes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bluemarble_fuzz::client_tile::run(data);
});
