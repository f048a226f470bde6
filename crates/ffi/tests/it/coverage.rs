//! Runs `tests/c/coverage.c`, which calls every function rightly and wrongly.

use std::path::Path;
use std::process::Command;

use spatial_core::{CellId, HeightTile, LatticeSpec, Manifest, PackWriter, Planet};

use crate::library::{link, package, succeed, valgrind};

/// A pack of five small tiles, all 0 m but for 1000 m at latitude and longitude 0; the south polar face is missing.
fn write_pack(path: &Path) {
    let intervals = 16;
    let side = usize::from(intervals) + 1;
    let lattice = LatticeSpec::new(1, intervals, 0.0, 1.0).expect("a legal lattice");
    let manifest = Manifest::new(Planet::EARTH, lattice, "a test", "none").with_tiles(5);
    let file = std::fs::File::create(path).expect("the folder is writable");
    let mut pack = PackWriter::new(file, &manifest).expect("a legal manifest");
    for face in 0..5 {
        let mut samples = vec![0; side * side];
        if face == 0 {
            samples[side * side / 2] = 1000;
        }
        let cell = CellId::from_face_ij(face, 0, 0, 0);
        let tile = HeightTile::new(cell, intervals, samples).expect("a legal tile");
        let bytes = tile.encode_archive(None).expect("a tile without a parent");
        pack.push(cell, &bytes).expect("the file is writable");
    }
    pack.finish().expect("the file is writable");
}

/// The same with its last tile damaged, that of latitude 0 and longitude -90.
fn damage(pack: &Path, copy: &Path) {
    let mut bytes = std::fs::read(pack).expect("the pack was just written");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    std::fs::write(copy, bytes).expect("the folder is writable");
}

#[test]
fn every_function_answers_rightly_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (pack, damaged) = (folder.path().join("pack"), folder.path().join("damaged"));
    write_pack(&pack);
    damage(&pack, &damaged);
    let program = link(&package().join("tests/c/coverage.c"), folder.path());
    succeed(Command::new(&program).arg(&pack).arg(&damaged));
    if let Some(mut checked) = valgrind(&program) {
        succeed(checked.arg(&pack).arg(&damaged));
    }
}
