//! Files of features.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bluemarble_fuzz::geojson::run(data);
});
