//! A game on the server, written with nothing but the public API: people walk, gather berries, fight, trade and talk; what they have is never lost
//! and never there twice. `make example NAME=reference_game` plays a short piece of it with two players over QUIC, starts the
//! server again, and finds everything where it was.
//!
//! ```text
//! player ──► command ──► Game::command ──► records of the coming tick ──► journal ──► answer, when they are on the disk
//!   GATHER   berries change hands, bush to player: one Transfer
//!   STRIKE   an event to the other, a Blow; the Wounds system hears it within the step
//!   OFFER    told to the other; nothing happens yet
//!   ACCEPT   both sides change hands: one Transfer, once, however often it is asked for
//!   BAG      what one has, and the number to go on with
//! say ──────► heard by those near
//! ```
//! To make a rule of your own: give a command a number, take it in [`Meadow::command`], and act by [`Turn`]. What happens in every tick is a
//! [`System`]; what people have is the ledger's.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use bluemarble::client::{BlockingSession, Event as Heard, Seen};
use bluemarble::server::{
    Config, Game, GameError, Issuer, Outcome, Server, Settings, TOWNS, Turn, Visitor,
};
use bluemarble::sim::{
    Account, Agent, Event, EventData, EventKind, Holder, Item, Kind, KindId, Near, Outbox, Record,
    Stage, State, System, Transfer, TransferError, World,
};
use bluemarble::space::{Access, Block, Component, Ecef, EntityId, Frame};
use bluemarble::wire::{Answer, AnswerCode, Command, PlayerId, PlayerName, Say, WorldId};

const BERRY: Item = Item(1);
const COIN: Item = Item(2);

/// A kind far from those of players and wanderers, who leave and come.
const BUSH: KindId = KindId(700);
const BUSHES: usize = 6;
const BERRIES_A_BUSH: i64 = 5;
const COINS_AT_FIRST: i64 = 20;

/// How far one can reach, metres.
const REACH_M: f64 = 3.0;
/// Who has suffered so much falls.
const HARM_MAX: u32 = 100;
const BLOW: u32 = 40;

/// Commands.
const GATHER: u16 = 1; // bush u64
const STRIKE: u16 = 2; // whom u64
const OFFER: u16 = 3; // whom u64 · given: item u32, count u32 · wanted: item u32, count u32
const ACCEPT: u16 = 4; // offer u64
const BAG: u16 = 5;

/// What players are told.
const OFFERED: u16 = 1; // offer u64 · who u64 · given · wanted
const FELL: u16 = 2; // who u64 · by whom u64

/// Why not.
const TOO_FAR: AnswerCode = AnswerCode(256);
const NOT_ENOUGH: AnswerCode = AnswerCode(257);

/// What somebody has suffered: zero for whoever enters.
#[derive(Clone, Copy, Component)]
#[component(name = "harm", kind = scalar, version = 1)]
struct Harm {
    points: u32,
}

/// Somebody is struck.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Blow {
    points: u32,
}

impl EventData for Blow {
    const KIND: EventKind = EventKind(256);
}

/// Who is struck has fallen: told to itself, with who struck.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Fell {
    by: u64,
}

impl EventData for Fell {
    const KIND: EventKind = EventKind(257);
}

/// Blows add up; who falls stands up again unhurt, a little poorer.
struct Wounds;

impl System for Wounds {
    type Own = (&'static mut Harm,);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::Before
    }

    fn run(
        &self,
        _: &Near<'_, State>,
        _: Block<'_>,
        _: <Self::Own as Access>::View<'_>,
        _: &mut Outbox,
    ) {
    }

    fn hears(&self) -> &[EventKind] {
        &[Blow::KIND]
    }

    fn receive(
        &self,
        _: &Near<'_, State>,
        event: &Event,
        row: usize,
        (harm,): &mut <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        let Some(blow) = event.data::<Blow>() else {
            return;
        };
        harm.points[row] += blow.points;
        if harm.points[row] >= HARM_MAX {
            harm.points[row] = 0;
            let by = event.source.0;
            out.send(event.target, event.target, Fell { by });
        }
    }
}

/// What somebody gives for what it wants.
#[derive(Clone, Copy)]
struct Bargain {
    from: PlayerId,
    to: PlayerId,
    given: (Item, i64),
    wanted: (Item, i64),
}

/// The rules. What is here is forgotten when the server ends; what must not be is in the world.
#[derive(Default)]
struct Meadow {
    players: BTreeMap<EntityId, PlayerId>,
    offers: BTreeMap<u64, Bargain>,
    last_offer: u64,
}

impl Game for Meadow {
    fn prepare(&self, world: &mut World) -> Result<(), GameError> {
        world.register::<Harm>()?;
        world.add_system(Wounds)?;
        Ok(())
    }

    fn join(&mut self, turn: &mut Turn<'_>, visitor: &Visitor) {
        self.players.insert(visitor.entity, visitor.player);
        // The first operation of every account, so that nobody gets it twice: then it is refused, and that is all.
        let gift = Transfer::of(COIN, COINS_AT_FIRST, (Holder::Mint, bag_of(visitor.player)));
        let _ = turn.transfer(gift.asked_by(visitor.account(), 1));
    }

    fn leave(&mut self, _: &mut Turn<'_>, visitor: &Visitor) {
        self.players.remove(&visitor.entity);
        let player = visitor.player;
        self.offers
            .retain(|_, b| b.from != player && b.to != player);
    }

    fn command(&mut self, turn: &mut Turn<'_>, visitor: &Visitor, command: &Command) -> Outcome {
        let done = match command.kind {
            GATHER => gather(turn, visitor, command),
            STRIKE => strike(turn, visitor, command),
            OFFER => self.offer(turn, visitor, command),
            ACCEPT => self.accept(turn, visitor, command),
            BAG => Ok(bag(turn, visitor)),
            _ => Err(AnswerCode::UNKNOWN),
        };
        done.map_or_else(Outcome::refuse, Outcome::done)
    }

    fn tick(&mut self, turn: &mut Turn<'_>) {
        plant(turn);
        for (who, by) in fallen(turn.world()) {
            let (Some(loser), Some(winner)) = (self.players.get(&who), self.players.get(&by))
            else {
                continue;
            };
            let half = turn.balance(bag_of(*loser), COIN) / 2;
            if half > 0 {
                let loot = Transfer::of(COIN, half, (bag_of(*loser), bag_of(*winner)));
                let _ = turn.transfer(loot); // there is as much
            }
            for player in [*loser, *winner] {
                turn.tell(player, FELL, [who.0, by.0].map(u64::to_le_bytes).concat());
            }
        }
    }
}

impl Meadow {
    fn offer(
        &mut self,
        turn: &mut Turn<'_>,
        visitor: &Visitor,
        command: &Command,
    ) -> Result<Vec<u8>, AnswerCode> {
        let mut body = Body(&command.body);
        let to = EntityId(body.u64()?);
        let (given, wanted) = (body.goods()?, body.goods()?);
        let to = *self.players.get(&to).ok_or(AnswerCode::MALFORMED)?;
        self.last_offer += 1;
        let offer = self.last_offer;
        let bargain = Bargain {
            from: visitor.player,
            to,
            given,
            wanted,
        };
        // Who offers something else takes the last offer back.
        self.offers.retain(|_, b| b.from != visitor.player);
        self.offers.insert(offer, bargain);
        let mut told = [offer, visitor.entity.0].map(u64::to_le_bytes).concat();
        told.extend(&command.body[8..]);
        turn.tell(to, OFFERED, told);
        Ok(offer.to_le_bytes().to_vec())
    }

    fn accept(
        &mut self,
        turn: &mut Turn<'_>,
        visitor: &Visitor,
        command: &Command,
    ) -> Result<Vec<u8>, AnswerCode> {
        let offer = Body(&command.body).u64()?;
        let is_done = turn
            .world()
            .ledger()
            .is_done(visitor.account(), command.operation);
        if is_done == Some(true) {
            return Ok(Vec::new()); // the answer was lost, not the trade
        }
        let bargain = *self.offers.get(&offer).ok_or(AnswerCode::MALFORMED)?;
        if bargain.to != visitor.player {
            return Err(AnswerCode::MALFORMED);
        }
        let (from, to) = (bag_of(bargain.from), bag_of(bargain.to));
        let ((given, gives), (wanted, wants)) = (bargain.given, bargain.wanted);
        let trade =
            Transfer::of(given, gives, (from, to)).and(Transfer::of(wanted, wants, (to, from)));
        let trade = turn.transfer(trade.asked_by(visitor.account(), command.operation));
        trade.map_err(|_| NOT_ENOUGH)?;
        self.offers.remove(&offer);
        Ok(Vec::new())
    }
}

fn bag_of(player: PlayerId) -> Holder {
    Holder::Account(Account(player.0))
}

fn gather(
    turn: &mut Turn<'_>,
    visitor: &Visitor,
    command: &Command,
) -> Result<Vec<u8>, AnswerCode> {
    let bush = EntityId(Body(&command.body).u64()?);
    let is_bush = turn
        .world()
        .agent(bush)
        .is_some_and(|agent| agent.kind == BUSH);
    if !is_bush || !is_within_reach(turn.world(), visitor.entity, bush) {
        return Err(TOO_FAR);
    }
    let berry = Transfer::of(BERRY, 1, (Holder::Entity(bush), bag_of(visitor.player)));
    match turn.transfer(berry.asked_by(visitor.account(), command.operation)) {
        Ok(()) | Err(TransferError::Done(_)) => Ok(Vec::new()),
        Err(_) => Err(NOT_ENOUGH),
    }
}

fn strike(
    turn: &mut Turn<'_>,
    visitor: &Visitor,
    command: &Command,
) -> Result<Vec<u8>, AnswerCode> {
    let whom = EntityId(Body(&command.body).u64()?);
    if whom == visitor.entity || !is_within_reach(turn.world(), visitor.entity, whom) {
        return Err(TOO_FAR);
    }
    turn.happen(whom, visitor.entity, Blow { points: BLOW });
    Ok(Vec::new())
}

/// Items and counts, then the number of the newest operation.
fn bag(turn: &Turn<'_>, visitor: &Visitor) -> Vec<u8> {
    let counts =
        [BERRY, COIN].map(|item| turn.balance(bag_of(visitor.player), item).cast_unsigned());
    let newest = turn.world().ledger().highest(visitor.account());
    [counts[0], counts[1], newest]
        .map(u64::to_le_bytes)
        .concat()
}

fn is_within_reach(world: &World, one: EntityId, other: EntityId) -> bool {
    let place = |entity| Some(world.place(world.row_of(entity)?));
    match (place(one), place(other)) {
        (Some(one), Some(other)) => one.distance_m(other) <= REACH_M,
        _ => false,
    }
}

/// Who fell in the last tick, and by whom.
fn fallen(world: &World) -> Vec<(EntityId, EntityId)> {
    let fell = |event: &Event| Some((event.target, EntityId(event.data::<Fell>()?.by)));
    world.arrived().iter().filter_map(fell).collect()
}

/// A new world gets bushes, in a row through the first town, and each its berries.
fn plant(turn: &mut Turn<'_>) {
    let world = turn.world();
    if world.kinds().any(|kind| kind == BUSH) {
        return;
    }
    let planet = world.start().planet;
    let place = |n: usize| {
        let at = TOWNS[0].near(4.0 * n as f64 - 10.0, 0.0).ok()?;
        planet.position(planet.ecef(at)).ok()
    };
    let places: Vec<_> = (0..BUSHES).filter_map(place).collect();
    if world.kind(BUSH).is_none() {
        let kind = Kind::crowd(0);
        turn.record(Record::Kind { id: BUSH, kind });
    }
    for position in places {
        let Some(entity) = turn.lease() else {
            return;
        };
        let agent = Agent {
            position,
            kind: BUSH,
            ..Agent::default()
        };
        turn.record(Record::Spawn { entity, agent });
        let grown = (Holder::Mint, Holder::Entity(entity));
        let _ = turn.transfer(Transfer::of(BERRY, BERRIES_A_BUSH, grown));
    }
}

/// A command's body.
struct Body<'a>(&'a [u8]);

impl Body<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], AnswerCode> {
        let (head, rest) = self.0.split_first_chunk().ok_or(AnswerCode::MALFORMED)?;
        self.0 = rest;
        Ok(*head)
    }

    fn u64(&mut self) -> Result<u64, AnswerCode> {
        self.take().map(u64::from_le_bytes)
    }

    fn goods(&mut self) -> Result<(Item, i64), AnswerCode> {
        let (item, count) = (self.take()?, self.take()?);
        Ok((
            Item(u32::from_le_bytes(item)),
            i64::from(u32::from_le_bytes(count)),
        ))
    }
}

/// Somebody who plays it.
struct Player {
    name: &'static str,
    session: BlockingSession,
    me: EntityId,
    operation: u64,
    at: Option<Ecef>,
    heard: Vec<Heard>,
    seen: Vec<Seen>,
}

type Result_<T> = Result<T, Box<dyn Error>>;

impl Player {
    fn enter(server: &Server, data: &Path, (number, name): (u64, &'static str)) -> Result_<Self> {
        let issuer = Issuer::open(data, WorldId(1), None)?;
        let ticket = issuer.ticket(PlayerId(number), PlayerName::new(name)?, 50)?;
        let wait = Duration::from_secs(10);
        let session = BlockingSession::connect(server.local_addr(), &ticket, wait)?;
        let me = session.welcome().player;
        let mut this = Self {
            name,
            session,
            me,
            operation: u64::MAX / 2, // a number that moves nothing
            at: None,
            heard: Vec::new(),
            seen: Vec::new(),
        };
        let [.., newest] = this.bag()?;
        this.operation = newest;
        Ok(this)
    }

    /// Hears what has come.
    fn listen(&mut self) -> Result_<()> {
        std::thread::sleep(Duration::from_millis(10));
        self.session.poll(&mut self.heard)?;
        let planet = self.session.planet();
        for event in &self.heard {
            if let Heard::Own(own, _) = event {
                self.at = Some(Frame::new(planet, own.position.frame)?.to_ecef(own.position));
            }
        }
        self.heard
            .retain(|event| matches!(event, Heard::Answer(_) | Heard::Game(_) | Heard::Said(_)));
        self.session.entities(&mut self.seen);
        Ok(())
    }

    /// Waits for something that is heard.
    fn wait<T>(&mut self, what: impl Fn(&Heard) -> Option<T>) -> Result_<T> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(15) {
            self.listen()?;
            if let Some(n) = self.heard.iter().position(|event| what(event).is_some()) {
                return what(&self.heard.remove(n)).ok_or_else(|| "nothing".into());
            }
        }
        Err(format!("{} waited in vain", self.name).into())
    }

    /// Asks for something, and waits for what becomes of it.
    fn ask(&mut self, kind: u16, body: &[u8]) -> Result_<Answer> {
        self.operation += 1;
        let operation = self.operation;
        self.session.command(operation, kind, body)?;
        self.wait(|event| match event {
            Heard::Answer(answer) if answer.operation == operation => Some(answer.clone()),
            _ => None,
        })
    }

    fn told(&mut self, kind: u16) -> Result_<Vec<u8>> {
        self.wait(|event| match event {
            Heard::Game(told) if told.kind == kind => Some(told.body.clone()),
            _ => None,
        })
    }

    /// Berries, coins, and the number of the newest operation.
    fn bag(&mut self) -> Result_<[u64; 3]> {
        let answer = self.ask(BAG, &[])?;
        let mut body = Body(&answer.body);
        let mut next = || body.u64().map_err(|_| "no bag");
        Ok([next()?, next()?, next()?])
    }

    /// Walks until it stands beside somebody, and gives who that is: the nearest of those that are wanted.
    fn walk_to(&mut self, is_wanted: impl Fn(EntityId) -> bool) -> Result_<EntityId> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            self.listen()?;
            let Some(at) = self.at else {
                self.session.set_velocity(0.1, 0.0, 0.0)?; // who moves is told where it is
                continue;
            };
            let distance = |seen: &&Seen| seen.place.distance_m(at);
            let wanted = self
                .seen
                .iter()
                .filter(|seen| is_wanted(seen.id) && seen.id != self.me);
            let nearest = wanted.min_by(|a, b| distance(a).total_cmp(&distance(b)));
            let Some(nearest) = nearest else {
                continue;
            };
            if distance(&nearest) < REACH_M - 0.5 {
                let found = nearest.id;
                self.session.set_velocity(0.0, 0.0, 0.0)?;
                return Ok(found);
            }
            let frame = Frame::at(self.session.planet(), at);
            let way = frame.rotate_in(nearest.place.to_vec() - at.to_vec());
            let speed = 4.0 / way.length();
            self.session
                .set_velocity(way.x * speed, way.y * speed, 0.0)?;
        }
        Err(format!("{} found no way", self.name).into())
    }
}

fn open(data: &Path) -> Result_<Server> {
    let config = Config::new(Settings {
        listen: Some(([127, 0, 0, 1], 0).into()),
        planet: Some("assets/earth-1024.pack".into()),
        data_dir: Some(data.into()),
        towns: Some(1),
        endpoints: Some(1),
        ..Settings::default()
    })?;
    Ok(Server::builder(config).game(Meadow::default()).start()?)
}

fn main() -> Result_<()> {
    let dir = tempfile::tempdir()?;
    let server = open(dir.path())?;
    let mut ann = Player::enter(&server, dir.path(), (1, "Ann"))?;
    let mut ben = Player::enter(&server, dir.path(), (2, "Ben"))?;
    let people = [ann.me, ben.me];

    let bush = ann.walk_to(|who| !people.contains(&who))?;
    for _ in 0..3 {
        let answer = ann.ask(GATHER, &bush.0.to_le_bytes())?;
        assert_eq!(answer.code, AnswerCode::DONE);
    }
    println!("Ann walks to a bush and gathers: {:?}", ann.bag()?);

    ben.walk_to(|who| who == people[0])?;
    ann.session.say(Say::NEAR, "Two berries for five coins?")?;
    let said = ben.wait(|event| match event {
        Heard::Said(said) => Some(said.text.as_str().to_owned()),
        _ => None,
    })?;
    println!("Ben comes, and hears: {said}");

    let [to, goods] = [
        ben.me.0.to_le_bytes().to_vec(),
        [BERRY.0, 2, COIN.0, 5].map(u32::to_le_bytes).concat(),
    ];
    assert_eq!(
        ann.ask(OFFER, &[to, goods].concat())?.code,
        AnswerCode::DONE
    );
    let offer = ben.told(OFFERED)?;
    assert_eq!(ben.ask(ACCEPT, &offer[..8])?.code, AnswerCode::DONE);
    // Had the answer been lost: the same number again is the same trade, and nothing more happens.
    ben.operation -= 1;
    assert_eq!(ben.ask(ACCEPT, &offer[..8])?.code, AnswerCode::DONE);
    let (anns, bens) = (ann.bag()?, ben.bag()?);
    println!("They trade, once: Ann has {anns:?}, Ben {bens:?}");
    assert_eq!((anns[..2] == [1, 25], bens[..2] == [2, 15]), (true, true));

    for _ in 0..3 {
        assert_eq!(
            ben.ask(STRIKE, &ann.me.0.to_le_bytes())?.code,
            AnswerCode::DONE
        );
    }
    ann.told(FELL)?;
    let (anns, bens) = (ann.bag()?, ben.bag()?);
    println!("Ben strikes, Ann falls: Ann has {anns:?}, Ben {bens:?}");
    assert_eq!((anns[..2] == [1, 13], bens[..2] == [2, 27]), (true, true));

    drop((ann, ben));
    let last = server.stop()?;
    let server = open(dir.path())?;
    println!("The server starts again, at tick {}", last.tick);
    let mut ann = Player::enter(&server, dir.path(), (1, "Ann"))?;
    let mut ben = Player::enter(&server, dir.path(), (2, "Ben"))?;
    assert_eq!((ann.bag()?, ben.bag()?), (anns, bens));
    println!("and both have what they had.");
    drop((ann, ben));
    server.stop()?;
    Ok(())
}
