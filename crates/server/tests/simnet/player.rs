//! A player: a real client on a line that is as the seed says, who walks, talks, pays, moves house, vanishes and comes back.

use std::sync::Arc;
use std::time::Duration;

use client::{Agreement, ConnectError, Connection, Event, ResumeTicket};
use net_proto::quic::quinn::Endpoint;
use net_proto::quic::simulated::Network;
use net_proto::{Answer, AnswerCode, DigestVerdict, Input, RefuseCode, Say};
use tokio::time::{Instant, Interval, interval, sleep, sleep_until, timeout};

use crate::lines::{Lines, server_addr};
use crate::lots::Lots;
use crate::place::{Place, RATE_HZ};
use crate::plan::{CALM, END, PLAYERS, STILL};
use crate::rules::{COUNT, GIFT_OPERATION, PAY};
use crate::told::{Book, Payment};

/// Who hears nothing for so long tries another line.
const SILENCE: Duration = Duration::from_millis(2_500);
/// A payment that is not answered within this is asked for again.
const ANSWER: Duration = Duration::from_millis(1_500);

/// What all players have in common.
pub(crate) struct Stage {
    pub(crate) network: Network,
    pub(crate) lines: Lines,
    pub(crate) place: Place,
    pub(crate) book: Arc<Book>,
    pub(crate) seed: u64,
    /// Whether nobody is about but players.
    pub(crate) is_lonely: bool,
    pub(crate) began: Instant,
}

/// How a player fared.
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "read by who reads what failed")]
pub(crate) struct Fate {
    /// How long before the end it last heard anything of the world, if it was in.
    pub(crate) heard: Option<Duration>,
    /// When it last came in.
    pub(crate) entered: Duration,
    /// What it has asked for and was not answered.
    pub(crate) waits: bool,
}

struct Player {
    stage: Arc<Stage>,
    number: usize,
    lots: Lots,
    tickets: u64,
    resume: Option<ResumeTicket>,
    operation: u64,
    /// The payment that waits for an answer, and when it was asked for.
    pending: Option<(u64, Payment)>,
    entered: Duration,
}

/// How a stay ended.
enum Parting {
    /// The line is of no use any more, or was thrown away.
    Lost,
    Left,
    Over(Duration),
}

/// Plays until the end.
pub(crate) async fn play(stage: Arc<Stage>, number: usize) -> Fate {
    let mut player = Player {
        lots: Lots::of(stage.seed, 100 + number as u64),
        stage,
        number,
        tickets: 0,
        resume: None,
        operation: GIFT_OPERATION,
        pending: None,
        entered: Duration::ZERO,
    };
    let pause = player.lots.time_ms(1..1_500);
    sleep(pause).await;
    loop {
        let over = player.stage.began + END;
        let Ok(entered) = tokio::time::timeout_at(over, player.enter()).await else {
            return player.fate(None);
        };
        let Some(stay) = entered else {
            let pause = player.lots.time_ms(50..300);
            sleep(pause).await;
            continue;
        };
        match stay.go_on(&mut player).await {
            Parting::Over(heard) => return player.fate(Some(heard)),
            Parting::Lost => {
                player.stage.book.with(|told| told.counts.lost += 1);
                let pause = player.lots.time_ms(1..800);
                sleep(pause).await;
            }
            Parting::Left => {
                player.resume = None;
                let pause = player.lots.time_ms(100..1_500);
                sleep(pause).await;
            }
        }
    }
}

impl Player {
    fn id(&self) -> u64 {
        self.number as u64
    }

    /// Whether it has no planet of its own: the server sends it the ground.
    fn is_sent_ground(&self) -> bool {
        self.number.is_multiple_of(5)
    }

    fn fate(&self, heard: Option<Duration>) -> Fate {
        Fate {
            heard,
            entered: self.entered,
            waits: self.pending.is_some(),
        }
    }

    /// Comes in, from a new address: back to its session if it can, else with a new ticket.
    async fn enter(&mut self) -> Option<Stay> {
        let stage = Arc::clone(&self.stage);
        let addr = stage.lines.next(self.number);
        let endpoint = stage.network.client_endpoint(addr).unwrap();
        let resume = self.resume.take();
        let is_back = resume.is_some();
        let came = match &resume {
            Some(ticket) => Connection::resume(&endpoint, server_addr(), ticket).await,
            None => {
                self.tickets += 1;
                let ticket = stage.place.ticket(self.id(), self.tickets);
                let waits = |_| {
                    stage.book.with(|told| told.counts.queued += 1);
                    true
                };
                Connection::connect_queued(&endpoint, server_addr(), &ticket, waits).await
            }
        };
        match came {
            Ok(line) => {
                stage.book.with(|told| match is_back {
                    true => told.counts.resumed += 1,
                    false => told.counts.logins += 1,
                });
                Some(self.welcome(endpoint, line))
            }
            Err(error) => {
                self.refused(&error, is_back);
                stage.network.unplug(addr);
                None
            }
        }
    }

    fn welcome(&mut self, endpoint: Endpoint, mut line: Connection) -> Stay {
        let book = &self.stage.book;
        let welcome = *line.core().welcome();
        book.own(welcome.player, self.id());
        self.entered = self.stage.began.elapsed();
        let micros = self.entered.as_micros() as u64;
        book.note(&[self.id(), micros, welcome.player.0, welcome.tick]);
        if self.is_sent_ground() {
            line.download_ground(None, client::Reach::default());
        } else if let Err(error) = line.predict(self.stage.place.planet()) {
            book.complain(format!("player {} cannot predict: {error}", self.number));
        }
        Stay {
            endpoint,
            line,
            heard: Instant::now(),
            tick: welcome.tick,
            durable: 0,
            walk: Input::default(),
            asked: None,
        }
    }

    /// Why somebody does not come in whose ticket holds.
    fn refused(&self, error: &ConnectError, is_back: bool) {
        self.stage.book.with(|told| told.counts.refused += 1);
        let is_fine = match error {
            ConnectError::Timeout | ConnectError::Closed(_) => true,
            ConnectError::Refused(refuse) => match refuse.code {
                RefuseCode::CLOSING | RefuseCode::SLOW | RefuseCode::REPLACED => true,
                // A world that began anew knows no sessions.
                RefuseCode::GONE => is_back,
                _ => false,
            },
            _ => false,
        };
        if !is_fine {
            let book = &self.stage.book;
            book.complain(format!("player {} is not let in: {error:?}", self.number));
        }
    }

    /// A payment: the one that was not answered, or another one.
    fn payment(&mut self) -> (u64, Payment) {
        if let Some(pending) = self.pending {
            self.stage.book.with(|told| told.counts.asked_again += 1);
            return pending;
        }
        self.operation += 1;
        let payment = Payment {
            to: self.lots.below(PLAYERS as u64),
            amount: 1 + self.lots.below(3) as u8,
            is_answered: false,
        };
        let key = (self.id(), self.operation);
        self.stage
            .book
            .with(|told| told.payments.insert(key, payment));
        self.pending = Some((self.operation, payment));
        (self.operation, payment)
    }

    fn answered(&mut self, answer: &Answer) {
        let Some((operation, _)) = self
            .pending
            .filter(|(number, _)| *number == answer.operation)
        else {
            return;
        };
        let key = (self.id(), operation);
        match answer.code {
            AnswerCode::DONE => self.stage.book.with(|told| {
                told.counts.paid += 1;
                if let Some(payment) = told.payments.get_mut(&key) {
                    payment.is_answered = true;
                }
            }),
            // It has not enough, or the server no time: not now.
            AnswerCode::GAME => {}
            _ => return,
        }
        self.pending = None;
    }
}

/// A player's time in the world over one connection.
struct Stay {
    endpoint: Endpoint,
    line: Connection,
    /// When anything of the world was last heard.
    heard: Instant,
    /// The newest tick that was told, and the newest durable one.
    tick: u64,
    durable: u64,
    walk: Input,
    /// When the pending payment was asked for over this line.
    asked: Option<Instant>,
}

impl Stay {
    async fn go_on(mut self, player: &mut Player) -> Parting {
        let mut ticks: Interval = interval(Duration::from_secs(1) / u32::from(RATE_HZ));
        let over = player.stage.began + END;
        let mut next = Instant::now() + player.lots.time_ms(100..900);
        let mut count = 0u32;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(over) => return Parting::Over(self.heard.elapsed()),
                event = self.line.next() => match event {
                    Ok(event) => self.hear(event, player),
                    Err(error) => {
                        player.stage.book.note(&[player.id(), 3, self.tick]);
                        return self.ended(player, &error.to_string());
                    }
                },
                _ = ticks.tick() => {
                    count += 1;
                    self.step(player, count);
                    if self.heard.elapsed() > SILENCE {
                        return self.vanish(player);
                    }
                }
                () = sleep_until(next) => {
                    next = Instant::now() + player.lots.time_ms(50..900);
                    if let Some(parting) = self.act(player).await {
                        return parting;
                    }
                }
            }
        }
    }

    /// An input a tick, sent every second one.
    fn step(&mut self, player: &Player, count: u32) {
        let is_still = player.stage.began.elapsed() >= STILL;
        self.line.push_input(match is_still {
            true => Input::default(),
            false => self.walk,
        });
        if count.is_multiple_of(2) {
            let _ = self.line.send_inputs(); // the end of the line is heard of elsewhere
        }
    }

    /// Does something, or ends the stay.
    async fn act(&mut self, player: &mut Player) -> Option<Parting> {
        let stage = Arc::clone(&player.stage);
        let is_calm = stage.began.elapsed() >= CALM;
        match player.lots.below(if is_calm { 10 } else { 14 }) {
            0..4 => {
                self.walk = Input {
                    east: player.lots.below(1_024) as i16 - 512,
                    north: player.lots.below(1_024) as i16 - 512,
                    heading: player.lots.bits() as u16,
                    ..Input::default()
                };
            }
            4 | 5 => {
                let _ = self
                    .line
                    .say(Say::NEAR, &format!("here is {}", player.number));
            }
            6 => {
                // Its number is beyond those of payments.
                let operation = 1_000_000 + player.lots.below(1_000_000);
                let _ = self.line.command(operation, COUNT, &[]);
            }
            7..10 => self.pay(player),
            10 | 11 => {
                stage.book.with(|told| told.counts.moved += 1);
                let addr = stage.lines.next(player.number);
                stage.network.rebind(&self.endpoint, addr).unwrap();
            }
            12 => {
                let waits = self.line.resume_ticket();
                player.resume = waits;
                let addr = self.endpoint.local_addr().unwrap();
                stage.network.unplug(addr);
                return Some(Parting::Lost);
            }
            _ => {
                let endpoint = self.endpoint.clone();
                endpoint.close(0u32.into(), b"");
                let _ = timeout(Duration::from_secs(1), endpoint.wait_idle()).await;
                return Some(Parting::Left);
            }
        }
        None
    }

    fn pay(&mut self, player: &mut Player) {
        let waits = self.asked.is_some_and(|asked| asked.elapsed() < ANSWER);
        if player.pending.is_some() && waits {
            return;
        }
        let (operation, payment) = player.payment();
        let mut body = payment.to.to_le_bytes().to_vec();
        body.push(payment.amount);
        let _ = self.line.command(operation, PAY, &body);
        self.asked = Some(Instant::now());
    }

    fn hear(&mut self, event: Event, player: &mut Player) {
        let book = Arc::clone(&player.stage.book);
        let number = player.number;
        let later = |what: &str, last: &mut u64, now: u64| {
            if now < *last {
                book.complain(format!("player {number}: {what} {now} comes after {last}"));
            }
            *last = now;
        };
        match event {
            Event::Snapshot(info) if info.is_newest => {
                self.heard = Instant::now();
                later("tick", &mut self.tick, info.tick);
                later("durable tick", &mut self.durable, info.durable_tick);
                if info.durable_tick > info.tick || info.repeated > 0 {
                    book.complain(format!("player {number} is told {info:?}"));
                }
                book.note(&[
                    player.id(),
                    info.tick,
                    info.durable_tick,
                    info.last_input_seq.into(),
                ]);
            }
            Event::Own(own, agreement) => {
                self.heard = Instant::now();
                self.agree(player, own.tick, agreement);
            }
            Event::Digest(digest, verdict) => {
                if let DigestVerdict::Mismatch(what) = &verdict {
                    book.complain(format!("player {number} sees another world: {what:?}"));
                }
                book.note(&[digest.durable_tick, digest.state_hash]);
                book.with(|told| {
                    told.counts.digests += 1;
                    told.durable = told.durable.max((digest.durable_tick, digest.state_hash));
                });
            }
            Event::Resumable(_) => {}
            Event::Answer(answer) => {
                book.note(&[
                    player.id(),
                    answer.operation,
                    answer.tick,
                    answer.code.0.into(),
                ]);
                player.answered(&answer);
            }
            Event::Said(said) => {
                book.with(|told| told.counts.heard += 1);
                if !said.text.as_str().starts_with("here is ") {
                    book.complain(format!("player {number} hears {said:?}"));
                }
            }
            _ => {}
        }
    }

    /// Who stands still where nobody else moves is where it thinks.
    fn agree(&self, player: &Player, tick: u64, agreement: Agreement) {
        let book = &player.stage.book;
        book.with(|told| match agreement {
            Agreement::Agreed => told.counts.agreed += 1,
            Agreement::Corrected(_) => told.counts.corrected += 1,
            Agreement::Unpredicted => {}
        });
        let settled = STILL + Duration::from_millis(1_200);
        let is_settled = player.stage.is_lonely && player.stage.began.elapsed() >= settled;
        if is_settled && matches!(agreement, Agreement::Corrected(_)) {
            let number = player.number;
            book.complain(format!(
                "player {number} stands still and is corrected at {tick}: {agreement:?}"
            ));
        }
    }

    fn vanish(self, player: &mut Player) -> Parting {
        player.resume = self.line.resume_ticket();
        player
            .stage
            .network
            .unplug(self.endpoint.local_addr().unwrap());
        Parting::Lost
    }

    /// The session is over: its server says so, or the line is lost.
    fn ended(self, player: &mut Player, why: &str) -> Parting {
        if self.line.is_line_lost() {
            return self.vanish(player);
        }
        let is_expected = why.contains("closing") || why.contains("again elsewhere");
        if !is_expected {
            let number = player.number;
            player
                .stage
                .book
                .complain(format!("player {number} is sent away: {why}"));
        }
        Parting::Left
    }
}
