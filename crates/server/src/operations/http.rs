//! The listener: HTTP/1, one question a connection, two seconds for it, and a bounded number of them.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use net_proto::WorldId;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::health::look;
use super::measures::Measures;
use super::metrics::{Exposition, OfNow};
use super::vitals::Vitals;
use crate::gateway::Lobby;
use crate::status::StatusBoard;

/// From a connection's first byte to its last.
const DEADLINE: Duration = Duration::from_secs(2);
/// How long the deep look may take: a disk that hangs must not hang it.
const LOOK_DEADLINE: Duration = Duration::from_millis(900);
/// Connections at once; of more each is closed at once.
const CONNECTIONS_MAX: usize = 64;
/// What hyper keeps of a request's head, its least.
const HEAD_BYTES_MAX: usize = 8 << 10;

/// What is asked about.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(super) vitals: Arc<Vitals>,
    pub(super) boards: Boards,
    pub(super) lobby: Arc<Lobby>,
    pub(super) exposition: Exposition,
    pub(super) data_dir: PathBuf,
}

/// The status of every world.
pub(super) type Boards = Vec<(WorldId, Arc<StatusBoard>)>;

impl Desk {
    pub(crate) fn new(
        (boards, vitals, lobby): (Boards, Arc<Vitals>, Arc<Lobby>),
        data_dir: PathBuf,
        measures: &Measures,
    ) -> Self {
        let now = OfNow {
            vitals: Arc::clone(&vitals),
            lobby: Arc::clone(&lobby),
            data_dir: data_dir.clone(),
        };
        Self {
            exposition: Exposition::new(boards.clone(), now, measures),
            vitals,
            boards,
            lobby,
            data_dir,
        }
    }
}

/// The running listener. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Listener {
    local_addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Binds the address, and answers from a thread of its own.
    ///
    /// # Errors
    /// That of the system, naming the address.
    pub(crate) fn start(listen: SocketAddr, desk: Desk) -> io::Result<Self> {
        let socket = TcpListener::bind(listen).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot bind TCP {listen}: {error}"))
        })?;
        socket.set_nonblocking(true)?;
        let local_addr = socket.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // Deep looks alone; one that hangs on a disk must not keep the next from being refused in time.
            .max_blocking_threads(4)
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("operations".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        // An error means that the owner is gone, which is the same.
                        _ = stopped => {}
                        ended = accept(socket, Arc::new(desk)) => if let Err(error) = ended {
                            tracing::error!(%error, "nobody answers about health any more");
                        },
                    }
                });
                runtime.shutdown_background(); // whoever hangs on a disk may
            })?;
        Ok(Self {
            local_addr,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(socket: TcpListener, desk: Arc<Desk>) -> io::Result<()> {
    let socket = tokio::net::TcpListener::from_std(socket)?;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            // No descriptor is left, or the peer is gone already.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(move |request| {
                let desk = Arc::clone(&desk);
                async move { Ok::<_, Infallible>(answer(desk, &request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(DEADLINE)
                .max_buf_size(HEAD_BYTES_MAX)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // Whatever becomes of it, the next one asks again.
            let _ = timeout(DEADLINE, connection).await;
        });
    }
}

async fn answer(desk: Arc<Desk>, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut no = text(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
        let allowed = HeaderValue::from_static("GET, HEAD");
        no.headers_mut().insert(ALLOW, allowed);
        return no;
    }
    match request.uri().path() {
        "/health/live" => yes_or_no(desk.vitals.is_live()),
        "/health/ready" => yes_or_no(desk.vitals.is_ready()),
        "/health" => deep(desk).await,
        "/metrics" => match desk.exposition.text() {
            Ok(all) => reply(StatusCode::OK, METRICS, all),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        },
        _ => text(
            StatusCode::NOT_FOUND,
            "/health/live, /health/ready, /health or /metrics\n",
        ),
    }
}

async fn deep(desk: Arc<Desk>) -> Response<Full<Bytes>> {
    let looking = tokio::task::spawn_blocking(move || look(&desk));
    match timeout(LOOK_DEADLINE, looking).await {
        Ok(Ok((is_ok, found))) => reply(code(is_ok), JSON, found.to_string()),
        _ => reply(
            StatusCode::SERVICE_UNAVAILABLE,
            JSON,
            r#"{"status":"failing","checks":{"disk":{"ok":false,"why":"it does not answer"}}}"#,
        ),
    }
}

fn yes_or_no(is_so: bool) -> Response<Full<Bytes>> {
    text(code(is_so), if is_so { "ok\n" } else { "no\n" })
}

fn code(is_ok: bool) -> StatusCode {
    match is_ok {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn text(code: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    reply(code, "text/plain; charset=utf-8", body)
}

fn reply(code: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const JSON: &str = "application/json";
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
