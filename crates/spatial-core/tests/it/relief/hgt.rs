//! `.hgt`, plain and zipped.

use std::io::{Cursor, Write};

use spatial_core::{Relief, ReliefFault, ReliefOptions, open_relief};

use super::{Random, between, data, direction, height, refusal, source};

/// Metres of a column and a row from the north-west.
fn ground(column: i64, row: i64) -> f64 {
    ((column * 37 + row * 91) % 7_001 - 2_000) as f64
}

pub(super) fn hgt(side: i64, ground: impl Fn(i64, i64) -> f64) -> Vec<u8> {
    let samples = (0..side * side).map(|k| ground(k % side, k / side) as i16);
    samples.flat_map(i16::to_be_bytes).collect()
}

fn zipped(entry: &str, bytes: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("readme.txt", options).unwrap();
    zip.write_all(b"not this one").unwrap();
    zip.start_file(entry, options).unwrap();
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn heights_are_bilinear_between_samples() {
    let bytes = hgt(1_201, ground);
    let plain = source("x/S33W071.hgt", bytes.clone());
    let zip = source("x/any.zip", zipped("S33W071.hgt", &bytes));
    let zip_by_its_own_name = source("x/S33W071.SRTMGL3.hgt.zip", zipped("data.hgt", &bytes));
    let mut random = Random::new(7);
    for k in 0..4_000 {
        // A fifth on edges and corners.
        let mut unit = |edge: bool| match (edge, random.unit()) {
            (true, u) => u.round(),
            (false, u) => u,
        };
        let (east, north) = (unit(k % 10 == 0), unit(k % 20 < 3));
        let (lat, lon) = (-33.0 + north, -71.0 + east);
        let want = between(east * 1_200.0, (1.0 - north) * 1_200.0, ground);
        for relief in [&plain, &zip, &zip_by_its_own_name] {
            let got = height(relief, lat, lon).unwrap();
            // A place is a direction, whose rounding is a few 10⁻⁹ of a step, of up to 7,000 m.
            assert!((got - want).abs() < 1e-4, "{lat} {lon}: {got}, want {want}");
        }
    }
    for (lat, lon) in [
        (-31.9, -70.5),
        (-33.1, -70.5),
        (-32.5, -71.1),
        (-32.5, -69.9),
        (32.5, 109.5),
    ] {
        assert_eq!(height(&plain, lat, lon), None, "{lat} {lon}");
    }
    let [south, north] = plain.bounds().lat_rad().map(f64::to_degrees);
    assert!((south + 33.0).abs() < 1e-3 && (north + 32.0).abs() < 1e-3);
    assert!(
        (plain.spacing_m() - 78.1).abs() < 0.2,
        "{}",
        plain.spacing_m()
    );
}

#[test]
fn the_fine_form_and_the_antimeridian() {
    let relief = source("N10E179.hgt", hgt(3_601, ground));
    for (lat, lon, want) in [
        (10.0, 179.0, ground(0, 3_600)),
        (11.0, 179.0, ground(0, 0)),
        (11.0, 180.0, ground(3_600, 0)),
        (11.0, -180.0, ground(3_600, 0)),
        (10.0, -180.0, ground(3_600, 3_600)),
    ] {
        assert!(
            (height(&relief, lat, lon).unwrap() - want).abs() < 1e-3,
            "{lat} {lon}"
        );
    }
    let west = source("S01W180.hgt", hgt(1_201, ground));
    assert!((height(&west, 0.0, 180.0).unwrap() - ground(0, 0)).abs() < 1e-3);
    assert_eq!(height(&west, -0.5, 179.9), None);
}

#[test]
fn voids_are_no_heights() {
    let holes = |column: i64, row: i64| match (column, row) {
        (600, 600) => -32_768.0,
        (0, 0) => -32_767.0,
        _ => ground(column, row),
    };
    let relief = source("N00E000.hgt", hgt(1_201, holes));
    let at = |x: f64, y: f64| height(&relief, 1.0 - y / 1_200.0, x / 1_200.0);
    for (x, y) in [(600.0, 600.0), (599.5, 599.5), (600.4, 600.0), (0.2, 0.2)] {
        assert_eq!(at(x, y), None, "{x} {y}");
    }
    // A corner of no weight does not count, up to what a direction can say.
    assert!(at(598.9, 600.0).is_some() && at(601.1, 601.1).is_some() && at(1.1, 0.0).is_some());
}

#[test]
fn bad_tiles_are_refused() {
    let bytes = hgt(1_201, ground);
    let is_name = |fault| matches!(fault, ReliefFault::Name(_));
    let is_length = |fault| matches!(fault, ReliefFault::Length { .. });
    let is_damaged = |fault| matches!(fault, ReliefFault::Damaged { .. });
    assert!(is_name(refusal("any.hgt", bytes.clone())));
    assert!(is_length(refusal("N00E000.hgt", bytes[1..].to_vec())));
    assert!(is_length(refusal("N00E000.hgt", Vec::new())));
    let zip = zipped("N00E000.hgt", &bytes);
    assert!(is_length(refusal(
        "a.zip",
        zipped("N00E000.hgt", &bytes[2..])
    )));
    assert!(is_name(refusal("a.zip", zipped("N00E000.txt", &bytes))));
    assert!(is_damaged(refusal("a.zip", zip[..zip.len() - 30].to_vec())));
    // Damage within the entry is found when it is read.
    let mut bad = zip.clone();
    bad[10_000] ^= 0x55;
    let error = source("N00E000.hgt.zip", bad)
        .sample(direction(0.5, 0.5))
        .unwrap_err();
    assert!(is_damaged(error.fault));
}

/// The real ones, of the plain and the zipped form, at their samples.
#[test]
fn real_tiles_answer_with_their_samples() {
    let (Some(plain), Some(zip)) = (data("srtm3/N00E010.hgt"), data("srtm3/N00E011.hgt.zip"))
    else {
        return;
    };
    let bytes = std::fs::read(&plain).unwrap();
    let open = |path| open_relief(path, &ReliefOptions::default()).unwrap();
    let (west, east) = (open(&plain), open(&zip));
    for k in (0..=1_200usize).step_by(3) {
        let (row, column) = (k, 1_200 - k);
        let at = 2 * (row * 1_201 + column);
        let want = i16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let (lat, lon) = (1.0 - row as f64 / 1_200.0, 10.0 + column as f64 / 1_200.0);
        assert!((height(&west, lat, lon).unwrap() - f64::from(want)).abs() < 1e-5);
        // They share an edge.
        let [a, b] = [&west, &east].map(|tile| height(tile, lat, 11.0).unwrap());
        assert!((a - b).abs() < 1e-5, "{lat}: {a} {b}");
    }
}
