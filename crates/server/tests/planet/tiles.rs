//! `planet tile`: bytes, meshes and what a node is.

use std::fs;

use spatial_core::{CellId, ClientTile, Codec, PackStore};

use super::earth::PACK;
use super::{bluemarble, fail, succeed};

fn json(args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&succeed(&[args, &["--json"]].concat())).unwrap()
}

#[test]
fn bytes_are_those_of_the_library() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tile").display().to_string();
    let mut needing = 0;
    let store = PackStore::open(PACK).unwrap();
    let cell = CellId::from_token("479").unwrap();
    let (tile, parent) = (
        ClientTile::of(&store, cell).unwrap(),
        ClientTile::of(&store, cell.parent(3)).unwrap(),
    );
    for (args, want) in [
        (&["--cell", "479"][..], tile.encode(Codec::Archive, None)),
        (
            &["--at", "46", "7.7", "--codec", "wire"],
            tile.encode(Codec::Wire, None),
        ),
        (
            &["--cell", "479", "--with-parent"],
            tile.encode(Codec::Archive, Some(&parent)),
        ),
        (
            &["--at", "46", "7.7", "--level", "3"],
            parent.encode(Codec::Archive, None),
        ),
    ] {
        let said = json(&[&["tile", PACK, "--out", &file], args].concat());
        let bytes = fs::read(&file).unwrap();
        assert_eq!(bytes, want.unwrap(), "{args:?}");
        assert_eq!(said["bytes"], bytes.len());
        let is_alone = ClientTile::decode(&bytes, None).is_ok();
        assert_eq!(said["needs_parent"], !is_alone);
        needing += usize::from(!is_alone);
    }
    assert_eq!(needing, 1, "the one with its parent");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn nodes_are_described() {
    let (leaf, face) = (
        json(&["tile", PACK, "--cell", "479"]),
        json(&["tile", PACK, "--cell", "5"]),
    );
    assert_eq!(
        (&leaf["level"], &leaf["children"]),
        (&4.into(), &serde_json::json!([]))
    );
    assert_eq!(leaf["geometric_error_m"], 0.0);
    let mesh_error_m = leaf["mesh_error_m"].as_f64().unwrap();
    assert!((4.0..5.0).contains(&mesh_error_m), "{mesh_error_m}");
    assert_eq!(leaf["error_bound_m"], 0.0);
    assert_eq!(face["children"].as_array().unwrap().len(), 4);
    let number = |of: &serde_json::Value, name: &str| of[name].as_f64().unwrap();
    assert!(number(&face, "min_m") <= number(&leaf, "min_m"));
    // The deepest of all samples, as `planet info` has it.
    let lowest_m = number(&json(&["info", PACK]), "lowest_m");
    assert_eq!(number(&face, "horizon_radius_m"), 6_371_008.8 + lowest_m);
    assert!(number(&leaf, "max_m") > 3_000.0 && number(&leaf, "radius_m") < 400_000.0);
    let length = |v: &serde_json::Value| {
        (0..3)
            .map(|k| v[k].as_f64().unwrap().powi(2))
            .sum::<f64>()
            .sqrt()
    };
    assert!(length(&leaf["horizon_point_m"]) > length(&leaf["center_m"]));
    assert!(succeed(&["tile", PACK, "--cell", "479"]).contains("known no finer"));
}

/// A reader of binary glTF that knows its specification alone.
#[test]
fn meshes_are_binary_gltf() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tile.glb").display().to_string();
    let arguments = [
        "tile", PACK, "--at", "-90", "0", "--level", "2", "--mesh", "--out", &file,
    ];
    json(&[&arguments[..], &["--coarser", "0", "1", "2", "0"]].concat());
    let bytes = fs::read(&file).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(
        (&bytes[..4], word(4), word(8)),
        (&b"glTF"[..], 2, bytes.len())
    );
    let text = 20..20 + word(12);
    assert_eq!(&bytes[16..20], b"JSON");
    let (numbers_at, numbers) = (text.end + 8, word(text.end));
    assert_eq!(
        (&bytes[text.end + 4..numbers_at], numbers_at + numbers),
        (&b"BIN\0"[..], bytes.len())
    );
    assert!(text.end.is_multiple_of(4) && bytes.len().is_multiple_of(4));
    let gltf: serde_json::Value = serde_json::from_slice(&bytes[text]).unwrap();
    let indices = &gltf["accessors"][2];
    let count = indices["count"].as_u64().unwrap() as usize;
    let views = gltf["bufferViews"].as_array().unwrap();
    let offset = views[2]["byteOffset"].as_u64().unwrap() as usize;
    let vertices = gltf["accessors"][0]["count"].as_u64().unwrap();
    assert_eq!((vertices, offset), (65 * 65, 2 * 12 * 65 * 65));
    assert!(count > 3 * 8_000 && count < 6 * 64 * 64 && count.is_multiple_of(3));
    let index = |k: usize| {
        let at = numbers_at + offset + 2 * k;
        u64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
    };
    assert!((0..count).all(|k| index(k) < vertices));
    // Up at the South Pole, −z, is glTF's +y.
    let matrix = gltf["nodes"][0]["matrix"].as_array().unwrap();
    assert!(
        (matrix[9].as_f64().unwrap() + 1.0).abs() < 0.2,
        "{matrix:?}"
    );
    let error = fail(
        2,
        &[&arguments[..], &["--coarser", "0", "0", "3", "0"]].concat(),
    );
    assert!(error.contains("--coarser"), "{error}");
}

#[test]
fn misuse_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tile").display().to_string();
    let tile = ["tile", PACK, "--cell", "479"];
    for (more, names) in [
        (&["--codec", "wire"][..], "--out"),
        (&["--with-parent"], "--out"),
        (
            &["--with-parent", "--codec", "wire", "--out", &file],
            "--with-parent",
        ),
        (
            &["--mesh", "--coarser", "0", "5", "0", "0", "--out", &file],
            "--coarser",
        ),
    ] {
        let output = bluemarble(&[&tile[..], more].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(names), "{error}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
