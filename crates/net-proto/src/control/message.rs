//! The messages themselves. docs/wire.md draws each.

use core::fmt;

use spatial_core::EntityId;

use super::frame::write_frame;
use super::game::{Answer, Command, GameEvent};
use super::resume::{Resume, Return};
use crate::bytes::ByteReader;
use crate::error::WireError;
use crate::holder::Proof;
use crate::ids::{Epoch, WorldId};
use crate::limits::{DIGEST_ENTITIES_MAX, EPOCH_TICKS, PROTOCOL_VERSION, PROTOCOL_VERSION_OLDEST};
use crate::replication::EntityState;
use crate::replication::WireColumns;
use crate::text::ShortText;
use crate::ticket::Ticket;
use crate::token::Token;

/// What a client says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClientMessage {
    /// The first message.
    Hello(Hello),
    /// The first message of who comes back.
    Return(Return),
    /// Something is asked of the game; after the welcome.
    Command(Command),
}

impl ClientMessage {
    /// Appends the frame that travels.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_frame(out, |out| match self {
            Self::Hello(hello) => hello.encode(out),
            Self::Return(again) => again.encode(out),
            Self::Command(command) => {
                out.push(kind::COMMAND);
                command.encode(out);
            }
        });
    }

    /// From the content of a frame.
    ///
    /// # Errors
    /// [`WireError`]; [`WireError::Version`] before anything that another version may lay out otherwise.
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let mut reader = ByteReader::new(frame);
        let message = match reader.u8()? {
            kind::HELLO => Self::Hello(Hello::decode(&mut reader)?),
            kind::RETURN => Self::Return(Return::decode(&mut reader)?),
            kind::COMMAND => Self::Command(Command::decode(&mut reader)?),
            other => return Err(WireError::Kind(other)),
        };
        reader.finish()?;
        Ok(message)
    }
}

/// Asks to enter a world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// Of the protocol: from [`PROTOCOL_VERSION_OLDEST`] to [`PROTOCOL_VERSION`].
    pub version: u16,
    /// The world.
    pub world: WorldId,
    /// Permission to.
    pub token: Token,
    /// That whom the token was given to shows it; from version 3 on.
    pub proof: Option<Proof>,
}

impl Hello {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(kind::HELLO);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.world.0.to_le_bytes());
        encode_token(&self.token, out);
        if let Some(proof) = &self.proof {
            out.extend_from_slice(&proof.0);
        }
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        if &reader.array()? != MAGIC {
            return Err(WireError::Magic);
        }
        let version = reader.u16()?;
        if !(PROTOCOL_VERSION_OLDEST..=PROTOCOL_VERSION).contains(&version) {
            return Err(WireError::Version(version));
        }
        Ok(Self {
            version,
            world: WorldId(reader.u64()?),
            token: decode_token(reader)?,
            proof: decode_proof(version, reader)?,
        })
    }
}

/// What a server says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServerMessage {
    /// The answer to a hello: the session has begun.
    Welcome(Welcome),
    /// The session ends, or never began; nothing follows.
    Refuse(Refuse),
    /// What the world held at an epoch that the client acknowledged.
    Digest(Digest),
    /// The session goes on elsewhere.
    Redirect(Redirect),
    /// The server will stop soon.
    Maintenance(Maintenance),
    /// The world runs slower than its clock.
    TimeDilation(TimeDilation),
    /// The world is full, and the client stands in a queue; ahead of the welcome, any number of times.
    Queued(Queued),
    /// What is told of entities beside place and heading; ahead of the welcome, where there is anything.
    Columns(WireColumns),
    /// The session can be taken up again should its line be lost; each makes those before the last worthless.
    Resume(Resume),
    /// What became of a command.
    Answer(Answer),
    /// What the game tells the player.
    Event(GameEvent),
}

impl ServerMessage {
    /// Appends the frame that travels.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_frame(out, |out| match self {
            Self::Welcome(message) => message.encode(out),
            Self::Refuse(message) => message.encode(out),
            Self::Digest(message) => message.encode(out),
            Self::Redirect(message) => message.encode(out),
            Self::Maintenance(message) => message.encode(out),
            Self::TimeDilation(message) => message.encode(out),
            Self::Queued(message) => message.encode(out),
            Self::Resume(message) => message.encode(out),
            Self::Columns(columns) => {
                out.push(kind::COLUMNS);
                columns.encode(out);
            }
            Self::Answer(answer) => {
                out.push(kind::ANSWER);
                answer.encode(out);
            }
            Self::Event(event) => {
                out.push(kind::EVENT);
                event.encode(out);
            }
        });
    }

    /// From the content of a frame.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one legal message.
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let mut reader = ByteReader::new(frame);
        let message = match reader.u8()? {
            kind::WELCOME => Self::Welcome(Welcome::decode(&mut reader)?),
            kind::REFUSE => Self::Refuse(Refuse::decode(&mut reader)?),
            kind::DIGEST => Self::Digest(Digest::decode(&mut reader)?),
            kind::REDIRECT => Self::Redirect(Redirect::decode(&mut reader)?),
            kind::MAINTENANCE => Self::Maintenance(Maintenance::decode(&mut reader)?),
            kind::TIME_DILATION => Self::TimeDilation(TimeDilation::decode(&mut reader)?),
            kind::QUEUED => Self::Queued(Queued::decode(&mut reader)?),
            kind::COLUMNS => Self::Columns(WireColumns::decode(&mut reader)?),
            kind::RESUME => Self::Resume(Resume::decode(&mut reader)?),
            kind::ANSWER => Self::Answer(Answer::decode(&mut reader)?),
            kind::EVENT => Self::Event(GameEvent::decode(&mut reader)?),
            other => return Err(WireError::Kind(other)),
        };
        reader.finish()?;
        Ok(message)
    }
}

/// The session has begun: what the client must know of the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// The world.
    pub world: WorldId,
    /// The entity that the player steers.
    pub player: EntityId,
    /// The world's tick now.
    pub tick: u64,
    /// Ticks a second, 1 to 1,000.
    pub tick_rate_hz: u16,
    /// A snapshot every so many ticks on average, with gaps at most half as long again: 1, 2, 4 or 8, so that every epoch begins with one.
    pub snapshot_ticks: u8,
    /// The planet's radius, millimetres, not 0.
    pub radius_mm: u64,
    /// How far the player sees, decimetres.
    pub interest_dm: u32,
    /// Fastest that the player may walk, 2⁻⁸ m/s; faster requests are refused.
    pub speed_limit: u16,
    /// How characters fall, 2⁻⁸ m/s².
    pub gravity: u16,
    /// What the player's entity is.
    pub avatar: Avatar,
    /// What the terrain's lattice is, as a hash; 0 says nothing.
    pub lattice: u64,
}

/// What an entity is and can do, for a client that predicts it. Lengths are 2⁻⁸ m, speeds 2⁻⁸ m/s.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Avatar {
    /// How it moves: 0 as one of a crowd, 1 as a character, 2 as a flyer. A newer server may have more.
    pub grade: u8,
    /// Radius of its capsule or ball.
    pub radius: u16,
    /// Height of its capsule.
    pub height: u16,
    /// How fast its velocity comes to what it wishes, 2⁻⁸ m/s².
    pub acceleration: u16,
    /// The steepest ground that it can stand on: rise over run, 2⁻⁸.
    pub slope_max: u16,
    /// The highest step that it takes without a jump.
    pub step_max: u16,
    /// The speed at which it leaves the ground.
    pub jump_speed: u16,
    /// How the air slows a flyer: per second, 2⁻⁸.
    pub drag: u16,
    /// How much of gravity a flyer feels, 2⁻⁸ of it.
    pub weight: u16,
}

impl Avatar {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.grade);
        for number in [
            self.radius,
            self.height,
            self.acceleration,
            self.slope_max,
            self.step_max,
            self.jump_speed,
            self.drag,
            self.weight,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            grade: reader.u8()?,
            radius: reader.u16()?,
            height: reader.u16()?,
            acceleration: reader.u16()?,
            slope_max: reader.u16()?,
            step_max: reader.u16()?,
            jump_speed: reader.u16()?,
            drag: reader.u16()?,
            weight: reader.u16()?,
        })
    }
}

impl Welcome {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(kind::WELCOME);
        out.extend_from_slice(&self.world.0.to_le_bytes());
        out.extend_from_slice(&self.player.0.to_le_bytes());
        out.extend_from_slice(&self.tick.to_le_bytes());
        out.extend_from_slice(&self.tick_rate_hz.to_le_bytes());
        out.push(self.snapshot_ticks);
        out.extend_from_slice(&self.radius_mm.to_le_bytes());
        out.extend_from_slice(&self.interest_dm.to_le_bytes());
        out.extend_from_slice(&self.speed_limit.to_le_bytes());
        out.extend_from_slice(&self.gravity.to_le_bytes());
        self.avatar.encode(out);
        out.extend_from_slice(&self.lattice.to_le_bytes());
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        let welcome = Self {
            world: WorldId(reader.u64()?),
            player: EntityId(reader.u64()?),
            tick: reader.u64()?,
            tick_rate_hz: reader.u16()?,
            snapshot_ticks: reader.u8()?,
            radius_mm: reader.u64()?,
            interest_dm: reader.u32()?,
            speed_limit: reader.u16()?,
            gravity: reader.u16()?,
            avatar: Avatar::decode(reader)?,
            lattice: reader.u64()?,
        };
        if !(1..=1_000).contains(&welcome.tick_rate_hz) {
            return Err(WireError::Field("tick rate"));
        }
        let interval = u64::from(welcome.snapshot_ticks);
        if interval == 0 || !EPOCH_TICKS.is_multiple_of(interval) {
            return Err(WireError::Field("snapshot interval"));
        }
        if welcome.radius_mm == 0 {
            return Err(WireError::Field("planet radius"));
        }
        Ok(welcome)
    }
}

/// Why there is no session, or none any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refuse {
    /// For programs.
    pub code: RefuseCode,
    /// For people.
    pub text: ShortText,
}

impl Refuse {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(kind::REFUSE);
        out.extend_from_slice(&self.code.0.to_le_bytes());
        self.text.encode(out);
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            code: RefuseCode(reader.u16()?),
            text: ShortText::decode(reader)?,
        })
    }
}

/// A reason to refuse. Values without a name are legal: a newer server may have more reasons.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RefuseCode(pub u16);

impl RefuseCode {
    /// The server speaks another version of the protocol.
    pub const VERSION: Self = Self(1);
    /// The world is not here.
    pub const WORLD: Self = Self(2);
    /// The token does not hold.
    pub const TOKEN: Self = Self(3);
    /// The world is full.
    pub const FULL: Self = Self(4);
    /// A message broke the protocol.
    pub const MALFORMED: Self = Self(5);
    /// The server is closing.
    pub const CLOSING: Self = Self(6);
    /// The player connected again, elsewhere.
    pub const REPLACED: Self = Self(7);
    /// Too many messages.
    pub const FLOOD: Self = Self(8);
    /// No hello arrived in time.
    pub const SLOW: Self = Self(9);
    /// The player asked for what no honest client asks for.
    pub const UNFAIR: Self = Self(10);
    /// The token is for another server.
    pub const AUDIENCE: Self = Self(11);
    /// Nothing proves that the token is the client's.
    pub const PROOF: Self = Self(12);
    /// There is no such session to come back to, or none any more.
    pub const GONE: Self = Self(13);
    /// Whoever runs the server, or the game, sends the player away.
    pub const KICKED: Self = Self(14);
    /// Whoever runs the server keeps the player out.
    pub const BANNED: Self = Self(15);
    /// The account service does not let the player in.
    pub const DENIED: Self = Self(16);
    /// Who has to be asked does not answer: later.
    pub const UNAVAILABLE: Self = Self(17);
}

impl fmt::Display for RefuseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::VERSION => "wrong protocol version",
            Self::WORLD => "no such world",
            Self::TOKEN => "token refused",
            Self::FULL => "world is full",
            Self::MALFORMED => "malformed message",
            Self::CLOSING => "server is closing",
            Self::REPLACED => "connected elsewhere",
            Self::FLOOD => "too many messages",
            Self::SLOW => "no hello in time",
            Self::UNFAIR => "unfair play",
            Self::AUDIENCE => "token is for another server",
            Self::PROOF => "possession not proven",
            Self::GONE => "nothing to resume",
            Self::KICKED => "sent away",
            Self::BANNED => "kept out",
            Self::DENIED => "account refused",
            Self::UNAVAILABLE => "account service is away",
            Self(code) => return write!(f, "reason {code}"),
        })
    }
}

/// Proof that client and server agree: what the world held at an epoch, as the client must have received it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Digest {
    /// An epoch that the client has acknowledged.
    pub epoch: Epoch,
    /// A tick whose records have been synced to the journal.
    pub durable_tick: u64,
    /// The state hash of the whole world after that tick.
    pub state_hash: u64,
    /// Some entities in the client's view at the epoch; at most [`DIGEST_ENTITIES_MAX`], more are not sent.
    pub entities: Vec<EntityState>,
}

impl Digest {
    fn encode(&self, out: &mut Vec<u8>) {
        let entities = &self.entities[..self.entities.len().min(DIGEST_ENTITIES_MAX)];
        out.push(kind::DIGEST);
        out.extend_from_slice(&self.epoch.number().to_le_bytes());
        out.extend_from_slice(&self.durable_tick.to_le_bytes());
        out.extend_from_slice(&self.state_hash.to_le_bytes());
        out.push(u8::try_from(entities.len()).unwrap_or(0)); // at most DIGEST_ENTITIES_MAX
        for entity in entities {
            entity.encode_plain(out);
        }
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        let epoch = Epoch::new(reader.u32()?).ok_or(WireError::Field("epoch"))?;
        let (durable_tick, state_hash) = (reader.u64()?, reader.u64()?);
        let count = usize::from(reader.u8()?);
        if count > DIGEST_ENTITIES_MAX {
            return Err(WireError::Field("entity count"));
        }
        let entities = (0..count).map(|_| EntityState::decode_plain(reader));
        Ok(Self {
            epoch,
            durable_tick,
            state_hash,
            entities: entities.collect::<Result<_, _>>()?,
        })
    }
}

/// The session goes on at another server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redirect {
    /// Host and port.
    pub address: ShortText,
    /// Opens the world there. Its token is bound to the key that the client proved in its hello, which does not travel: none is here once it is
    /// decoded.
    pub ticket: Ticket,
}

impl Redirect {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(kind::REDIRECT);
        self.address.encode(out);
        encode_token(&self.ticket.token, out);
        out.extend_from_slice(&self.ticket.cert_sha256);
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            address: ShortText::decode(reader)?,
            ticket: Ticket {
                token: decode_token(reader)?,
                cert_sha256: reader.array()?,
                key: None,
            },
        })
    }
}

/// The server will stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Maintenance {
    /// In so many seconds.
    pub starts_in_s: u32,
    /// For people.
    pub text: ShortText,
}

impl Maintenance {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(kind::MAINTENANCE);
        out.extend_from_slice(&self.starts_in_s.to_le_bytes());
        self.text.encode(out);
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            starts_in_s: reader.u32()?,
            text: ShortText::decode(reader)?,
        })
    }
}

/// How fast the world's time runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeDilation {
    /// Thousandths of its tick rate, 1 to 1,000.
    pub permille: u16,
}

impl TimeDilation {
    fn encode(self, out: &mut Vec<u8>) {
        out.push(kind::TIME_DILATION);
        out.extend_from_slice(&self.permille.to_le_bytes());
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        match reader.u16()? {
            permille @ 1..=1_000 => Ok(Self { permille }),
            _ => Err(WireError::Field("time dilation")),
        }
    }
}

/// The world is full: where a client stands in the queue of those who wait for a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Queued {
    /// 1 for who is next.
    pub place: u32,
    /// How long it takes, as things go, seconds; [`Queued::UNKNOWN`] where nobody can tell.
    pub wait_s: u16,
}

impl Queued {
    /// Nobody has left for long.
    pub const UNKNOWN: u16 = u16::MAX;

    fn encode(self, out: &mut Vec<u8>) {
        out.push(kind::QUEUED);
        out.extend_from_slice(&self.place.to_le_bytes());
        out.extend_from_slice(&self.wait_s.to_le_bytes());
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        match reader.u32()? {
            0 => Err(WireError::Field("place")),
            place => Ok(Self {
                place,
                wait_s: reader.u16()?,
            }),
        }
    }
}

/// Tokens carry their length, so that their layout can change without this message's.
fn encode_token(token: &Token, out: &mut Vec<u8>) {
    const { assert!(Token::BYTES_MAX <= TOKEN_BYTES_MAX) };
    let length = u16::try_from(token.as_bytes().len()).unwrap_or(0); // at most TOKEN_BYTES_MAX
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(token.as_bytes());
}

/// Version 2 has none. Where it is absent altogether, that is what is said.
fn decode_proof(version: u16, reader: &mut ByteReader<'_>) -> Result<Option<Proof>, WireError> {
    if version < PROOF_SINCE {
        return Ok(None);
    }
    if reader.is_empty() {
        return Err(WireError::Field("proof"));
    }
    Ok(Some(Proof(reader.array()?)))
}

fn decode_token(reader: &mut ByteReader<'_>) -> Result<Token, WireError> {
    let length = usize::from(reader.u16()?);
    if length > TOKEN_BYTES_MAX {
        return Err(WireError::Field("token"));
    }
    Token::from_bytes(reader.bytes(length)?).map_err(|_| WireError::Field("token"))
}

pub(super) const MAGIC: &[u8; 4] = b"BMRB";
/// No version's token is longer.
const TOKEN_BYTES_MAX: usize = 512;
/// The first version whose hellos prove that the token is the client's.
const PROOF_SINCE: u16 = 3;

pub(super) mod kind {
    pub(super) const HELLO: u8 = 0x01;
    pub(in crate::control) const RETURN: u8 = 0x02;
    pub(super) const COMMAND: u8 = 0x03;
    pub(super) const WELCOME: u8 = 0x81;
    pub(super) const REFUSE: u8 = 0x82;
    pub(super) const DIGEST: u8 = 0x83;
    pub(super) const REDIRECT: u8 = 0x84;
    pub(super) const MAINTENANCE: u8 = 0x85;
    pub(super) const TIME_DILATION: u8 = 0x86;
    pub(super) const COLUMNS: u8 = 0x87;
    pub(in crate::control) const RESUME: u8 = 0x88;
    pub(super) const ANSWER: u8 = 0x89;
    pub(super) const EVENT: u8 = 0x8a;
    pub(super) const QUEUED: u8 = 0x8b;
}
