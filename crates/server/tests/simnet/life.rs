//! One seed, from its beginning to its end.

use std::sync::Arc;
use std::time::Duration;

use bluemarble_server::Server;
use bluemarble_server::simulated::{self, Disk, Simulated};
use net_proto::quic::simulated::{Link, Network, Trace, run};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::lines::Lines;
use crate::place::Place;
use crate::plan::{CALM, END, PLAYERS, Plan};
use crate::player::{Fate, Stage, play};
use crate::rules::Market;
use crate::told::{Book, Counts};

/// How often the server is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Who is in has heard something of the world within this.
const FRESH: Duration = Duration::from_millis(1_500);

/// A planted fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    None,
    /// The store says that everything is durable that it was handed.
    Liar,
    /// Who asks again whether it has paid pays again.
    PaysTwice,
}

/// What came of a seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Outcome {
    /// Of all packets.
    pub(crate) trace: Trace,
    /// Of all that players were told.
    pub(crate) told: u64,
    /// The world at its end: tick and hash.
    pub(crate) end: (u64, u64),
    pub(crate) counts: Counts,
}

/// Lives through a seed; what does not hold.
pub(crate) fn live(seed: u64, fault: Fault) -> Result<Outcome, String> {
    run(async move {
        simulated::begin();
        let (plan, network) = (Plan::of(seed), Network::new(seed, Link::default()));
        let book = Arc::<Book>::default();
        let stage = Arc::new(Stage {
            lines: Lines::new(network.clone(), seed),
            network,
            place: Place::new(seed),
            book,
            seed,
            is_lonely: plan.agents == 0,
            began: Instant::now(),
        });
        let mut life = Life {
            stage: Arc::clone(&stage),
            plan,
            fault,
            starts: 0,
        };
        let mut players = JoinSet::new();
        for number in 0..PLAYERS {
            players.spawn(play(Arc::clone(&stage), number));
        }
        let server = life.direct().await?;
        let fates = players.join_all().await;
        let end = life.end(server).await?;
        for (number, fate) in fates.into_iter().enumerate() {
            life.is_well(number, fate)?;
        }
        stage.book.verdict()?;
        Ok(Outcome {
            trace: stage.network.trace(),
            told: stage.book.hash(),
            end,
            counts: stage.book.counts(),
        })
    })
}

struct Life {
    stage: Arc<Stage>,
    plan: Plan,
    fault: Fault,
    starts: u64,
}

/// What is done at a time.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Darken(u32, bool),
    Stop(usize),
    Calm,
    Look,
}

impl Life {
    /// Does what is planned, in order; the server at the end.
    async fn direct(&mut self) -> Result<Simulated, String> {
        let mut deeds = Vec::new();
        for dark in &self.plan.darks {
            deeds.push((dark.from, Deed::Darken(dark.whose, true)));
            deeds.push((dark.to, Deed::Darken(dark.whose, false)));
        }
        let stops = self.plan.stops.iter().enumerate();
        deeds.extend(stops.map(|(n, stop)| (stop.at, Deed::Stop(n))));
        deeds.push((CALM, Deed::Calm));
        let looks = (END.as_millis() / LOOK.as_millis()) as u32;
        deeds.extend((1..looks).map(|n| (LOOK * n, Deed::Look)));
        deeds.sort_by_key(|(at, _)| *at);
        let mut server = self.start()?;
        for (at, deed) in deeds {
            sleep_until(self.stage.began + at).await;
            match deed {
                Deed::Darken(whose, is_dark) => self.stage.lines.darken(whose, is_dark),
                Deed::Calm => self.stage.lines.calm(),
                Deed::Look => self.look(&server)?,
                Deed::Stop(n) => {
                    let stop = self.plan.stops[n];
                    self.stop(server, stop.is_cut).await?;
                    sleep(stop.pause).await;
                    server = self.start()?;
                }
            }
        }
        Ok(server)
    }

    fn market(&self) -> Market {
        let book = Arc::clone(&self.stage.book);
        Market::new(book, self.fault == Fault::PaysTwice)
    }

    fn start(&mut self) -> Result<Simulated, String> {
        self.starts += 1;
        let stage = &self.stage;
        let config = stage.place.config(stage.seed, &self.plan);
        let disk = Disk {
            pause: Duration::from_millis(1)..Duration::from_millis(self.plan.disk_ms),
            seed: stage.seed + self.starts,
            is_liar: self.fault == Fault::Liar,
        };
        let builder = Server::builder(config).game(self.market());
        Simulated::start(builder, &stage.network, &disk)
            .map_err(|e| format!("start {}: {e}", self.starts))
    }

    /// Whether the server is as it should be while it runs.
    fn look(&self, server: &Simulated) -> Result<(), String> {
        if !server.is_running() {
            return Err("the world has ended".into());
        }
        server.check()?;
        let status = server.status();
        let judged = &status.judged;
        let mut findings = judged.findings.keys().filter(|name| *name != "held");
        if let Some(finding) = findings.next() {
            return Err(format!(
                "an honest player was found at something: {finding}"
            ));
        }
        if judged.kicked + judged.banned + judged.corrected > 0 {
            return Err(format!("an honest player was judged: {judged:?}"));
        }
        if status.inputs_dropped > 0 || status.queues.values().any(|waiting| *waiting > 1_000) {
            return Err(format!("queues are full: {:?}", status.queues));
        }
        self.stage.book.verdict()
    }

    /// Ends the server, and looks whether everything is there that was acknowledged.
    async fn stop(&self, server: Simulated, is_cut: bool) -> Result<(u64, u64), String> {
        let told = |e: &dyn std::fmt::Display| format!("the server cannot stop: {e}");
        match is_cut {
            true => {
                let lost = server.cut(self.stage.seed + self.starts).await;
                let lost = lost.map_err(|e| told(&e))?;
                self.stage.book.with(|told| {
                    told.counts.cuts += 1;
                    told.counts.lost_bytes += lost;
                });
                self.judge()
            }
            false => {
                let status = server.stop().await.map_err(|e| told(&e))?;
                let (tick, hash) = self.judge()?;
                let said = (status.state_hash_tick, status.state_hash);
                match said == (tick, format!("{hash:016x}")) {
                    true => Ok((tick, hash)),
                    false => Err(format!(
                        "the last status says {said:?}, the journal {tick} {hash:016x}"
                    )),
                }
            }
        }
    }

    /// Replays the journal: the world's tick and hash.
    fn judge(&self) -> Result<(u64, u64), String> {
        let config = self.stage.place.config(self.stage.seed, &self.plan);
        let replay = |until| {
            let replayed = simulated::replay(&config, &self.market(), until);
            replayed.map_err(|e| format!("the journal after start {}: {e}", self.starts))
        };
        let Some(all) = replay(None)? else {
            return Err("no world is there".into());
        };
        self.stage.book.with(|told| told.is_in(&all.world))?;
        let (tick, hash) = self.stage.book.with(|told| told.durable);
        if tick > 0
            && let Some(then) = replay(Some(tick))?
            && then.world.hash() != hash
        {
            return Err(format!(
                "tick {tick} was told to be durable with another hash"
            ));
        }
        Ok((all.world.tick(), all.world.hash()))
    }

    async fn end(&self, server: Simulated) -> Result<(u64, u64), String> {
        self.look(&server)?;
        self.stop(server, self.plan.ends_in_the_dark).await
    }

    /// Whether somebody is in at the end, as everybody is whom the network lets through.
    fn is_well(&self, number: usize, fate: Fate) -> Result<(), String> {
        let waits_outside = self.plan.places < PLAYERS as u32;
        match fate.heard {
            Some(heard) if heard < FRESH => Ok(()),
            None if waits_outside => Ok(()),
            _ => Err(format!("player {number} is not in at the end: {fate:?}")),
        }
    }
}
