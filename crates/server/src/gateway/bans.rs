//! Who is kept out, by whoever runs the server: a list that is a file, so that it outlives the process and can be edited.
//!
//! ```text
//! # anything behind a number sign is for people
//! 77 1764500000      player 77, until that second since 1970
//! 78 forever
//! ```

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use net_proto::PlayerId;

/// Players on a list.
const BANS_MAX: usize = 1 << 17;
/// Bytes of its file: a line of each, with room for a remark.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Without an end.
const FOREVER: u64 = u64::MAX;

/// The list.
#[derive(Debug)]
pub(crate) struct Bans {
    path: PathBuf,
    until_s: BTreeMap<PlayerId, u64>,
}

impl Bans {
    /// The list of a file; none need be there.
    pub(crate) fn open(path: PathBuf) -> Result<Self, BansError> {
        let until_s = match File::open(&path) {
            Ok(file) => read(&path, file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(io_at(&path)(source)),
        };
        Ok(Self { path, until_s })
    }

    /// What the file says now.
    pub(crate) fn again(&self) -> Result<Self, BansError> {
        Self::open(self.path.clone())
    }

    /// Whether a player is kept out.
    pub(super) fn has(&self, player: PlayerId, now_s: u64) -> bool {
        let until_s = self.until_s.get(&player);
        until_s.is_some_and(|until_s| *until_s > now_s)
    }

    pub(super) fn len(&self) -> usize {
        self.until_s.len()
    }

    /// Keeps a player out for so many seconds, or for ever; on the disk when this returns.
    pub(crate) fn add(
        &mut self,
        player: PlayerId,
        for_s: Option<u64>,
        now_s: u64,
    ) -> Result<(), BansError> {
        let until_s = for_s.map_or(FOREVER, |s| now_s.saturating_add(s));
        let mut all = self.until_s.clone();
        all.retain(|_, until_s| *until_s > now_s);
        all.insert(player, until_s);
        if all.len() > BANS_MAX {
            return Err(BansError::TooMany(self.path.clone()));
        }
        self.store(all)
    }

    /// Lets a player in again; whether it was kept out.
    pub(crate) fn remove(&mut self, player: PlayerId) -> Result<bool, BansError> {
        let mut all = self.until_s.clone();
        match all.remove(&player) {
            None => Ok(false),
            Some(_) => self.store(all).map(|()| true),
        }
    }

    /// First on the disk, then in force. Remarks that people wrote are lost.
    fn store(&mut self, all: BTreeMap<PlayerId, u64>) -> Result<(), BansError> {
        let mut text = String::from("# player, and until when: a second since 1970, or forever\n");
        for (player, until_s) in &all {
            let until = match *until_s {
                FOREVER => "forever".to_owned(),
                until_s => until_s.to_string(),
            };
            text.push_str(&format!("{} {until}\n", player.0));
        }
        write(&self.path, text.as_bytes()).map_err(io_at(&self.path))?;
        self.until_s = all;
        Ok(())
    }
}

fn read(path: &Path, file: File) -> Result<BTreeMap<PlayerId, u64>, BansError> {
    let mut text = String::new();
    let bytes = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
    let bytes = bytes.map_err(io_at(path))?;
    let mut all = BTreeMap::new();
    for (n, line) in text.lines().enumerate() {
        let said = line.split('#').next().unwrap_or_default();
        let mut words = said.split_whitespace();
        let Some(player) = words.next() else {
            continue;
        };
        let until_s = match words.next() {
            Some("forever") => Some(FOREVER),
            Some(word) => word.parse().ok(),
            None => None,
        };
        let (Ok(player), Some(until_s), None) = (player.parse(), until_s, words.next()) else {
            let (path, line) = (path.to_owned(), n + 1);
            return Err(BansError::Line { path, line });
        };
        all.insert(PlayerId(player), until_s);
    }
    if all.len() > BANS_MAX || bytes as u64 == FILE_BYTES_MAX {
        return Err(BansError::TooMany(path.to_owned()));
    }
    Ok(all)
}

/// Complete or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let tmp = path.with_extension("tmp");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&tmp)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&tmp, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> BansError {
    let path = path.to_owned();
    move |source| BansError::Io { path, source }
}

/// Why the list of the kept out cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BansError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A line says nothing.
    #[error("{}, line {line}: must be a player's number and until when, a second since 1970 or `forever`", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which, from 1.
        line: usize,
    },
    /// More players than a list has.
    #[error("{}: more than 131072 players: whoever issues tickets must keep such lists", .0.display())]
    TooMany(PathBuf),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_outlives_its_process_and_ends_when_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bans.txt");
        let mut bans = Bans::open(path.clone()).unwrap();
        bans.add(PlayerId(7), Some(60), 1_000).unwrap();
        bans.add(PlayerId(8), None, 1_000).unwrap();
        let again = Bans::open(path.clone()).unwrap();
        for bans in [&bans, &again] {
            let has = |player, now_s| bans.has(PlayerId(player), now_s);
            assert!(has(7, 1_059) && !has(7, 1_060) && has(8, u64::MAX - 1) && !has(9, 0));
        }
        assert!(bans.remove(PlayerId(8)).unwrap() && !bans.remove(PlayerId(8)).unwrap());
        assert!(!bans.again().unwrap().has(PlayerId(8), 0));
        // Those whose time is over go with the next change.
        bans.add(PlayerId(9), Some(5), 2_000).unwrap();
        assert_eq!(bans.again().unwrap().len(), 1);
    }

    #[test]
    fn a_line_that_says_nothing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bans.txt");
        std::fs::write(&path, "# who\n\n5 forever # rude\n6 70\n").unwrap();
        assert_eq!(Bans::open(path.clone()).unwrap().len(), 2);
        for wrong in ["ann forever", "5", "5 soon", "5 6 7", "-5 6"] {
            std::fs::write(&path, format!("1 2\n{wrong}\n")).unwrap();
            let error = Bans::open(path.clone()).unwrap_err().to_string();
            assert!(error.contains("bans.txt, line 2"), "{error}");
        }
    }
}
