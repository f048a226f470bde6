//! The world's thread: fixed ticks, records in, state out. It waits for neither disk nor network nor clients.
//!
//! ```text
//! a tick   1 drain joins, leaves, loaded tiles; judge inputs and shots; agents choose; the game → records
//!          2 World::step(tick, records); players are remembered for the shots to come
//!          3 records, used tokens, now and then the state hash          → store thread
//!          4 index, watch sets, snapshots of those whose turn it is, digests → network thread
//! ```
//! A loop that has fallen more than [`CATCH_UP_TICKS`] behind its clock lets the rest go (counted): the world then
//! runs late, never in fast motion. When the journal's queue is full no tick starts (counted): the world stands still.

mod agents;
mod journal;
mod judge;
mod own;
mod packer;
mod players;
mod pulse;
mod residency;
mod rhythm;
mod room;
mod sheets;
mod shots;
mod tally;
mod tell;
mod throttle;
mod views;
mod words;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use net_proto::{RefuseCode, SendBudget};
use rayon::{ThreadPool, ThreadPoolBuilder};
use sim_core::{JournalWriter, Record, World};
use spatial_core::{Sense, TileStore};

use crate::clock;
use crate::config::Config;
use crate::crew::Crew;
use crate::game::{Game, Visitor};
use crate::gateway::{Entrant, Event, Gate, Message, SessionId, WorldLink};
use crate::host::{Host, UsedToken};
use crate::lots::Lots;
use crate::operations::{Beat, Measures, WorldVitals};
use crate::persist::{Readiness, Room, Store};
use crate::server::ServerError;
use crate::status::StatusBoard;

use agents::{ROLE_PLAYER, Towns, Wanderers, of_role};
use judge::{Judge, Unknown};
use players::{Line, Newcomer, Players};
use residency::Residency;
use shots::Shots;
use tally::{StopWatch, Tally};
use throttle::{Level, Throttle};
use views::{DurableHash, Views};
use words::{Stage, Words};

/// Ticks that are made up for after a pause.
const CATCH_UP_TICKS: u32 = 5;
/// Players let in per tick: a storm of logins spreads over ticks.
const JOINS_A_TICK: usize = 64;
/// Datagrams of inputs taken per tick; the rest waits in its bounded queue.
const INPUTS_A_TICK: usize = 8_192;

/// What the loop is made of.
pub(crate) struct WorldParts {
    pub(crate) config: Config,
    pub(crate) game: Box<dyn Game>,
    pub(crate) world: World,
    pub(crate) host: Host,
    pub(crate) store: Store,
    pub(crate) crew: Crew,
    pub(crate) planet: Arc<dyn TileStore>,
    pub(crate) link: WorldLink,
    pub(crate) gate: Arc<Gate>,
    pub(crate) board: Arc<StatusBoard>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) vitals: Arc<WorldVitals>,
    pub(crate) measures: Measures,
    pub(crate) wish: Arc<Wish>,
}

/// Another configuration that the world is to take, of which it takes what it can.
#[derive(Debug, Default)]
pub(crate) struct Wish(Mutex<Option<Box<Config>>>);

impl Wish {
    pub(crate) fn make(&self, config: Config) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(config));
    }

    fn take(&self) -> Option<Box<Config>> {
        // Whoever makes one holds the lock for a moment; it is there in the next second, too.
        self.0.try_lock().ok()?.take()
    }
}

/// The world and everything that its ticks touch.
pub(crate) struct WorldLoop {
    config: Config,
    world: World,
    host: Host,
    store: Store,
    link: WorldLink,
    gate: Arc<Gate>,
    board: Arc<StatusBoard>,
    stop: Arc<AtomicBool>,
    vitals: Arc<WorldVitals>,
    wish: Arc<Wish>,
    throttle: Throttle,
    /// When the next tick is.
    due: Instant,
    pool: Arc<ThreadPool>,
    towns: Towns,
    wanderers: Wanderers,
    players: Players,
    judge: Judge,
    shots: Shots,
    words: Words,
    residency: Residency,
    views: Views,
    lots: Lots,
    records: Vec<Record>,
    logins: Vec<UsedToken>,
    /// The journal's entries; after a start and after a checkpoint they begin anew.
    entries: JournalWriter,
    /// State hashes that were journalled, oldest first; the first is the newest durable one.
    hashes: VecDeque<DurableHash>,
    /// The tick before which the state has this hash: the newest that was taken.
    newest_hash: (u64, u64),
    /// The tick of the newest checkpoint, on the disk or on its way there.
    checkpoint_tick: Option<u64>,
    /// How much the disk had when it was last looked at.
    room: Room,
    tally: Tally,
}

impl WorldLoop {
    /// Makes the loop; nothing happens before [`WorldLoop::run`].
    pub(crate) fn new(parts: WorldParts) -> Result<Self, ServerError> {
        let WorldParts { config, world, .. } = parts;
        let threads = usize::from(config.threads);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|n| format!("world-{n}"))
            .start_handler(|_| go_first())
            .build()
            .map_err(|e| ServerError::Start(e.to_string()))?;
        let towns = Towns::new(&world, &config).map_err(|e| ServerError::Start(e.to_string()))?;
        let mut residency = Residency::start(&world, parts.planet, &parts.crew)
            .map_err(|e| ServerError::Start(format!("the terrain thread: {e}")))?;
        towns.centres().for_each(|at| residency.want(&world, at));
        let (enter_m, hysteresis_m) = (config.interest_radius_m, config.interest_hysteresis_m);
        let sense = Sense::around(enter_m, enter_m + hysteresis_m)
            .map_err(|e| ServerError::Start(e.to_string()))?;
        let period = Duration::from_secs(1) / u32::from(config.tick_rate_hz);
        let views = Views::new(&world, sense, (own::near_m(&config), enter_m / 2.0))
            .map_err(|e| ServerError::Start(e.to_string()))?;
        let newest_hash = (world.tick(), world.hash());
        let mut records = Vec::new();
        towns.tell_kinds(&world, &mut records);
        Ok(Self {
            wanderers: Wanderers::new(&world, &towns, &config),
            // Other draws after every restart; they are journalled, so nothing depends on them.
            lots: Lots::new(config.seed ^ world.tick().wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            host: parts.host,
            checkpoint_tick: parts.store.checkpoint_tick(),
            store: parts.store,
            link: parts.link,
            gate: parts.gate,
            board: parts.board,
            stop: parts.stop,
            vitals: parts.vitals,
            wish: parts.wish,
            throttle: Throttle::new(config.tick_rate_hz, config.pace_min),
            due: clock::now(),
            pool: Arc::new(pool),
            judge: Judge::new(&config, towns.player_kind(), period),
            shots: Shots::new(&world, &config),
            words: Words::new(parts.game, config.earshot_m),
            world,
            towns,
            players: Players::default(),
            residency,
            views,
            records,
            logins: Vec::new(),
            entries: JournalWriter::new(),
            hashes: VecDeque::new(),
            newest_hash,
            room: Room::Ample,
            tally: Tally::with(parts.measures),
            config,
        })
    }

    /// Ticks until it is asked to stop, then journals the state hash and writes a checkpoint.
    ///
    /// The loop is on a thread of its own pool: what one thread does alone is never handed to another.
    pub(crate) fn run(self) -> Result<(), ServerError> {
        let pool = Arc::clone(&self.pool);
        pool.install(|| self.turns())
    }

    fn turns(mut self) -> Result<(), ServerError> {
        let vitals = Arc::clone(&self.vitals);
        let _ending = Ending(&vitals);
        self.begin();
        while let Some(pause) = self.turn()? {
            std::thread::sleep(pause);
        }
        self.finish()
    }

    /// As [`WorldLoop::run`], in a task among others.
    #[cfg(feature = "simulated")]
    pub(crate) async fn live(mut self) -> Result<(), ServerError> {
        let vitals = Arc::clone(&self.vitals);
        let _ending = Ending(&vitals);
        self.begin();
        while let Some(pause) = self.turn()? {
            self.players.assert_well_formed(&self.world);
            tokio::time::sleep(pause).await;
        }
        self.finish()
    }

    fn begin(&mut self) {
        self.greet_leftovers();
        self.due = clock::now();
    }

    /// Makes the tick that is due, if the journal has room for it; how long to wait before the next turn, none where there is none.
    fn turn(&mut self) -> Result<Option<Duration>, ServerError> {
        if self.stop.load(Ordering::Acquire) {
            return Ok(None);
        }
        let period = self.throttle.period();
        let now = clock::now();
        if now < self.due {
            return Ok(Some(self.due - now));
        }
        self.let_go(now - self.due, period);
        self.heed_room();
        match self.store.readiness() {
            Readiness::Ready => {}
            Readiness::Full => {
                let pause = period / 8;
                self.stand_still(pause);
                return Ok(Some(pause));
            }
            Readiness::Failed => return Ok(None),
        }
        self.tick()?;
        self.beat(true);
        self.due += period;
        Ok(Some(self.due.saturating_duration_since(clock::now())))
    }

    /// Says that the thread turns.
    fn beat(&self, has_ticked: bool) {
        self.vitals.beat(Beat {
            tick: self.world.tick(),
            durable_tick: self.store.durable_tick(),
            waiting: self.store.queued() as u64,
            has_ticked,
            has_failed: self.store.has_failed(),
        });
    }

    /// Avatars without a session: their players were in when the server ended.
    fn greet_leftovers(&mut self) {
        let leftovers = of_role(&self.world, ROLE_PLAYER).map(|row| Record::Despawn {
            entity: self.world.ids()[row],
        });
        self.records.extend(leftovers);
    }

    /// Lets ticks go that are too late to be made up for.
    fn let_go(&mut self, late: Duration, period: Duration) {
        if late > period * CATCH_UP_TICKS {
            self.tally.skipped += (late.as_nanos() / period.as_nanos()) as u64;
            self.due += late;
        }
    }

    /// Counts a time without a tick, and says every second how things are.
    fn stand_still(&mut self, pause: Duration) {
        let before_s = self.tally.stalled.as_secs();
        self.tally.stalled += pause;
        if self.tally.stalled.as_secs() != before_s {
            self.report();
        }
        self.beat(false);
    }

    fn tick(&mut self) -> Result<(), ServerError> {
        let mut watch = StopWatch::start();
        self.gather()?;
        let gather = watch.lap();
        let (tick, before) = (self.world.tick(), self.world.len());
        let (world, records) = (&mut self.world, &self.records);
        let report = self.pool.install(|| world.step(tick, records))?;
        self.tally.held = report.held;
        if report.crossings > 0 || self.records.iter().any(may_cross) {
            self.players.cross(&self.world);
        }
        self.startle(before);
        self.shots.remember(&self.world, self.players.avatars());
        let step = watch.lap();
        self.journal(tick);
        self.records.clear();
        let journal = watch.lap();
        self.welcome();
        self.show();
        // Nothing of the game overtakes a welcome.
        if self.players.flush(&self.link.messages) {
            let synced_tick = self.synced_tick();
            self.words.tell(synced_tick, &self.link.messages);
            while let Some((player, why)) = self.words.next_to_go(synced_tick) {
                self.players.kick(player, why);
            }
        }
        let stages = [gather, step, journal, watch.lap()];
        self.tally.add(stages, self.throttle.period());
        self.budget(stages.iter().sum());
        if self
            .world
            .tick()
            .is_multiple_of(u64::from(self.config.tick_rate_hz))
        {
            self.report();
        }
        Ok(())
    }

    /// Whoever has come into the world may touch somebody before that is looked at again. `before`: how many there were.
    fn startle(&mut self, before: usize) {
        if self.players.len() == 0 {
            return;
        }
        let (mut spawned, mut gone) = (0, 0);
        let mut near = Vec::new();
        for record in &self.records {
            match record {
                Record::Spawn { entity, .. } => {
                    spawned += 1;
                    if let Some(row) = self.world.row_of(*entity) {
                        let place = self.world.place(row);
                        self.views.near(place, self.views.near_m, &mut near);
                    }
                }
                Record::Despawn { .. } => gone += 1,
                _ => {}
            }
        }
        near.drain(..)
            .for_each(|entity| self.players.strike(entity));
        // Where systems spawn, or a record could not be obeyed, nobody says who.
        if before + spawned != self.world.len() + gone {
            self.players.strike_all();
        }
    }

    /// Nothing that was recorded up to this tick can be lost: where the store has nothing left to do, the last one that was executed, whether it recorded
    /// anything or not.
    fn synced_tick(&self) -> u64 {
        match self.store.queued() {
            0 => self.world.tick().saturating_sub(1),
            _ => self.store.durable_tick(),
        }
    }

    /// Everything that this tick consumes.
    fn gather(&mut self) -> Result<(), ServerError> {
        self.host.note_durable(self.store.durable_tick());
        self.residency.admit(&mut self.world, &mut self.records);
        self.residency.look(&self.world);
        for _ in 0..JOINS_A_TICK {
            if !self.host.can_lease() {
                break; // more names are on their way to the disk
            }
            match self.link.events.try_recv() {
                Ok(event) => self.handle(event)?,
                Err(_) => break,
            }
        }
        self.judge.begin(clock::now());
        for _ in 0..INPUTS_A_TICK {
            match self.link.inputs.try_recv() {
                Ok(heard) => {
                    let judge = (&mut self.judge, self.world.tick());
                    self.players.hear(&heard, judge);
                }
                Err(_) => break,
            }
        }
        let scene = (&self.world, &self.towns);
        self.wanderers
            .enter(scene, (&mut self.host, &mut self.lots), &mut self.records)
            .map_err(|e| ServerError::Start(e.to_string()))?;
        let (level, views) = (self.throttle.level(), &self.views);
        let is_idle = |entity| level >= Level::Idle && !views.is_watched(&self.world, entity);
        self.wanderers
            .choose(scene, (&mut self.lots, is_idle), &mut self.records);
        self.use_inputs();
        self.play();
        Ok(())
    }

    /// The game's turn: what players asked for and said, and what it does by itself.
    fn play(&mut self) {
        self.tell_gone();
        let talk_ticks = match self.throttle.level() >= Level::Talk {
            true => u64::from(self.config.tick_rate_hz / 2),
            false => 1,
        };
        let talks = self.world.tick().is_multiple_of(talk_ticks);
        let stage = stage(&self.world, &mut self.host, &mut self.records);
        let scene = (&self.players, &self.views);
        self.words.take(stage, (&mut self.link, talks), scene);
    }

    /// Tells the game who is in no more.
    fn tell_gone(&mut self) {
        for visitor in self.players.take_gone() {
            let stage = stage(&self.world, &mut self.host, &mut self.records);
            self.words.leave(stage, &visitor);
        }
    }

    /// Judges the players, and takes an input of each.
    fn use_inputs(&mut self) {
        let unknown = Unknown {
            is_ground_missing: self.tally.held > 0,
        };
        let (world, records) = (&self.world, &mut self.records);
        let judges = (&mut self.judge, &mut self.shots);
        self.players.inputs(judges, (world, unknown), records);
        let players = &mut self.players;
        self.shots
            .judge(world, records, |avatar| players.strike(avatar));
        self.players.sentence(&mut self.judge, records);
    }

    fn handle(&mut self, event: Event) -> Result<(), ServerError> {
        match event {
            Event::Join { session, who } => self.join(session, &who)?,
            Event::Return {
                session,
                from,
                version,
            } => self.come_back(session, from, version),
            Event::Lose { session } => self.players.lose(session, &mut self.records),
            Event::Leave {
                session,
                is_replaced,
            } => {
                self.tally.leaves += 1;
                if !is_replaced {
                    let judge = (&mut self.judge, &mut self.records);
                    self.players.leave(session, judge);
                }
            }
        }
        Ok(())
    }

    fn join(&mut self, session: SessionId, who: &Entrant) -> Result<(), ServerError> {
        let id = who.player;
        self.host.used.push(who.token);
        self.logins.push(who.token);
        if self.judge.is_banned(id) {
            let close = Message::Close(RefuseCode::UNFAIR, players::UNFAIR);
            self.players.say(session, close);
            return Ok(());
        }
        self.tally.joins += 1;
        let line = self.line(who.version);
        if let Some(from) = self.players.lost_by(id) {
            let judge = (&self.judge, &mut self.records);
            self.players.take_over((from, session), line, judge);
            return Ok(());
        }
        let start = |e: &dyn std::fmt::Display| ServerError::Start(e.to_string());
        let entity = self.host.lease();
        let entity = entity.ok_or_else(|| start(&"no entity id is left"))?;
        let town = (id.0 % u64::from(self.config.towns)) as usize;
        let agent = self
            .towns
            .newcomer(&self.world, town, ROLE_PLAYER, &mut self.lots)
            .map_err(|e| start(&e))?;
        let visitor = Visitor {
            player: id,
            name: who.name.clone(),
            entity,
        };
        let newcomer = Newcomer {
            visitor: visitor.clone(),
            line,
        };
        let judge = (&mut self.judge, &mut self.records);
        self.players.join(session, newcomer, judge);
        // Who was in over another session has left before it comes in again.
        self.tell_gone();
        self.records.push(Record::Spawn { entity, agent });
        let stage = stage(&self.world, &mut self.host, &mut self.records);
        self.words.join(stage, &visitor);
        Ok(())
    }

    /// A player comes back. Its avatar may be gone, if it was sent away at that very moment.
    fn come_back(&mut self, session: SessionId, from: SessionId, version: u16) {
        let line = self.line(version);
        let judge = (&self.judge, &mut self.records);
        if self.players.take_over((from, session), line, judge) {
            self.tally.resumed += 1;
        } else {
            let close = Message::Close(
                RefuseCode::GONE,
                "the session is over: get a new ticket".into(),
            );
            self.players.say(session, close);
        }
    }

    /// What a connection begins with.
    fn line(&self, version: u16) -> Line {
        Line {
            version,
            // Of tick 0 the durable tick says nothing: it is 0 from the start.
            tick: self.world.tick().max(1),
            budget: SendBudget::new(self.config.player_bytes_s, self.config.tick_rate_hz),
            own_values: self.views.own_values(self.config.tick_rate_hz),
        }
    }

    /// Takes what it can of another configuration, if one was wished for.
    fn obey(&mut self) {
        let Some(config) = self.wish.take() else {
            return;
        };
        (self.config, _) = self.config.reloaded(&config);
        self.judge.set_rules(&self.config);
        self.words.set_earshot(self.config.earshot_m);
        self.throttle.set_pace_min(self.config.pace_min);
        let (bytes_s, rate_hz) = (self.config.player_bytes_s, self.config.tick_rate_hz);
        for (_, player) in self.players.iter_mut() {
            player.budget = SendBudget::new(bytes_s, rate_hz);
        }
    }
}

/// How far the world's threads go before others, the network's among them, where they share a core: a tick that has begun is as short as its work. They sleep
/// for a good part of every tick, so the others have their time.
#[cfg(target_os = "linux")]
const NICE: i32 = -10;

/// Where the system does not permit it the thread goes with the others.
pub(crate) fn go_first() {
    #[cfg(target_os = "linux")] // a thread's own, elsewhere it is the whole process's
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "the world's threads have no priority");
    }
}

/// Says that the world's thread has ended, however it does.
struct Ending<'a>(&'a WorldVitals);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Whether somebody may be in another frame for it, or come into one.
fn may_cross(record: &Record) -> bool {
    !matches!(record, Record::Input { .. } | Record::Event { .. })
}

fn stage<'a>(world: &'a World, host: &'a mut Host, records: &'a mut Vec<Record>) -> Stage<'a> {
    Stage {
        world,
        host,
        records,
    }
}
