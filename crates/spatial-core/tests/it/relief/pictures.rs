//! Terrarium and Mapbox PNGs.

use spatial_core::{
    GridBounds, HeightEncoding, Mosaic, MosaicOptions, PictureGrid, Projection, Registration,
    Relief, ReliefFault, ReliefOptions, ReliefSource, WebMercator, open_relief,
};

use super::{between, direction, height, refusal};

/// Metres above −10,000 of a pixel of the world's map at zoom 5, 32 pixels a tile.
fn ground(x: i64, y: i64) -> f64 {
    (x.rem_euclid(1_024) * 17 % 4_001 + y * 13 % 999) as f64
}

fn picture(size: [u32; 2], pixels: &[u8], color: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size[0], size[1]);
    encoder.set_color(color);
    encoder.set_depth(depth);
    encoder
        .write_header()
        .unwrap()
        .write_image_data(pixels)
        .unwrap();
    bytes
}

fn colours(encoding: HeightEncoding, height_m: f64) -> [u8; 3] {
    let all = match encoding {
        HeightEncoding::Terrarium => ((height_m + 32_768.0) * 256.0).round() as u32,
        HeightEncoding::Mapbox => ((height_m + 10_000.0) * 10.0).round() as u32,
    };
    let [_, r, g, b] = all.to_be_bytes();
    [r, g, b]
}

/// A tile of 32 × 32 pixels.
fn tile(encoding: HeightEncoding, z: u32, x: i64, y: i64) -> ReliefSource {
    let pixels =
        (0..32 * 32).flat_map(|k| colours(encoding, ground(32 * x + k % 32, 32 * y + k / 32)));
    let bytes = picture(
        [32, 32],
        &pixels.collect::<Vec<u8>>(),
        png::ColorType::Rgb,
        png::BitDepth::Eight,
    );
    open(&format!("tiles/{z}/{x}/{y}.png"), bytes, encoding, None).unwrap()
}

fn open(
    name: &str,
    bytes: Vec<u8>,
    encoding: HeightEncoding,
    bounds: Option<GridBounds>,
) -> Result<ReliefSource, ReliefFault> {
    let options = ReliefOptions {
        picture: Some(PictureGrid {
            encoding,
            bounds,
            registration: Registration::Area,
        }),
        ..ReliefOptions::default()
    };
    ReliefSource::from_bytes(name, bytes, &options).map_err(|error| error.fault)
}

/// The place of a point of the map of 1,024 × 1,024 pixels, from the north-west.
fn place(x: f64, y: f64) -> (f64, f64) {
    let pixel_m = 40_075_016.685_578_49 / 1_024.0;
    WebMercator
        .inverse((x - 512.0) * pixel_m, (512.0 - y) * pixel_m)
        .unwrap()
}

#[test]
fn tiles_of_the_web_join() {
    for encoding in [HeightEncoding::Terrarium, HeightEncoding::Mapbox] {
        let corner = tile(encoding, 5, 17, 11);
        let tiles = [(17, 11), (18, 11), (17, 12), (18, 12)];
        let tiles = tiles.map(|(x, y)| (tile(encoding, 5, x, y), 0));
        let mosaic = Mosaic::new(tiles.into(), MosaicOptions::default());
        for k in 0..900 {
            let (x, y) = (
                f64::from(k * 37 % 601) / 10.0 + 0.6,
                f64::from(k * 53 % 599) / 10.0 + 0.6,
            );
            let (lat, lon) = place(17.0 * 32.0 + x, 11.0 * 32.0 + y);
            // Samples lie in the middle of pixels.
            let want = between(x - 0.5, y - 0.5, |i, j| ground(17 * 32 + i, 11 * 32 + j));
            let got = height(&mosaic, lat, lon).unwrap();
            assert!((got - want).abs() < 2e-3, "{x} {y}: {got}, want {want}");
            let alone = height(&corner, lat, lon);
            if x != 32.0 && y != 32.0 {
                assert_eq!(alone.is_some(), x < 32.0 && y < 32.0, "{x} {y}");
            }
            if x < 31.5 && y < 31.5 {
                assert!((alone.unwrap() - want).abs() < 2e-3);
            }
        }
    }
}

/// The tiles at both ends of the map are neighbours; beyond its latitudes nobody answers.
#[test]
fn the_map_is_closed_at_the_antimeridian_and_open_at_the_poles() {
    let ends = [0, 31].map(|x| (tile(HeightEncoding::Terrarium, 5, x, 16), 0));
    let mosaic = Mosaic::new(ends.into(), MosaicOptions::default());
    for (x, lon) in [
        (0.0, 180.0),
        (0.0, -180.0),
        (0.25, -179.912_109_375),
        (-0.25, 179.912_109_375),
    ] {
        let (lat, _) = place(512.0, 520.5);
        let want = between(x - 0.5, 520.0, ground);
        let got = height(&mosaic, lat, lon).unwrap();
        assert!((got - want).abs() < 2e-3, "{lon}: {got}, want {want}");
    }
    let top = tile(HeightEncoding::Terrarium, 5, 3, 0);
    let (lat, lon) = place(100.0, 0.2);
    assert!(height(&top, lat, lon).is_some());
    assert_eq!(height(&top, 85.06, lon), None);
    assert_eq!(height(&top, 90.0, lon), None);
}

#[test]
fn stated_bounds_and_transparency() {
    let bounds = GridBounds {
        south: 46.0,
        west: 8.0,
        north: 47.0,
        east: 10.0,
    };
    let pixels = (0..8u32).flat_map(|k| {
        let [r, g, b] = colours(HeightEncoding::Mapbox, f64::from(100 * k));
        [r, g, b, if k == 5 { 0 } else { 255 }]
    });
    let pixels: Vec<u8> = pixels.collect();
    let bytes = picture([4, 2], &pixels, png::ColorType::Rgba, png::BitDepth::Eight);
    let relief = open("a.png", bytes.clone(), HeightEncoding::Mapbox, Some(bounds)).unwrap();
    assert!((height(&relief, 46.75, 8.25).unwrap() - 0.0).abs() < 1e-3);
    assert!((height(&relief, 46.75, 9.5).unwrap() - 250.0).abs() < 1e-3);
    assert_eq!(height(&relief, 46.25, 8.75), None, "transparent");
    // The same from a side file.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    std::fs::write(&path, &bytes).unwrap();
    let side = "encoding = 'mapbox'\n[bounds]\nsouth = 46\nwest = 8\nnorth = 47\neast = 10\n";
    std::fs::write(dir.path().join("a.toml"), side).unwrap();
    let again = open_relief(&path, &ReliefOptions::default()).unwrap();
    let at = direction(46.8, 9.6);
    assert_eq!(again.sample(at).unwrap(), relief.sample(at).unwrap());
    assert!(relief.sample(at).unwrap().is_some());
}

#[test]
fn bad_pictures_are_refused() {
    let pixels = vec![9; 4 * 4 * 3];
    let good = picture([4, 4], &pixels, png::ColorType::Rgb, png::BitDepth::Eight);
    let terrarium = HeightEncoding::Terrarium;
    assert!(open("7/1/1.png", good.clone(), terrarium, None).is_ok());
    assert!(matches!(
        open("1/1.png", good.clone(), terrarium, None),
        Err(ReliefFault::Name(_))
    ));
    assert!(matches!(
        refusal("7/1/1.png", good.clone()),
        ReliefFault::Unsupported { .. }
    ));
    let grey = picture(
        [4, 4],
        &pixels[..16],
        png::ColorType::Grayscale,
        png::BitDepth::Eight,
    );
    let deep = picture(
        [2, 2],
        &pixels[..24],
        png::ColorType::Rgb,
        png::BitDepth::Sixteen,
    );
    for bytes in [grey, deep] {
        let refused = open("7/1/1.png", bytes, terrarium, None).map(|_| ());
        assert!(
            matches!(refused, Err(ReliefFault::Unsupported { .. })),
            "{refused:?}"
        );
    }
    let within = direction(84.67, -176.0);
    let whole = open("7/1/1.png", good.clone(), terrarium, None).unwrap();
    assert!(whole.sample(within).unwrap().is_some());
    for length in 0..good.len() - 16 {
        let opened = open("7/1/1.png", good[..length].to_vec(), terrarium, None);
        let read = opened.map(|relief| relief.sample(within).map_err(|e| e.fault));
        assert!(matches!(read, Err(_) | Ok(Err(_))), "{length}");
    }
    // A header that asks for 10¹² samples.
    let mut huge = good;
    huge[16..24].copy_from_slice(&[0, 15, 66, 64, 0, 15, 66, 64]);
    let crc = crc32(&huge[12..29]);
    huge[29..33].copy_from_slice(&crc.to_be_bytes());
    let refused = open("7/1/1.png", huge, terrarium, None).map(|_| ());
    assert!(
        matches!(refused, Err(ReliefFault::TooLarge { .. })),
        "{refused:?}"
    );
}

/// As PNG has it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, byte)
}
