//! The seam for a team's own account service: asked after a ticket holds, before its player gets a place.
//!
//! The network never waits for it: calls run on a few threads of their own, from a bounded queue, and a session's task waits for the answer for as
//! long as the configuration says. A service that fails is left alone for a while (`breaker.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use net_proto::{PlayerId, PlayerName, RefuseCode, WorldId};
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::breaker::{Breaker, Permit};
use super::counts::named;
use super::login::Refusal;
use super::table::lock;
use crate::config::WhenOpen;
use crate::status::Status;

/// Calls at once.
const WORKERS: usize = 4;
/// Calls that wait for a worker; beyond, a call has failed.
const WAITING_MAX: usize = 256;

/// A team's account service, or whatever else says who may come in.
pub trait Authenticator: Send + Sync + 'static {
    /// Whether the holder of a ticket that holds may come in. Called on a worker thread, several at once; it may block, but must return:
    /// whoever waits gives up after `auth_timeout_ms`, the thread cannot.
    ///
    /// # Errors
    /// [`AuthFailed`] when the service cannot say: that counts for the circuit breaker, a denial does not.
    fn authenticate(&self, login: &Login) -> Result<Decision, AuthFailed>;
}

/// Somebody who wants to come in, and has proven to be whom the ticket names.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Login {
    /// The account.
    pub player: PlayerId,
    /// As its ticket says.
    pub name: PlayerName,
    /// The world it wants to enter.
    pub world: WorldId,
    /// What the log calls this attempt: 16 hexadecimal digits.
    pub trace: u64,
}

/// What a service says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Let it in.
    Accept,
    /// Do not, and tell it why.
    Deny(String),
}

/// A service that cannot say.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct AuthFailed(pub String);

/// What came of asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Accepted,
    Denied,
    Failed,
    TimedOut,
    /// The breaker was open: refused, or let in.
    SkippedRefused,
    SkippedAccepted,
}

/// In the order of [`Outcome`].
const OUTCOMES: [&str; 6] = [
    "accepted",
    "denied",
    "failed",
    "timed_out",
    "skipped_refused",
    "skipped_accepted",
];

type Answer = Result<Decision, AuthFailed>;
type Job = (Login, oneshot::Sender<Answer>);

/// Asks the service.
pub(crate) struct AuthDesk {
    jobs: SyncSender<Job>,
    breaker: Mutex<Breaker>,
    counts: [std::sync::atomic::AtomicU64; OUTCOMES.len()],
    took: Histogram,
}

impl AuthDesk {
    /// Starts the workers. They end when the desk is gone and the calls that they are in have returned.
    pub(crate) fn start(service: Arc<dyn Authenticator>, took: Histogram) -> std::io::Result<Self> {
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for n in 0..WORKERS {
            let (service, waiting) = (Arc::clone(&service), Arc::clone(&waiting));
            std::thread::Builder::new()
                .name(format!("auth {n}"))
                .spawn(move || work(&*service, &waiting))?;
        }
        Ok(Self {
            jobs,
            breaker: Mutex::default(),
            counts: Default::default(),
            took,
        })
    }

    /// Whether somebody may come in.
    pub(super) async fn ask(
        &self,
        login: Login,
        (patience, when_open): (Duration, WhenOpen),
    ) -> Result<(), Refusal> {
        let asking = Asking::begin(self);
        if asking.permit == Permit::No {
            return self.skip(when_open);
        }
        let begun = Instant::now();
        let (outcome, result) = match timeout(patience, self.call(login)).await {
            Ok(Ok(Decision::Accept)) => (Outcome::Accepted, Ok(())),
            Ok(Ok(Decision::Deny(why))) => {
                (Outcome::Denied, Err(Refusal::new(RefuseCode::DENIED, why)))
            }
            Ok(Err(AuthFailed(error))) => {
                let error = super::login::for_log(&error);
                tracing::warn!(%error, "the account service failed");
                (Outcome::Failed, Err(unavailable()))
            }
            Err(_) => {
                tracing::warn!(?patience, "the account service did not answer in time");
                (Outcome::TimedOut, Err(unavailable()))
            }
        };
        self.took.observe(begun.elapsed().as_secs_f64());
        self.count(outcome);
        asking.end(matches!(outcome, Outcome::Failed | Outcome::TimedOut));
        result
    }

    fn skip(&self, when_open: WhenOpen) -> Result<(), Refusal> {
        match when_open {
            WhenOpen::Accept => {
                self.count(Outcome::SkippedAccepted);
                Ok(())
            }
            WhenOpen::Refuse => {
                self.count(Outcome::SkippedRefused);
                Err(unavailable())
            }
        }
    }

    async fn call(&self, login: Login) -> Answer {
        let (reply, answer) = oneshot::channel();
        let sent = self.jobs.try_send((login, reply));
        sent.map_err(|_| AuthFailed("too many calls wait".into()))?;
        let gone = |_| AuthFailed("the call did not return".into());
        answer.await.map_err(gone)?
    }

    fn count(&self, outcome: Outcome) {
        let count = &self.counts[outcome as usize];
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    pub(super) fn write(&self, status: &mut Status) {
        status.auth = named(&OUTCOMES, &self.counts);
        status.auth_breaker = lock(&self.breaker).number();
    }
}

/// A permit of the breaker that is given back however the call ends, also when its session's task does.
struct Asking<'a> {
    desk: &'a AuthDesk,
    permit: Permit,
    is_over: bool,
}

impl<'a> Asking<'a> {
    fn begin(desk: &'a AuthDesk) -> Self {
        let permit = lock(&desk.breaker).permit(Instant::now());
        Self {
            desk,
            permit,
            is_over: false,
        }
    }

    fn end(mut self, failed: bool) {
        self.is_over = true;
        let before = self.note(Some(failed));
        if before.0 != before.1 {
            tracing::warn!(
                state = before.1,
                "the breaker of the account service (0 closed, 1 probing, 2 open)"
            );
        }
    }

    /// The breaker's state before and after.
    fn note(&self, failed: Option<bool>) -> (u8, u8) {
        let mut breaker = lock(&self.desk.breaker);
        let before = breaker.number();
        breaker.note(self.permit, failed, Instant::now());
        (before, breaker.number())
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.note(None);
        }
    }
}

fn work(service: &dyn Authenticator, waiting: &Mutex<Receiver<Job>>) {
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok((login, reply)) = next else {
            return;
        };
        if reply.is_closed() {
            continue; // nobody waits for it any more
        }
        let answer = catch_unwind(AssertUnwindSafe(|| service.authenticate(&login)));
        let answer = answer.unwrap_or_else(|_| Err(AuthFailed("the call panicked".into())));
        let _ = reply.send(answer); // or nobody waits any more
    }
}

fn unavailable() -> Refusal {
    let text = "the account service does not answer: try again later";
    Refusal::new(RefuseCode::UNAVAILABLE, text)
}

#[cfg(test)]
mod tests {
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Accepts even players, denies odd ones; from 100 on fails, from 200 on panics, from 300 on never returns while it is open.
    #[derive(Default)]
    struct Service {
        calls: AtomicU32,
        is_shut: Mutex<bool>,
        opened: Condvar,
    }

    impl Service {
        fn shut(&self, is_shut: bool) {
            *lock(&self.is_shut) = is_shut;
            self.opened.notify_all();
        }
    }

    impl Authenticator for Service {
        fn authenticate(&self, login: &Login) -> Answer {
            self.calls.fetch_add(1, Ordering::Relaxed);
            match login.player.0 {
                300.. => {
                    let is_shut = lock(&self.is_shut);
                    drop(self.opened.wait_while(is_shut, |is_shut| *is_shut));
                    Ok(Decision::Accept)
                }
                200..300 => panic!("a defect of the team's own"),
                100..200 => Err(AuthFailed("no line\nto the accounts".into())),
                even if even % 2 == 0 => Ok(Decision::Accept),
                _ => Ok(Decision::Deny("not paid".into())),
            }
        }
    }

    struct Bench {
        service: Arc<Service>,
        desk: AuthDesk,
    }

    impl Bench {
        fn new() -> Self {
            let service = Arc::new(Service::default());
            let desk = AuthDesk::start(service.clone(), Histogram::new([1.0])).unwrap();
            Self { service, desk }
        }

        async fn ask(&self, player: u64, when_open: WhenOpen) -> Result<(), RefuseCode> {
            let login = Login {
                player: PlayerId(player),
                name: PlayerName::new("ann").unwrap(),
                world: WorldId(1),
                trace: 1,
            };
            let asked = self.desk.ask(login, (Duration::from_secs(2), when_open));
            asked.await.map_err(|refusal| refusal.code)
        }

        fn counts(&self) -> [u64; 6] {
            let mut status = Status::default();
            self.desk.write(&mut status);
            OUTCOMES.map(|outcome| status.auth[outcome])
        }
    }

    fn on_a_clock(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime.unwrap().block_on(test);
    }

    #[test]
    fn a_service_accepts_denies_fails_and_panics() {
        on_a_clock(async {
            let bench = Bench::new();
            let refuse = WhenOpen::Refuse;
            assert_eq!(bench.ask(2, refuse).await, Ok(()));
            assert_eq!(bench.ask(3, refuse).await, Err(RefuseCode::DENIED));
            for player in [100, 200] {
                let asked = bench.ask(player, refuse).await;
                assert_eq!(asked, Err(RefuseCode::UNAVAILABLE));
            }
            // Its thread has survived the panic.
            for _ in 0..2 * WORKERS {
                assert_eq!(bench.ask(4, refuse).await, Ok(()));
            }
            assert_eq!(bench.counts(), [9, 1, 2, 0, 0, 0]);
        });
    }

    #[test]
    fn one_that_does_not_answer_is_left_alone_until_it_does() {
        on_a_clock(async {
            let bench = Bench::new();
            bench.service.shut(true);
            tokio::time::pause(); // two seconds pass as soon as nothing else happens
            for _ in 0..10 {
                let asked = bench.ask(300, WhenOpen::Refuse).await;
                assert_eq!(asked, Err(RefuseCode::UNAVAILABLE));
            }
            let asked = bench.ask(2, WhenOpen::Refuse).await;
            assert_eq!(asked, Err(RefuseCode::UNAVAILABLE), "it is open");
            assert_eq!(
                bench.ask(3, WhenOpen::Accept).await,
                Ok(()),
                "as configured"
            );
            assert_eq!(bench.counts(), [0, 0, 0, 10, 1, 1]);
            tokio::time::advance(Duration::from_secs(30)).await;
            bench.service.shut(false);
            tokio::time::resume();
            for _ in 0..3 {
                assert_eq!(bench.ask(2, WhenOpen::Refuse).await, Ok(()));
            }
            let mut status = Status::default();
            bench.desk.write(&mut status);
            assert_eq!(status.auth_breaker, 0);
            let calls = bench.service.calls.load(Ordering::Relaxed);
            assert!(
                calls <= WORKERS as u32 + 3,
                "{calls}: nobody waited for the others"
            );
        });
    }

    #[test]
    fn a_probe_that_nobody_waits_for_is_given_back() {
        on_a_clock(async {
            let bench = Bench::new();
            for _ in 0..10 {
                let _ = bench.ask(100, WhenOpen::Refuse).await;
            }
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(30)).await;
            bench.service.shut(true);
            let gone =
                tokio::time::timeout(Duration::from_secs(1), bench.ask(300, WhenOpen::Refuse));
            assert!(gone.await.is_err(), "its client has left");
            bench.service.shut(false);
            tokio::time::resume();
            assert_eq!(bench.ask(2, WhenOpen::Refuse).await, Ok(()));
        });
    }
}
