//! What bots do that no honest client does, to see that it is found.

use std::collections::VecDeque;
use std::time::Duration;

use client::{Connection, SessionError};
use net_proto::{Input, InputDatagram, InputHead, OwnState, Welcome};
use spatial_core::Position;

/// A cheat begins after so long an honest beginning.
pub(super) const HONEST: Duration = Duration::from_secs(2);
/// Who stands for so many seconds was told to.
const HALTED_S: u64 = 1;
/// Datagrams that a replay looks back.
const OLD: usize = 40;
/// Copies that a flood sends of every datagram.
const FLOOD: usize = 10;
/// Inputs from one snap of the aim to the next.
const SNAP_INPUTS: u32 = 5;

/// Something that a server must find.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(super) enum Cheat {
    /// Wishes a tenth beyond the speed limit
    Sprint,
    /// A clock that is a tenth fast
    Clock,
    /// Old datagrams sent again
    Replay,
    /// Other contents for inputs that were sent before
    Contradict,
    /// An aim that snaps from one side to the other
    Aim,
    /// Every datagram many times
    Flood,
    /// Buttons that there are not
    Buttons,
    /// False hashes of predicted states (needs --planet)
    Forge,
}

impl Cheat {
    /// The period in which a clock like this makes what is due in `honest`.
    pub(super) fn period(self, honest: Duration) -> Duration {
        match self {
            Self::Clock => honest * 10 / 11,
            _ => honest,
        }
    }
}

/// A bot that cheats.
pub(super) struct Cheater {
    cheat: Cheat,
    speed_limit: u16,
    sent: VecDeque<Vec<u8>>,
    /// The first and the last tick in which the server says that the avatar is at one place.
    stands: Option<(Position, [u64; 2])>,
    halted_ticks: u64,
}

impl Cheater {
    pub(super) fn new(cheat: Cheat, welcome: &Welcome) -> Self {
        Self {
            cheat,
            speed_limit: welcome.speed_limit,
            sent: VecDeque::with_capacity(OLD + 1),
            stands: None,
            halted_ticks: HALTED_S * u64::from(welcome.tick_rate_hz),
        }
    }

    /// Takes in where the avatar is. Bots never ask it to stand still.
    pub(super) fn see(&mut self, own: &OwnState) {
        match &mut self.stands {
            Some((at, [_, last])) if *at == own.position => *last = own.tick.max(*last),
            _ => self.stands = Some((own.position, [own.tick; 2])),
        }
    }

    /// Whether the server uses no inputs any more: it goes on saying so.
    pub(super) fn is_halted(&self) -> bool {
        let ticks = self.stands.map_or(0, |(_, [first, last])| last - first);
        ticks > self.halted_ticks
    }

    /// Sends a client's inputs, as they are or as this cheat does.
    pub(super) fn send(
        &mut self,
        connection: &mut Connection,
        is_honest: bool,
    ) -> Result<(), SessionError> {
        let mut own = Vec::new();
        if !connection.write_inputs(&mut own) {
            return Ok(());
        }
        if !is_honest {
            own = self.altered(&own)?;
        }
        self.sent.push_back(own.clone());
        if self.sent.len() > OLD {
            self.sent.pop_front();
        }
        connection.send_datagram(own.clone())?;
        match self.cheat {
            _ if is_honest => {}
            Cheat::Flood => {
                for _ in 1..FLOOD {
                    connection.send_datagram(own.clone())?;
                }
            }
            Cheat::Replay => connection.send_datagram(self.sent[0].clone())?,
            _ => {}
        }
        Ok(())
    }

    /// A datagram with what this cheat puts into it.
    fn altered(&self, honest: &[u8]) -> Result<Vec<u8>, SessionError> {
        let datagram = InputDatagram::decode(honest)?;
        let head = InputHead {
            predicted: match self.cheat {
                Cheat::Forge if datagram.head().predicted != 0 => datagram.head().predicted ^ 1,
                _ => datagram.head().predicted,
            },
            ..*datagram.head()
        };
        let first = datagram.first_seq();
        let count = datagram.inputs().len() as u32;
        let inputs = datagram.inputs().iter().zip(first..);
        let inputs = inputs.map(|(input, seq)| self.input(*input, seq, first + count - 1 - seq));
        let datagram = InputDatagram::new(head, first, inputs)?;
        let mut bytes = Vec::new();
        datagram.encode(&mut bytes);
        Ok(bytes)
    }

    /// The input of a number, of which `later` follow in the datagram.
    fn input(&self, honest: Input, seq: u32, later: u32) -> Input {
        let mut input = honest;
        match self.cheat {
            Cheat::Sprint => {
                input.east = (u32::from(self.speed_limit) * 11 / 10).min(i16::MAX as u32) as i16;
                input.north = 0;
            }
            Cheat::Aim if seq / SNAP_INPUTS % 2 == 1 => {
                input.heading = input.heading.wrapping_add(0x7800);
            }
            Cheat::Buttons => input.buttons |= 1 << 15,
            // What is sent again is not what it was.
            Cheat::Contradict => input.heading = input.heading.wrapping_add(later as u16),
            _ => {}
        }
        input
    }
}
