//! A full disk: nobody new comes in and nothing is promised; without any room the world stands still.

use net_proto::{Maintenance, ServerMessage, ShortText};

use super::WorldLoop;
use crate::gateway::Message;
use crate::persist::Room;

/// What players are told when the world stops for want of room.
const STANDS_STILL: &str = "the server's disk is full: the world stands still until there is room";

impl WorldLoop {
    /// Looks how much room there is, and says so when that has changed.
    pub(super) fn heed_room(&mut self) {
        let room = self.store.room();
        if room == self.room {
            return;
        }
        self.room = room;
        self.gate.disk.put(room != Room::Ample);
        match room {
            Room::Ample => tracing::warn!("the disk has room again: players may come in"),
            Room::Reserve => {
                tracing::warn!("no room but the reserve: logins and commands are refused")
            }
            Room::Out => {
                tracing::error!("no room at all: the world stands still");
                self.announce_standstill();
            }
        }
        self.report();
    }

    fn announce_standstill(&mut self) {
        let mut frame = Vec::new();
        ServerMessage::Maintenance(Maintenance {
            starts_in_s: 0,
            text: ShortText::lossy(STANDS_STILL),
        })
        .encode(&mut frame);
        let welcome = self.players.iter_mut().filter(|(_, p)| p.is_welcome);
        let sessions: Vec<_> = welcome.map(|(session, _)| session).collect();
        for session in sessions {
            self.players.say(session, Message::Frame(frame.clone()));
        }
        self.players.flush(&self.link.messages);
    }
}

/// Its name in the status.
pub(super) fn name(room: Room) -> &'static str {
    match room {
        Room::Ample => "ample",
        Room::Reserve => "reserve",
        Room::Out => "out",
    }
}
