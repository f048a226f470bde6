//! Players who are judged: honest ones on bad lines, and cheats.

mod body;
mod cheats;
mod claims;
mod client;
mod clocks;
mod ground;
mod honest;
mod hostile;
mod line;
mod server;
