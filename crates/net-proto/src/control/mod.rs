//! Control messages: what travels on the one reliable stream that a client opens.

mod columns;
mod frame;
mod game;
mod message;
mod resume;

pub use frame::FrameReader;
pub(crate) use frame::write_frame;
pub use game::{Answer, AnswerCode, Command, GameEvent};
pub use message::{
    Avatar, ClientMessage, Digest, Hello, Maintenance, Queued, Redirect, Refuse, RefuseCode,
    ServerMessage, TimeDilation, Welcome,
};
pub use resume::{Resume, ResumeSecret, Return};
