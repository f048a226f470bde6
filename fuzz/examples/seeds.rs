//! Writes the seeds of all targets anew: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`, to be run and
//! committed whenever a format has changed.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for target in bluemarble_fuzz::TARGETS {
        let folder = root.join(target.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        for (name, bytes) in (target.seeds)() {
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}
