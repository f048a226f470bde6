//! What an import takes of memory: at most 1 GiB, whatever the files.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype::Gray32Float};
use tiff::tags::Tag;

/// Most memory that the program has had, bytes, until it ended well.
fn peak_of(args: &[String]) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bluemarble"))
        .arg("planet")
        .args(args)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim_end_matches("kB").trim().parse::<u64>().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0)); // it only grows
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    1_024 * peak_kib
}

fn import(files: &[String], samples: &str, out: &Path) -> Vec<String> {
    let mut args = vec![
        "import".to_owned(),
        "--samples".to_owned(),
        samples.to_owned(),
    ];
    for file in files {
        args.extend(["--relief".to_owned(), file.clone()]);
    }
    args.extend(["--out".to_owned(), out.display().to_string()]);
    args
}

/// A grid of the whole planet with so many rows, compressed.
fn write_zst(path: &Path, rows: usize) {
    let file = BufWriter::new(File::create(path).unwrap());
    let mut out = zstd::Encoder::new(file, 1).unwrap();
    let samples = (0..2 * (rows - 1)).map(|k| (k % 997) as i16);
    let mut row: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    for n in 0..rows {
        row[n % 100] = n as u8;
        out.write_all(&row).unwrap();
    }
    out.finish().unwrap().flush().unwrap();
}

/// A GeoTIFF of 4,096² floats in one strip, the largest chunk that is read: 20° from a north-west corner.
fn write_tiff(path: &Path, [north, west]: [f64; 2]) {
    const SIDE: u32 = 4_096;
    let file = BufWriter::new(File::create(path).unwrap());
    let deflate = Compression::Deflate(DeflateLevel::Fast);
    let mut tiff = TiffEncoder::new(file).unwrap().with_compression(deflate);
    let mut image = tiff.new_image::<Gray32Float>(SIDE, SIDE).unwrap();
    image.rows_per_strip(SIDE).unwrap();
    let step = 20.0 / f64::from(SIDE);
    let tags = image.encoder();
    let mut doubles = |tag: u16, values: &[f64]| tags.write_tag(Tag::Unknown(tag), values).unwrap();
    doubles(33_550, &[step, step, 0.0]);
    doubles(33_922, &[0.0, 0.0, 0.0, west, north, 0.0]);
    // Geographic, WGS 84, pixels are areas.
    let keys = [
        1u16, 1, 0, 3, 1_024, 0, 1, 2, 1_025, 0, 1, 1, 2_048, 0, 1, 4_326,
    ];
    tags.write_tag(Tag::Unknown(34_735), &keys[..]).unwrap();
    let samples: Vec<f32> = (0..SIDE * SIDE)
        .map(|k| (k % 1_013) as f32 + (k / SIDE % 7) as f32)
        .collect();
    image.write_data(&samples).unwrap();
}

/// A tile of 3,601² samples, which can only be inflated as a whole.
fn write_zip(path: &Path) {
    let mut zip = zip::ZipWriter::new(BufWriter::new(File::create(path).unwrap()));
    let options = zip::write::SimpleFileOptions::default().compression_level(Some(1));
    let name = path.file_stem().unwrap().to_string_lossy();
    zip.start_file(name, options).unwrap();
    let samples = (0..3_601u32 * 3_601).flat_map(|k| ((k % 2_003) as i16).to_be_bytes());
    zip.write_all(&samples.collect::<Vec<u8>>()).unwrap();
    zip.finish().unwrap().flush().unwrap();
}

/// A large compressed grid, and files whose chunks are as large as are decoded, read by all threads. With `BLUEMARBLE_MEMORY` the grid is
/// as large as is held, and there are more files.
#[test]
fn an_import_of_large_files_stays_below_its_bound() {
    let is_full = std::env::var_os("BLUEMARBLE_MEMORY").is_some();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { dir.path().join(name) };
    let mut files = vec![path("planet.raw.zst")];
    write_zst(&files[0], if is_full { 11_585 } else { 8_192 });
    let corners = [[60.0, 0.0], [60.0, 20.0], [40.0, 0.0], [5.0, -80.0]];
    for (n, corner) in corners[..if is_full { 4 } else { 1 }].iter().enumerate() {
        files.push(path(&format!("strip{n}.tif")));
        write_tiff(&files[n + 1], *corner);
    }
    let zips = ["N10E020.hgt.zip", "N11E020.hgt.zip", "N12E021.hgt.zip"];
    for (n, name) in zips[..if is_full { 3 } else { 0 }].iter().enumerate() {
        files.push(path(name));
        match n {
            0 => write_zip(&path(name)),
            _ => drop(fs::copy(path(zips[0]), path(name)).unwrap()),
        }
    }
    let files: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let (samples, held, bound) = match is_full {
        true => ("512", 512 << 20, 1 << 30),
        false => ("128", 256 << 20, 800 << 20),
    };
    let peak = peak_of(&import(&files, samples, &path("planet")));
    println!("{} files take {} MiB", files.len(), peak >> 20);
    assert!(
        (held - (1 << 20)..bound).contains(&peak),
        "{} MiB",
        peak >> 20
    );
}
