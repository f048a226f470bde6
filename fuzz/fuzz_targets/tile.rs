//! Tiles, packs and manifests.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bluemarble_fuzz::tile::run(data);
});
