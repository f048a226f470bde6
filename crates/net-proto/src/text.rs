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

/// What players write, as others get to see it: spaces of all kinds become plain ones, of which none begins, ends or follows another; what is
/// there without being seen (fillers, soft hyphens, joiners' relatives) goes, as does what must not be printed; and no letter carries more than four marks.
///
/// What a peer may send is a matter of the wire ([`ShortText`], [`crate::PlayerName`]); this is for what is passed on and logged.
pub fn clean(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        if is_space(c) {
            if !kept.is_empty() && !kept.ends_with(' ') {
                kept.push(' ');
            }
            marks = 0;
        } else if is_printable(c) && !is_blank(c) {
            marks = if is_mark(c) { marks + 1 } else { 0 };
            if marks <= MARKS_MAX {
                kept.push(c);
            }
        }
    }
    kept.truncate(kept.trim_end_matches(' ').len());
    kept
}

/// What can be taken for a space: all of Unicode's, and two blanks that it calls letters or symbols.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{2800}' | '\u{3164}')
}

/// What is not seen, although it is no control character.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{ffa0}'
        | '\u{e0100}'..='\u{e01ef}')
}

/// Marks that are drawn over the letter before.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

/// Vietnamese and Hebrew have two on a letter; towers of them reach into the lines around.
const MARKS_MAX: usize = 4;

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
    use proptest::prelude::*;

    use super::*;

    /// Texts of letters and of everything that is troublesome.
    fn troublesome() -> impl Strategy<Value = String> {
        let c = prop_oneof![
            any::<char>(),
            prop::char::range(' ', '~'),
            prop::char::range('\u{0300}', '\u{036f}'),
            prop::char::range('\u{2000}', '\u{206f}'),
            prop::char::range('\u{00}', '\u{1f}'),
        ];
        prop::collection::vec(c, 0..120).prop_map(|all| all.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_is_clean_forges_and_hides_nothing(text in troublesome()) {
            let kept = clean(&text);
            prop_assert!(kept.len() <= text.len());
            prop_assert_eq!(clean(&kept), kept.clone(), "not settled");
            prop_assert!(kept.chars().all(|c| is_printable(c) && !is_blank(c)));
            prop_assert!(kept.chars().all(|c| c == ' ' || !is_space(c)));
            prop_assert!(!kept.contains("  ") && kept.trim() == kept);
            let all: Vec<char> = kept.chars().collect();
            prop_assert!(!all.windows(5).any(|marks| marks.iter().all(|c| is_mark(*c))));
            // Nothing is invented.
            let mut rest = text.chars();
            for c in kept.chars() {
                prop_assert!(rest.any(|other| other == c || c == ' ' && is_space(other)));
            }
        }
    }

    #[test]
    fn what_people_write_stays() {
        for text in ["ann", "Zoë ☃", "日本 語", "Nguyễn", "a-b_c", "مرحبا", "🌍"] {
            assert_eq!(clean(text), text);
        }
        assert_eq!(clean("\u{3000}a\u{a0}\u{2003}b\u{202e}\n"), "a b");
        assert_eq!(clean("\u{3164}\u{ad}\u{200b} \t"), "");
        assert_eq!(
            clean(&format!("a{}b", "\u{301}".repeat(50))),
            "a\u{301}\u{301}\u{301}\u{301}b"
        );
    }

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
