//! Where a reader's bytes come from: a file that is open only while it is read, or memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

/// A file's bytes. Planets are made of thousands of files, more than a process may have open, so each read opens its own.
#[derive(Clone, Debug)]
pub(super) enum Bytes {
    File(PathBuf),
    Memory(Arc<Vec<u8>>), // not a slice: what was inflated is not copied
}

impl Bytes {
    pub(super) fn len(&self) -> io::Result<u64> {
        match self {
            Self::File(path) => Ok(std::fs::metadata(path)?.len()),
            Self::Memory(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// Fills a buffer from an offset.
    pub(super) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut reader = self.reader();
        reader.seek(SeekFrom::Start(offset))?;
        reader.read_exact(buffer)
    }

    /// The first bytes, fewer at the end of the file.
    pub(super) fn first(&self, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader().take(count).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn reader(&self) -> ByteReader {
        ByteReader {
            bytes: self.clone(),
            at: 0,
            file: None,
        }
    }
}

/// A reader of [`Bytes`] that can let go of its file and go on later.
#[derive(Debug)]
pub(super) struct ByteReader {
    bytes: Bytes,
    at: u64,
    file: Option<BufReader<File>>, // its place is `at`
}

impl ByteReader {
    /// Closes the file until the next read.
    pub(super) fn release(&mut self) {
        self.file = None;
    }
}

impl Read for ByteReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &self.bytes {
            Bytes::Memory(bytes) => {
                let from = bytes
                    .len()
                    .min(usize::try_from(self.at).unwrap_or(usize::MAX));
                (&bytes[from..]).read(buffer)?
            }
            Bytes::File(path) => {
                if self.file.is_none() {
                    let mut file = File::open(path)?;
                    file.seek(SeekFrom::Start(self.at))?;
                    self.file = Some(BufReader::with_capacity(1 << 16, file));
                }
                let file = self.file.as_mut().expect("just opened");
                file.read(buffer)?
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for ByteReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.bytes.len()?.checked_add_signed(by),
        };
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "seek before the beginning");
        let at = at.ok_or_else(outside)?;
        if let Some(file) = &mut self.file {
            let by = at.wrapping_sub(self.at) as i64;
            // Within the buffer where possible.
            file.seek_relative(by)?;
        }
        self.at = at;
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_memory_read_alike_and_go_on_after_a_release() {
        let content: Vec<u8> = (0..200_000u32).map(|k| (k % 251) as u8).collect();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bytes");
        std::fs::write(&path, &content).unwrap();
        for bytes in [Bytes::File(path), Bytes::Memory(Arc::new(content.clone()))] {
            let mut reader = bytes.reader();
            for (n, at) in [7u64, 150_000, 3, 199_990].into_iter().enumerate() {
                reader.seek(SeekFrom::Start(at)).unwrap();
                let mut buffer = [0; 10];
                reader.read_exact(&mut buffer).unwrap();
                assert_eq!(buffer, content[at as usize..][..10]);
                if n == 1 {
                    reader.release();
                }
            }
            assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
            assert_eq!(reader.seek(SeekFrom::End(-2)).unwrap(), 199_998);
            assert!(reader.seek(SeekFrom::Current(-200_000)).is_err());
            assert_eq!(bytes.len().unwrap(), 200_000);
            assert_eq!(bytes.first(1 << 20).unwrap(), content);
            assert!(bytes.read_at(199_999, &mut [0; 2]).is_err());
        }
    }
}
