//! The commands: what they print, refuse and write.

use std::fs;

use spatial_core::{RocksStore, TileStore};

use super::earth::PACK;
use super::{bluemarble, fail, import, small_relief, succeed};

#[test]
fn misuse_is_exit_code_2() {
    for args in [
        &["query", PACK, "91", "0"][..],
        &["query", PACK, "NaN", "0"],
        &["query", PACK, "0", "inf"],
        &["query", PACK, "1", "2", "3"],
        &["query", PACK, "north", "2"],
        &["query", PACK],
        &["import", "--relief", "x", "--samples", "1000", "--out", "y"],
        &["render", PACK, "--width", "3", "--out", "x.png"],
        &["render", PACK, "--projection", "mercator", "--out", "x.png"],
        &["tile", PACK],
        &["tile", PACK, "--cell", "zz"],
        &["tile", PACK, "--cell", "479", "--at", "1", "2"],
        &["tile", PACK, "--cell", "479", "--level", "2"],
        &["tile", PACK, "--cell", "47b1"],
        &["tile", PACK, "--at", "91", "0"],
        &["tile", PACK, "--at", "1", "2", "--level", "5"],
        &["tile", PACK, "--at", "1", "2", "--mesh"],
        &["info", PACK, "--colour"],
        &["dig"],
        &[],
    ] {
        let output = bluemarble(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn every_command_has_help() {
    for command in [
        "import", "pack", "info", "verify", "query", "render", "export", "backup", "restore",
        "migrate", "tile",
    ] {
        let help = succeed(&[command, "--help"]);
        assert!(help.contains("Usage") && help.contains("--json"), "{help}");
    }
}

#[test]
fn a_folder_and_its_pack_hold_the_same_planet() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path());
    let path = |name: &str| dir.path().join(name).display().to_string();
    import(&relief, 256, &dir.path().join("planet"));
    succeed(&["pack", &path("planet"), "--out", &path("one.pack")]);
    succeed(&["pack", &path("one.pack"), "--out", &path("two.pack")]);
    assert!(fs::read(path("one.pack")).unwrap() == fs::read(path("two.pack")).unwrap());
    let points = [
        "1.5",
        "-2.5",
        "-90",
        "0",
        "45",
        "180",
        "35.264389682754654",
        "45",
    ];
    let query = |planet: &str| {
        let args: Vec<&str> = ["query", planet].into_iter().chain(points).collect();
        succeed(&args)
    };
    assert_eq!(query(&path("planet")), query(&path("one.pack")));
    let info = |planet: &str| {
        let text = succeed(&["info", "--json", planet]);
        let mut info: serde_json::Value = serde_json::from_str(&text).unwrap();
        info["file"].take();
        info
    };
    assert_eq!(info(&path("planet")), info(&path("one.pack")));
    assert_eq!(info(&path("planet"))["tiles"], 30);
    let left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 4, "no temporary files: {left:?}");
}

#[test]
fn imports_refuse_what_they_cannot_use() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path());
    let path = |name: &str| dir.path().join(name).display().to_string();
    let attempt = |relief: &str, out: &str| {
        fail(
            1,
            &[
                "import",
                "--relief",
                relief,
                "--samples",
                "128",
                "--out",
                out,
            ],
        )
    };
    let bytes = fs::read(&relief).unwrap();
    fs::write(path("cut.raw"), &bytes[..bytes.len() - 2]).unwrap();
    assert!(attempt(&path("cut.raw"), &path("p")).contains("cut.raw"));
    fs::write(path("not.raw.zst"), &bytes).unwrap();
    assert!(attempt(&path("not.raw.zst"), &path("p")).contains("not.raw.zst"));
    assert!(attempt(&path("none.raw"), &path("p")).contains("none.raw"));
    assert!(
        !dir.path().join("p").exists(),
        "nothing is made from a bad relief"
    );
    // What only begins like a planet's own names is somebody's.
    let names = [
        "letters.txt",
        "base-maps",
        "base-0123456g",
        "building-site",
        "CURRENT_notes",
        "CURRENT.tmp-old",
    ];
    for name in names {
        let strange = dir.path().join(format!("home of {name}"));
        fs::create_dir_all(strange.join(name)).unwrap();
        fs::write(strange.join(name).join("letter.txt"), "dear").unwrap();
        let out = strange.display().to_string();
        let error = attempt(&relief.display().to_string(), &out);
        assert!(error.contains(&format!("holds {name}")), "{error}");
        assert_eq!(fs::read_dir(&strange).unwrap().count(), 1);
        assert!(strange.join(name).join("letter.txt").exists());
    }
}

/// Commands that read leave a planet's folder as it is, and a planet may be opened twice.
#[test]
fn reading_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let planet = dir.path().join("planet");
    import(&small_relief(dir.path()), 128, &planet);
    let listed = || {
        let mut found = Vec::new();
        let mut open = vec![planet.clone()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let (path, about) = (
                    entry.as_ref().unwrap().path(),
                    entry.unwrap().metadata().unwrap(),
                );
                found.push((path.clone(), about.len(), about.modified().unwrap()));
                open.extend(about.is_dir().then_some(path));
            }
        }
        found.sort();
        found
    };
    let before = listed();
    let twice = [0, 1].map(|_| RocksStore::open(&planet).unwrap());
    let name = planet.display().to_string();
    succeed(&["info", &name]);
    succeed(&["verify", &name]);
    succeed(&["query", &name, "1", "2"]);
    let out = dir.path().join("pack").display().to_string();
    succeed(&["pack", &name, "--out", &out]);
    assert_eq!(twice[0].load_at(0).unwrap(), twice[1].load_at(0).unwrap());
    assert_eq!(listed(), before);
}

/// A base hands out bytes of the mapped file itself, of raw and of hot tiles: nothing is copied.
#[cfg(target_os = "linux")]
#[test]
fn tiles_are_read_where_they_are_mapped() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path()).display().to_string();
    for codec in ["raw", "hot"] {
        let planet = dir.path().join(codec).display().to_string();
        let what = ["import", "--samples", "256", "--codec", codec];
        succeed(&[&what[..], &["--relief", &relief, "--out", &planet]].concat());
        let store = RocksStore::open(&planet).unwrap();
        for cell in store.cells() {
            for _ in 0..2 {
                let tile = store.tile(*cell).unwrap();
                let bytes = tile.bytes().unwrap().as_ptr_range();
                let file = mapped_file(bytes.start as usize, bytes.end as usize);
                assert!(file.ends_with(".sst"), "tile {cell} lies in {file:?}");
            }
        }
    }
}

/// The file whose mapping holds these addresses, or nothing.
#[cfg(target_os = "linux")]
fn mapped_file(start: usize, end: usize) -> String {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let hex = |text: &str| usize::from_str_radix(text, 16).unwrap();
    let line = maps.lines().find(|line| {
        let (from, to) = line
            .split_whitespace()
            .next()
            .unwrap()
            .split_once('-')
            .unwrap();
        hex(from) <= start && end <= hex(to)
    });
    line.and_then(|line| line.split_whitespace().nth(5))
        .unwrap_or_default()
        .to_owned()
}

/// Oceans are blue, the Sahara is not, Antarctica is white; the poles' rows are of one colour.
#[test]
fn the_picture_is_of_the_earth() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("earth.png").display().to_string();
    succeed(&[
        "render",
        PACK,
        "--projection",
        "equirectangular",
        "--width",
        "512",
        "--out",
        &out,
    ]);
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(out).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((frame.width, frame.height), (512, 256));
    let at = |lat: f64, lon: f64| {
        let (x, y) = ((lon + 180.0) / 360.0 * 512.0, (90.0 - lat) / 180.0 * 256.0);
        let at = 3 * (y as usize * 512 + x as usize);
        [0, 1, 2].map(|c| i32::from(pixels[at + c]))
    };
    for (lat, lon) in [(0.0, -150.0), (-30.0, -15.0), (40.0, -45.0), (-20.0, 80.0)] {
        let [r, _, b] = at(lat, lon);
        assert!(b > 2 * r, "sea at {lat} {lon}");
    }
    for (lat, lon) in [(23.0, 10.0), (-25.0, 130.0), (40.0, -105.0), (60.0, 90.0)] {
        let [r, g, b] = at(lat, lon);
        assert!(r.max(g) > b, "land at {lat} {lon}");
    }
    assert!(at(-85.0, 60.0).iter().all(|c| *c > 200), "ice");
}

#[test]
fn what_files_do_not_say_of_themselves_is_said_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("planet").display().to_string();
    let height_m = |lat: &str, lon: &str| {
        let answer = succeed(&["query", "--json", &out, lat, lon]);
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["height_m"].as_f64().unwrap()
    };
    // A picture of 1,000 m all over, in the north-east quarter of the world's map: 0 to 180° east, 0 to 85° north.
    let picture = dir.path().join("1/1/0.png");
    fs::create_dir_all(picture.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(fs::File::create(&picture).unwrap(), 16, 16);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels = [0x83, 0xe8, 0].repeat(16 * 16);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    let picture = picture.display().to_string();
    let import = ["import", "--relief", &picture, "--out", &out];
    let error = fail(1, &import);
    assert!(error.contains("0.png"), "{error}");
    succeed(&[&import[..], &["--encoding", "terrarium"]].concat());
    assert_eq!(height_m("40", "90"), 1_000.0);

    // A GeoTIFF whose coordinate system has no code.
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../spatial-core/tests/data/relief/strips_plain.tif"
    );
    let mut bytes = fs::read(golden).unwrap();
    let key = |code: u16| [[2048u16, 0, 1, code].map(u16::to_le_bytes).concat()].concat();
    let at = bytes.windows(8).position(|b| b == key(4326)).unwrap();
    bytes[at..at + 8].copy_from_slice(&key(32_767));
    let grid = dir.path().join("nameless.tif");
    fs::write(&grid, bytes).unwrap();
    let grid = grid.display().to_string();
    let import = ["import", "--relief", &grid, "--out", &out];
    let error = fail(1, &import);
    assert!(error.contains("without an EPSG code"), "{error}");
    succeed(&[&import[..], &["--epsg", "4326"]].concat());
}
