//! A first rule of one's own, on a live server: whoever stands still for five seconds gets a coin.
//! `make example NAME=first_rule` plays it with two players, one who rests and one who walks; `ARGS='serve DIR'` serves it until Ctrl-C.
//!
//! ```text
//! step: Rest counts ──► Rested, an event ──► World::arrived ──► Game::tick ──► transfer, journalled ──► tell ──► player
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bluemarble::client::{BlockingSession, Event as Heard};
use bluemarble::server::{Config, Game, GameError, Issuer, Server, Settings, Turn, Visitor};
use bluemarble::sim::{
    Event, EventData, EventKind, Holder, Item, Near, Outbox, Stage, State, System, Transfer,
    Velocity, World,
};
use bluemarble::space::{Access, Block, Component, EntityId};
use bluemarble::wire::{PlayerId, PlayerName, WorldId};

const COIN: Item = Item(1);
const REST_S: u32 = 5;
/// What players are told: coins u64.
const RESTED: u16 = 1;

/// For how many ticks somebody has stood still: a column of the world, saved and restored with it.
#[derive(Clone, Copy, Component)]
#[component(name = "idle", kind = scalar, version = 1, crate = "bluemarble::space")]
struct Idle {
    ticks: u32,
}

/// Somebody has stood still for long enough: told to itself.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Rested {}

impl EventData for Rested {
    const KIND: EventKind = EventKind(256); // a game's begin here
}

/// The rule for everybody in every tick. It sees columns and nothing else, so that a replay does the same.
struct Rest {
    ticks: u32,
}

impl System for Rest {
    type Own = (&'static mut Idle, &'static Velocity);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::After // of the movement
    }

    fn run(
        &self,
        _: &Near<'_, State>,
        rows: Block<'_>,
        (idle, velocity): <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        for (n, id) in rows.ids.iter().enumerate() {
            let is_still = [velocity.x[n], velocity.y[n], velocity.z[n]] == [0; 3];
            idle.ticks[n] = if is_still { idle.ticks[n] + 1 } else { 0 };
            if idle.ticks[n] == self.ticks {
                idle.ticks[n] = 0;
                out.send(*id, *id, Rested {});
            }
        }
    }
}

/// What is here is forgotten when the server ends; coins are the ledger's, and are not.
#[derive(Default)]
struct Coins {
    players: BTreeMap<EntityId, Visitor>,
}

impl Game for Coins {
    fn prepare(&self, world: &mut World) -> Result<(), GameError> {
        world.register::<Idle>()?;
        let ticks = REST_S * u32::from(world.start().tick_rate_hz);
        world.add_system(Rest { ticks })?;
        Ok(())
    }

    fn join(&mut self, _: &mut Turn<'_>, visitor: &Visitor) {
        self.players.insert(visitor.entity, visitor.clone());
    }

    fn leave(&mut self, _: &mut Turn<'_>, visitor: &Visitor) {
        self.players.remove(&visitor.entity);
    }

    fn tick(&mut self, turn: &mut Turn<'_>) {
        let rested = |event: &Event| event.data::<Rested>().map(|_| event.target);
        let rested: Vec<_> = turn.world().arrived().iter().filter_map(rested).collect();
        for visitor in rested.iter().filter_map(|who| self.players.get(who)) {
            let purse = Holder::Account(visitor.account());
            let coin = Transfer::of(COIN, 1, (Holder::Mint, purse));
            if turn.transfer(coin).is_ok() {
                let (tick, coins) = (turn.tick(), turn.balance(purse, COIN));
                println!(
                    "tick {tick}: {} rests, coins: {coins}",
                    visitor.name.as_str()
                );
                turn.tell(visitor.player, RESTED, coins.to_le_bytes());
            }
        }
    }
}

type Result_<T> = Result<T, Box<dyn Error>>;

fn open(data: &Path, port: u16) -> Result_<Server> {
    let config = Config::new(Settings {
        listen: Some(SocketAddr::from(([127, 0, 0, 1], port))),
        planet: Some("assets/earth-1024.pack".into()),
        data_dir: Some(data.into()),
        ..Settings::default()
    })?;
    Ok(Server::builder(config).game(Coins::default()).start()?)
}

/// Serves until Ctrl-C. That is as good as an orderly end: what was acknowledged is on the disk.
fn serve(data: &Path) -> Result_<()> {
    let server = open(data, 4433)?;
    println!("listening on {}", server.local_addr());
    while server.is_running() {
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(server.stop().map(drop)?)
}

/// Enters with a ticket of the server's own, and goes east.
fn enter(server: &Server, data: &Path, who: (u64, &str), mps: f64) -> Result_<BlockingSession> {
    let issuer = Issuer::open(data, WorldId(1), None)?;
    let ticket = issuer.ticket(PlayerId(who.0), PlayerName::new(who.1)?, 50)?;
    let (addr, wait) = (server.local_addr(), Duration::from_secs(10));
    let mut session = BlockingSession::connect(addr, &ticket, wait)?;
    session.set_velocity(mps, 0.0, 0.0)?;
    Ok(session)
}

/// The coins of which a player has been told since the last time.
fn told(session: &mut BlockingSession) -> Result_<Vec<u8>> {
    let mut heard = Vec::new();
    session.poll(&mut heard)?;
    let coins = heard.iter().filter_map(|event| match event {
        Heard::Game(told) if told.kind == RESTED => Some(told.body[0]),
        _ => None,
    });
    Ok(coins.collect())
}

fn main() -> Result_<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    if let [_, data] = args.as_slice() {
        return serve(data.as_ref());
    }
    let dir = tempfile::tempdir()?;
    let server = open(dir.path(), 0)?;
    let mut ben = enter(&server, dir.path(), (2, "Ben"), 1.0)?;
    let mut ann = enter(&server, dir.path(), (1, "Ann"), 0.0)?;
    let (mut anns, mut bens) = (Vec::new(), Vec::new());
    while anns.len() < 2 {
        std::thread::sleep(Duration::from_millis(10));
        anns.extend(told(&mut ann)?);
        bens.extend(told(&mut ben)?);
    }
    println!("Ann stood still and was told {anns:?}; Ben walked and was told {bens:?}");
    assert_eq!((anns, bens), (vec![1, 2], vec![]));
    drop((ann, ben));
    server.stop()?;
    Ok(())
}
