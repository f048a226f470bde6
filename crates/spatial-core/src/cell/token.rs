//! Tokens: short names of cells.

use core::fmt;
use core::ops::Deref;
use core::str::FromStr;

use super::id::CellId;

/// S2's token of a cell: its id in hexadecimal without the zeros at the end. Text of 1 to 16 bytes, on the stack.
///
/// ```
/// # use spatial_core::CellId;
/// let token = CellId::from_token("89c25")?.to_token();
/// assert_eq!((token.as_str(), token.len()), ("89c25", 5));
/// # Ok::<(), spatial_core::InvalidToken>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    digits: [u8; 16], // lower-case hexadecimal
    length: u8,       // 1 to 16
}

impl Token {
    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.digits[..usize::from(self.length)]).expect("digits are ASCII")
    }
}

impl Deref for Token {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl CellId {
    /// S2's token, without an allocation.
    pub fn to_token(self) -> Token {
        let id = self.to_u64();
        let digits = core::array::from_fn(|n| {
            let digit = (id >> (60 - 4 * n) & 15) as u8;
            digit + if digit < 10 { b'0' } else { b'a' - 10 }
        });
        let length = 16 - (id.trailing_zeros() / 4) as u8;
        Token { digits, length }
    }

    /// S2's token: the id in hexadecimal without its trailing zeros. Allocates; [`CellId::to_token`] does not.
    pub fn token(self) -> String {
        self.to_token().as_str().to_owned()
    }

    /// The cell named by a token.
    ///
    /// # Errors
    /// [`InvalidToken`] when it is not 1 to 16 hexadecimal digits or names no cell.
    pub fn from_token(token: &str) -> Result<Self, InvalidToken> {
        let digits = token.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits || token.is_empty() || token.len() > 16 {
            return Err(InvalidToken);
        }
        let number = u64::from_str_radix(token, 16).map_err(|_| InvalidToken)?;
        let id = number << (4 * (16 - token.len()));
        Self::new(id).map_err(|_| InvalidToken)
    }
}

impl FromStr for CellId {
    type Err = InvalidToken;

    fn from_str(token: &str) -> Result<Self, InvalidToken> {
        Self::from_token(token)
    }
}

impl fmt::Debug for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CellId({})", self.to_token())
    }
}

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_token())
    }
}

/// A text that is not the token of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a cell token: want 1 to 16 hexadecimal digits that name a cell")]
pub struct InvalidToken;
