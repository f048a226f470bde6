//! The server as its users meet it: as a library, over QUIC, and as a program.

mod hostile;
mod program;
mod restart;
mod support;
