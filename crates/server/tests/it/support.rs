//! A small planet, a server on it, tickets for it, and the program.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bluemarble_server::{Config, Server, Settings, Status};
use net_proto::quic::{ControlReader, ControlWriter, Identity, client_endpoint, connect, export};
use net_proto::{
    Audience, Claims, ClientMessage, Hello, Holder, HolderKey, PROTOCOL_VERSION, PlayerId,
    PlayerName, Refuse, ServerMessage, Ticket, TokenKey, Welcome, WorldId,
};
use spatial_core::{CellId, HeightTile, LatticeSpec, Manifest, PackWriter, Planet};

pub(crate) const WORLD: u64 = 1;

/// Everything a test needs on disk; removed at the end.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_planet(&dir.path().join("planet.pack"));
        Self { dir }
    }

    pub(crate) fn planet(&self) -> PathBuf {
        self.dir.path().join("planet.pack")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A small world on any free port; `change` sets what the test is about.
    pub(crate) fn config(&self, change: impl FnOnce(&mut Settings)) -> Config {
        let mut settings = Settings {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            planet: Some(self.planet()),
            data_dir: Some(self.data()),
            agents: Some(50),
            towns: Some(2),
            threads: Some(1),
            endpoints: Some(2),
            ..Settings::default()
        };
        change(&mut settings);
        Config::new(settings).unwrap()
    }

    pub(crate) fn key(&self) -> TokenKey {
        let seed = std::fs::read(self.data().join("token.key")).unwrap();
        TokenKey::from_seed(seed.try_into().unwrap()).unwrap()
    }

    pub(crate) fn cert(&self) -> [u8; 32] {
        let pem = std::fs::read_to_string(self.data().join("server.pem")).unwrap();
        Identity::from_pem(&pem).unwrap().cert_sha256()
    }

    /// A ticket that holds, for a player.
    pub(crate) fn ticket(&self, player: u64) -> Ticket {
        self.ticket_of(&self.key(), &claims(player))
    }

    /// A ticket of these claims, for the client's key and this server unless they say otherwise.
    pub(crate) fn ticket_of(&self, key: &TokenKey, claims: &Claims) -> Ticket {
        let holder = claims.holder.unwrap_or(Holder {
            key: holder_key().public(),
            audience: Audience::of_certificate(self.cert()),
        });
        Ticket {
            token: key.sign(&Claims {
                holder: Some(holder),
                ..claims.clone()
            }),
            cert_sha256: self.cert(),
            key: Some(holder_key()),
        }
    }

    /// One of the protocol's previous version.
    pub(crate) fn unbound_ticket(&self, player: u64) -> Ticket {
        Ticket {
            token: self.key().sign(&claims(player)),
            cert_sha256: self.cert(),
            key: None,
        }
    }
}

pub(crate) fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

pub(crate) fn claims(player: u64) -> Claims {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut nonce = [7; 16];
    nonce[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    nonce[8..12].copy_from_slice(&std::process::id().to_le_bytes());
    Claims {
        world: WorldId(WORLD),
        player: PlayerId(player),
        not_before_s: now_s() - 10,
        expires_s: now_s() + 50,
        name: PlayerName::new("tester").unwrap(),
        nonce,
        holder: None,
    }
}

/// The key of all clients here.
pub(crate) fn holder_key() -> HolderKey {
    HolderKey::from_seed(*b"a client's own key, 32 bytes it!").unwrap()
}

/// Rolling hills above the sea on one level of six small tiles.
fn write_planet(path: &Path) {
    const INTERVALS: u16 = 16;
    let lattice = LatticeSpec::new(1, INTERVALS, 0.0, 1.0).unwrap();
    let manifest = Manifest::new(Planet::EARTH, lattice, "drawn for a test", "CC0");
    let mut pack = PackWriter::new(File::create(path).unwrap(), &manifest).unwrap();
    for face in 0..6 {
        let mut samples = Vec::new();
        for j in 0..=u32::from(INTERVALS) {
            for i in 0..=u32::from(INTERVALS) {
                let d = lattice.direction(face, i, j);
                samples.push((400.0 + 200.0 * d.x + 300.0 * d.y - 100.0 * d.z) as i16);
            }
        }
        let cell = CellId::from_face_ij(face, 0, 0, 0);
        let tile = HeightTile::new(cell, INTERVALS, samples).unwrap();
        pack.push(cell, &tile.encode_raw()).unwrap();
    }
    pack.finish().unwrap();
}

/// Waits until the status satisfies `until`; panics after ten seconds.
pub(crate) fn wait_for(server: &Server, what: &str, until: impl Fn(&Status) -> bool) -> Status {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let status = server.status();
        if until(&status) {
            return status;
        }
        assert!(server.is_running(), "ended while waiting for {what}");
        assert!(Instant::now() < deadline, "no {what}: {status:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A bare connection with its control stream.
pub(crate) struct Raw {
    pub(crate) connection: quinn::Connection,
    reader: ControlReader,
    writer: ControlWriter,
    endpoint: quinn::Endpoint,
}

impl Raw {
    pub(crate) async fn open(addr: SocketAddr, cert: [u8; 32]) -> Self {
        let endpoint = client_endpoint(addr).unwrap();
        let connection = connect(&endpoint, addr, cert).await.unwrap();
        Self::over(endpoint, connection).await
    }

    /// On a connection of one's own.
    pub(crate) async fn over(endpoint: quinn::Endpoint, connection: quinn::Connection) -> Self {
        let (send, receive) = connection.open_bi().await.unwrap();
        Self {
            connection,
            reader: ControlReader::new(receive, 65_535),
            writer: ControlWriter::new(send),
            endpoint,
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let deadline = Duration::from_secs(5);
        self.writer.send(bytes, deadline).await.unwrap();
    }

    pub(crate) async fn read(&mut self) -> ServerMessage {
        let frame = tokio::time::timeout(Duration::from_secs(10), self.reader.next()).await;
        let frame = frame.expect("an answer in time").expect("a frame");
        ServerMessage::decode(&frame.expect("an answer before the end")).unwrap()
    }

    pub(crate) async fn refusal(&mut self) -> Refuse {
        loop {
            match self.read().await {
                ServerMessage::Refuse(refuse) => return refuse,
                ServerMessage::Digest(_) | ServerMessage::Resume(_) => {}
                other => panic!("not a refusal: {other:?}"),
            }
        }
    }

    /// Leaves, and makes sure that the server hears of it.
    pub(crate) async fn leave(self) {
        self.connection.close(0u32.into(), b"bye");
        self.endpoint.wait_idle().await;
    }

    /// A hello of this connection.
    pub(crate) fn hello(&self, ticket: &Ticket) -> Vec<u8> {
        hello(ticket, &export(&self.connection).unwrap())
    }

    /// Says hello.
    pub(crate) async fn show(&mut self, ticket: &Ticket) {
        let hello = self.hello(ticket);
        self.write(&hello).await;
    }

    /// As [`Raw::write`], for who may be sent away meanwhile.
    pub(crate) async fn try_write(&mut self, bytes: &[u8]) -> Option<()> {
        let deadline = Duration::from_secs(5);
        self.writer.send(bytes, deadline).await.ok()
    }

    /// As [`Raw::enter`], for who may be refused.
    pub(crate) async fn try_enter(addr: SocketAddr, ticket: &Ticket) -> Option<Self> {
        let endpoint = client_endpoint(addr).ok()?;
        let connection = connect(&endpoint, addr, ticket.cert_sha256).await.ok()?;
        let mut raw = Self::over(endpoint, connection).await;
        let hello = raw.hello(ticket);
        raw.try_write(&hello).await?;
        loop {
            let frame = raw.reader.next().await.ok()??;
            match ServerMessage::decode(&frame).ok()? {
                ServerMessage::Welcome(_) => return Some(raw),
                ServerMessage::Refuse(_) => return None,
                _ => {}
            }
        }
    }

    /// Logs in with a ticket.
    pub(crate) async fn enter(addr: SocketAddr, ticket: &Ticket) -> (Self, Welcome) {
        let mut raw = Self::open(addr, ticket.cert_sha256).await;
        raw.show(ticket).await;
        loop {
            match raw.read().await {
                ServerMessage::Welcome(welcome) => return (raw, welcome),
                ServerMessage::Columns(_) => {} // ahead of it
                other => panic!("not welcome: {other:?}"),
            }
        }
    }
}

/// A hello as it travels, with the proof of these exported bytes.
pub(crate) fn hello(ticket: &Ticket, exported: &[u8; 32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let key = ticket.key.as_ref().unwrap();
    ClientMessage::Hello(Hello {
        version: PROTOCOL_VERSION,
        world: WorldId(WORLD),
        token: ticket.token.clone(),
        proof: Some(key.prove(exported)),
    })
    .encode(&mut bytes);
    bytes
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// The program under test, without the environment's settings.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bluemarble"));
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("BLUEMARBLE_")) {
        command.env_remove(key);
    }
    command.stdin(Stdio::null());
    command
}

/// A child that is killed when a test ends early.
pub(crate) struct Reaped(pub(crate) Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
