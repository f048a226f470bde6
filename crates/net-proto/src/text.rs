//! Text from and to players: short, and safe to print.

use core::fmt;

use crate::bytes::ByteReader;
use crate::error::WireError;
use crate::limits::TEXT_BYTES_MAX;

/// A text of at most [`TEXT_BYTES_MAX`] bytes without control or direction-changing characters, so that it cannot
/// forge a line of a log or hide in a terminal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ShortText(String);

impl ShortText {
    /// A text, cut to the limit at a character; what must not be printed becomes `?`.
    pub fn lossy(text: &str) -> Self {
        let mut kept = String::new();
        for c in text.chars().map(|c| if is_printable(c) { c } else { '?' }) {
            if kept.len() + c.len_utf8() > TEXT_BYTES_MAX {
                break;
            }
            kept.push(c);
        }
        Self(kept)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        // At most TEXT_BYTES_MAX, which is below 256.
        out.push(u8::try_from(self.0.len()).unwrap_or(0));
        out.extend_from_slice(self.0.as_bytes());
    }

    pub(crate) fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        let length = usize::from(reader.u8()?);
        if length > TEXT_BYTES_MAX {
            return Err(WireError::Field("text"));
        }
        match core::str::from_utf8(reader.bytes(length)?) {
            Ok(text) if text.chars().all(is_printable) => Ok(Self(text.into())),
            _ => Err(WireError::Field("text")),
        }
    }
}

impl fmt::Display for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a character may appear in names and texts: no control characters, line or paragraph separators,
/// and none that change the direction of what follows or are invisible.
pub(crate) fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_cleaned() {
        let long = "é".repeat(150);
        assert_eq!(ShortText::lossy(&long).as_str(), "é".repeat(100));
        assert_eq!(ShortText::lossy("a\nb\u{202e}c").as_str(), "a?b?c");
    }

    #[test]
    fn a_peers_text_is_checked() {
        let decode = |bytes: &[u8]| ShortText::decode(&mut ByteReader::new(bytes));
        assert_eq!(decode(b"\x02hi").map(|t| t.0), Ok("hi".into()));
        for bad in [&b"\x03hi\n"[..], b"\x01\xff", &[201; 202]] {
            assert_eq!(decode(bad), Err(WireError::Field("text")));
        }
        assert_eq!(decode(b"\x03hi"), Err(WireError::Short));
    }
}
