//! What a player says to the game and to others, and what comes of it.

use net_proto::{Answer, COMMAND_BYTES_MAX, Say, ShortText, WireError};

/// Commands whose answers have not come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    unanswered: Vec<u64>,
}

impl Words {
    /// Commands that may be without an answer.
    pub(crate) const UNANSWERED_MAX: usize = 64;

    /// Notes a command whose body has so many bytes.
    pub(crate) fn ask(&mut self, operation: u64, bytes: usize) -> Result<(), SayError> {
        if bytes > COMMAND_BYTES_MAX {
            return Err(SayError::TooLong(bytes));
        }
        if operation == 0 || self.unanswered.contains(&operation) {
            return Err(SayError::Operation(operation));
        }
        if self.unanswered.len() == Self::UNANSWERED_MAX {
            return Err(SayError::TooMany);
        }
        self.unanswered.push(operation);
        Ok(())
    }

    /// Notes an answer.
    pub(crate) fn answered(&mut self, answer: &Answer) -> Result<(), WireError> {
        let mut unanswered = self.unanswered.iter();
        let asked = unanswered.position(|operation| *operation == answer.operation);
        let asked = asked.ok_or(WireError::Unexpected("an answer to no command"))?;
        self.unanswered.swap_remove(asked);
        Ok(())
    }
}

/// What a player says; what must not be printed becomes `?`.
pub(crate) fn say(channel: u8, text: &str) -> Result<Say, SayError> {
    let text = ShortText::lossy(text);
    match text.as_str() {
        "" => Err(SayError::Empty),
        _ => Ok(Say { channel, text }),
    }
}

/// Why something was not said. Nothing of it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SayError {
    /// A command's body is longer than it may be.
    #[error("a command's body has {0} bytes, more than {COMMAND_BYTES_MAX}")]
    TooLong(usize),
    /// The operation's name is 0, or that of a command whose answer has not come.
    #[error("operation {0} is no name for a new command")]
    Operation(u64),
    /// So many commands have no answer, or so much chat is still to be sent.
    #[error("too much is still to be answered or sent: wait")]
    TooMany,
    /// There is nothing to say.
    #[error("there is nothing to say")]
    Empty,
}

#[cfg(test)]
mod tests {
    use net_proto::AnswerCode;

    use super::*;

    #[test]
    fn commands_have_names_and_bounds() {
        let mut words = Words::default();
        let long = COMMAND_BYTES_MAX + 1;
        assert_eq!(words.ask(1, long), Err(SayError::TooLong(long)));
        assert_eq!(words.ask(0, 0), Err(SayError::Operation(0)));
        for operation in 1..=Words::UNANSWERED_MAX as u64 {
            assert_eq!(words.ask(operation, 1), Ok(()));
        }
        assert_eq!(words.ask(5, 1), Err(SayError::Operation(5)));
        assert_eq!(words.ask(99, 1), Err(SayError::TooMany));
        let answer = |operation| Answer {
            operation,
            tick: 9,
            code: AnswerCode::DONE,
            body: Vec::new(),
        };
        assert_eq!(words.answered(&answer(5)), Ok(()));
        assert!(words.answered(&answer(5)).is_err() && words.answered(&answer(99)).is_err());
        assert_eq!(words.ask(5, 1), Ok(()));
        assert_eq!(say(0, ""), Err(SayError::Empty));
    }
}
