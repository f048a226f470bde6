//! Raw grids.

use spatial_core::{
    DVec3, Endian, GridBounds, RawGrid, Registration, Relief, ReliefFault, ReliefOptions,
    ReliefSource, RowOrder, SampleType, open_relief,
};

use super::{Random, between, data, height, refusal, source};

fn grid() -> RawGrid {
    RawGrid {
        width: 31,
        height: 17,
        sample: SampleType::I16,
        endian: Endian::Little,
        bounds: GridBounds {
            south: -4.0,
            west: 170.0,
            north: 4.0,
            east: 185.0,
        },
        registration: Registration::Point,
        row_order: RowOrder::NorthFirst,
        nodata: None,
        scale: 1.0,
        offset: 0.0,
    }
}

fn ground(column: i64, row: i64) -> f64 {
    (column * 100 + row * 7) as f64
}

fn open(grid: &RawGrid, bytes: Vec<u8>) -> ReliefSource {
    let options = ReliefOptions {
        grid: Some(grid.clone()),
        ..ReliefOptions::default()
    };
    ReliefSource::from_bytes("a.raw", bytes, &options).unwrap()
}

/// All samples in the form that a grid says.
fn bytes(grid: &RawGrid) -> Vec<u8> {
    let (width, height) = (i64::from(grid.width), i64::from(grid.height));
    let stored = (0..width * height).flat_map(|k| {
        let (column, row) = (k % width, k / width);
        let row = match grid.row_order {
            RowOrder::NorthFirst => row,
            RowOrder::SouthFirst => height - 1 - row,
        };
        let v = (ground(column, row) - grid.offset) / grid.scale;
        let mut bytes = match grid.sample {
            SampleType::I16 => (v as i16).to_le_bytes().to_vec(),
            SampleType::U16 => (v as u16).to_le_bytes().to_vec(),
            SampleType::F32 => (v as f32).to_le_bytes().to_vec(),
        };
        if grid.endian == Endian::Big {
            bytes.reverse();
        }
        bytes
    });
    stored.collect()
}

#[test]
fn every_form_says_the_same() {
    let mut random = Random::new(3);
    let places: Vec<[f64; 2]> = (0..200)
        .map(|k| match k % 5 {
            0 => [random.unit() * 30.0, [0.0, 16.0][k / 5 % 2]],
            _ => [random.unit() * 30.0, random.unit() * 16.0],
        })
        .collect();
    for sample in [SampleType::I16, SampleType::U16, SampleType::F32] {
        for endian in [Endian::Little, Endian::Big] {
            for row_order in [RowOrder::NorthFirst, RowOrder::SouthFirst] {
                for (scale, offset) in [(1.0, 0.0), (0.5, -100.0)] {
                    let grid = RawGrid {
                        sample,
                        endian,
                        row_order,
                        scale,
                        offset,
                        ..grid()
                    };
                    let relief = open(&grid, bytes(&grid));
                    for [x, y] in &places {
                        let (lat, lon) = (4.0 - y / 2.0, 170.0 + x / 2.0);
                        let got = height(&relief, lat, lon).unwrap();
                        let want = between(*x, *y, ground);
                        assert!((got - want).abs() < 1e-6, "{grid:?} {x} {y}: {got} {want}");
                    }
                    assert_eq!(height(&relief, 0.0, 169.0), None);
                    assert_eq!(height(&relief, 0.0, -174.0), None);
                }
            }
        }
    }
}

/// Samples in the middle of squares: half a step within the bounds, and constant from there to the rim.
#[test]
fn areas_lie_half_a_step_within() {
    let grid = RawGrid {
        registration: Registration::Area,
        width: 30,
        height: 16,
        ..grid()
    };
    let relief = open(&grid, bytes(&grid));
    let at = |x: f64, y: f64| height(&relief, 4.0 - y / 2.0, 170.0 + x / 2.0);
    for (x, y, want) in [
        (0.5, 0.5, ground(0, 0)),
        (29.5, 15.5, ground(29, 15)),
        (0.1, 0.1, ground(0, 0)),
        (29.9, 3.5, ground(29, 3)),
        (7.0, 2.5, 0.5 * (ground(6, 2) + ground(7, 2))),
    ] {
        assert!((at(x, y).unwrap() - want).abs() < 1e-6, "{x} {y}");
    }
    assert_eq!(at(-0.1, 3.0), None);
}

#[test]
fn voids_scales_and_nonsense() {
    let grid = RawGrid {
        nodata: Some(-9_999.0),
        sample: SampleType::F32,
        ..grid()
    };
    for bad in [-9_999.0f32, f32::NAN, f32::INFINITY, -3.4e38] {
        let mut bytes = bytes(&grid);
        bytes[..4].copy_from_slice(&bad.to_le_bytes());
        let relief = open(&grid, bytes);
        assert_eq!(height(&relief, 4.0, 170.0), None, "{bad}");
        assert!(height(&relief, 4.0, 170.51).is_some());
    }
}

#[test]
fn side_files_of_both_kinds() {
    let dir = tempfile::tempdir().unwrap();
    let json = r#"{"width": 31, "height": 17, "sample": "i16", "endian": "big",
        "bounds": {"south": -4, "west": 170, "north": 4, "east": 185}, "row_order": "south_first"}"#;
    let toml = "width = 31\nheight = 17\nsample = 'i16'\nendian = 'big'\nrow_order = 'south_first'\n\
        bounds = { south = -4, west = 170, north = 4.0, east = 185 }\n";
    let big = RawGrid {
        endian: Endian::Big,
        row_order: RowOrder::SouthFirst,
        ..grid()
    };
    for (name, side, text) in [("a.raw", "a.json", json), ("b.bil", "b.toml", toml)] {
        std::fs::write(dir.path().join(side), text).unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes(&big)).unwrap();
        let relief = open_relief(&path, &ReliefOptions::default()).unwrap();
        assert_eq!(height(&relief, 4.0, 170.0), Some(0.0));
        assert_eq!(relief.size(), [31, 17]);
        let packed = dir.path().join(format!("{name}.zst"));
        std::fs::write(&packed, zstd::encode_all(&bytes(&big)[..], 1).unwrap()).unwrap();
        let relief = open_relief(&packed, &ReliefOptions::default()).unwrap();
        assert_eq!(height(&relief, 4.0, 170.0), Some(0.0));
        // Absurd sizes, unknown fields, and what is no number are named; nothing is allocated for them.
        for (from, to) in [
            ("31", "4000000000"),
            ("17", "0"),
            ("185", "600"),
            ("north", "nord"),
            ("i16", "i24"),
            ("17", "-17"),
        ] {
            std::fs::write(dir.path().join(side), text.replace(from, to)).unwrap();
            let error = open_relief(&path, &ReliefOptions::default());
            let error = error.map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(name) && error.len() < 600, "{error}");
        }
    }
    let error = open_relief(&dir.path().join("no.raw"), &ReliefOptions::default());
    assert!(matches!(
        error.map(|_| ()).unwrap_err().fault,
        ReliefFault::Io(_)
    ));
}

/// 5 rows, 8 columns, step 45°: height = 1000·row + 10·column, rows from the south.
fn small_planet() -> Vec<u8> {
    let heights = (0..40i16).flat_map(|k| (1_000 * (k / 8) + 10 * (k % 8)).to_le_bytes());
    heights.collect()
}

#[test]
fn the_whole_planet_without_a_side_file() {
    let relief = source("small.raw", small_planet());
    for (lat, lon, want) in [
        (-90.0, 0.0, 0.0),
        (0.0, 90.0, 2_020.0),
        (22.5, 67.5, 2_515.0),
        (0.0, 0.0, 2_000.0),
        // Between the last column and the first.
        (0.0, -22.5, 2_035.0),
        (0.0, -5.0, 2_070.0 * 5.0 / 45.0 + 2_000.0 * 40.0 / 45.0),
        (0.0, 180.0, 2_040.0),
        (0.0, -180.0, 2_040.0),
    ] {
        let got = height(&relief, lat, lon).unwrap();
        assert!((got - want).abs() < 1e-9, "{lat} {lon}: {got}");
    }
    let poles = [DVec3::Z, DVec3::NEG_Z].map(|p| relief.sample(p).unwrap().unwrap().height_m);
    assert_eq!(poles, [4_000.0, 0.0]);
    assert!(relief.bounds().is_full());
    for bytes in [0, 1, 2, 79, 81, 82, 4_320 * 2_161 * 2 - 2] {
        let fault = refusal("other.raw", vec![0; bytes]);
        assert!(matches!(fault, ReliefFault::Length { .. }), "{bytes}");
    }
    assert_eq!(
        refusal("other.txt", small_planet()),
        ReliefFault::UnknownFormat
    );
    let fault = refusal("small.raw.zst", small_planet());
    assert!(matches!(fault, ReliefFault::Damaged { .. }));
}

/// What is held in memory is counted, and refused beyond what is allowed, before all of it is there.
#[test]
fn a_compressed_grid_is_held_within_a_bound() {
    let packed = zstd::encode_all(&small_planet()[..], 3).unwrap();
    let open = |bytes_max| {
        let options = ReliefOptions {
            inflated_bytes_max: bytes_max,
            ..ReliefOptions::default()
        };
        ReliefSource::from_bytes("small.raw.zst", packed.clone(), &options)
    };
    for bytes_max in [None, Some(80), Some(u64::MAX)] {
        assert_eq!(open(bytes_max).unwrap().held_bytes(), 80);
    }
    for bytes_max in [0, 1, 79] {
        let error = open(Some(bytes_max)).err().unwrap();
        let ReliefFault::TooLarge { count_max, .. } = error.fault else {
            panic!("{error}");
        };
        assert_eq!(count_max, bytes_max);
    }
}

#[test]
fn the_real_planet() {
    let Some(path) = data("relief/etopo5_4320x2161_i16le.raw.zst") else {
        return;
    };
    let relief = open_relief(&path, &ReliefOptions::default()).unwrap();
    assert_eq!(relief.size(), [4_320, 2_161]);
    assert!((height(&relief, 27.95, 86.95).unwrap() - 5_802.8).abs() < 0.05);
    assert!((relief.spacing_m() - 9_266.0).abs() < 10.0);
}
