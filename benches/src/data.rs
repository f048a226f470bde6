//! What `make data` has fetched.

use std::path::PathBuf;

/// A file of it; `None` when it is not there. The folder is where scripts/env.sh has it.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = var("BLUEMARBLE_CACHE").map(PathBuf::from);
    let shared = || var("XDG_CACHE_HOME").map(|dir| PathBuf::from(dir).join("bluemarble"));
    let home = || var("HOME").map(|dir| PathBuf::from(dir).join(".cache/bluemarble"));
    let path = cache.or_else(shared).or_else(home)?.join("data").join(name);
    path.is_file().then_some(path)
}
