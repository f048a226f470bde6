//! A server of one world: three entities walk east in a row; the first is the player's, and goes where it is told.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use net_proto::quic::{
    ControlWriter, HELLO_DEADLINE, HelloError, Identity, STREAM_DEADLINE, accept_hello,
    server_endpoint,
};
use net_proto::quic::{Host, Peer};
use net_proto::{
    Audience, Avatar, Baselines, Claims, Datagrams, Digest, EntityState, Holder, HolderKey, Input,
    InputBuffer, InputDatagram, PlayerId, PlayerName, Redirect, Refuse, RefuseCode, Replicator,
    ServerMessage, ShortText, SnapshotRequest, Ticket, Token, TokenKey, TokenVerifier, UpdateCache,
    Welcome, WireError, WorldId,
};
use spatial_core::{EntityId, Geodetic, Planet, Position};
use tokio::sync::oneshot;

pub(crate) const WORLD: WorldId = WorldId(77);
pub(crate) const PLAYER: EntityId = EntityId(1_000);
const NOW_S: u64 = 1_000_000;

/// What the server does besides its duty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    Good,
    /// Digests are wrong.
    Lies,
    /// Sends a datagram that is no snapshot.
    Babbles,
    /// Sends the player away after a second.
    Closes,
    /// Sends the player elsewhere.
    Redirects,
    /// Never answers a hello.
    Mute,
}

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    cert_sha256: [u8; 32],
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Self {
        let identity = Identity::self_signed().unwrap();
        let cert_sha256 = identity.cert_sha256();
        let (started, addr) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let endpoint = server_endpoint("127.0.0.1:0".parse().unwrap(), &identity).unwrap();
                started.send(endpoint.local_addr().unwrap()).unwrap();
                tokio::select! {
                    _ = stopped => {}
                    () = accept(&endpoint, manner, cert_sha256) => {}
                }
                endpoint.close(u32::from(RefuseCode::CLOSING.0).into(), b"test over");
                endpoint.wait_idle().await;
            });
        });
        Self {
            addr: addr.recv().unwrap(),
            cert_sha256,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn ticket(&self, world: WorldId, expires_s: u64) -> Ticket {
        Ticket {
            token: token_of((world, self.cert_sha256), expires_s),
            cert_sha256: self.cert_sha256,
            key: Some(holder_key()),
        }
    }

    pub(crate) fn good_ticket(&self) -> Ticket {
        self.ticket(WORLD, NOW_S + 30)
    }

    pub(crate) fn expired_ticket(&self) -> Ticket {
        self.ticket(WORLD, NOW_S - 1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

pub(crate) fn holder_key() -> HolderKey {
    HolderKey::from_seed(*b"a client's own key, 32 bytes it!").unwrap()
}

fn token_of((world, cert_sha256): (WorldId, [u8; 32]), expires_s: u64) -> Token {
    key().sign(&Claims {
        world,
        player: PlayerId(1),
        not_before_s: expires_s - 60,
        expires_s,
        name: PlayerName::new("walker").unwrap(),
        nonce: [1; 16],
        holder: Some(Holder {
            key: holder_key().public(),
            audience: Audience::of_certificate(cert_sha256),
        }),
    })
}

pub(crate) fn token() -> Token {
    token_of((WORLD, [0; 32]), NOW_S + 30)
}

fn key() -> TokenKey {
    TokenKey::from_seed(core::array::from_fn(|n| n as u8)).unwrap()
}

async fn accept(endpoint: &Host, manner: Manner, cert_sha256: [u8; 32]) {
    let tasks = tokio::task::LocalSet::new();
    tasks
        .run_until(async {
            while let Some(incoming) = endpoint.accept().await {
                tokio::task::spawn_local(async move {
                    if let Ok(connection) = incoming.await {
                        serve(connection, manner, cert_sha256).await;
                    }
                });
            }
        })
        .await;
}

async fn serve(connection: Peer, manner: Manner, cert_sha256: [u8; 32]) {
    let verifier: TokenVerifier = key().verifier();
    let (hello, _reader, mut writer) = match accept_hello(&connection, HELLO_DEADLINE).await {
        Ok(streams) => streams,
        Err(HelloError::Wire(WireError::Version(_), writer)) => {
            return refuse(&connection, writer, RefuseCode::VERSION, "use version 2").await;
        }
        Err(_) => return,
    };
    if manner == Manner::Mute {
        connection.closed().await;
        return;
    }
    let here = (WORLD, Audience::of_certificate(cert_sha256));
    let claims = match verifier.verify(hello.token.as_bytes(), here, NOW_S) {
        Ok(claims) => claims,
        Err(error) => {
            return refuse(&connection, writer, RefuseCode::TOKEN, &error.to_string()).await;
        }
    };
    let (key, exported) = (claims.holder.unwrap().key, connection.export().unwrap());
    let proof = hello.proof.unwrap();
    if !proof.holds(&key, &exported) {
        return refuse(&connection, writer, RefuseCode::PROOF, "another key").await;
    }
    say(&mut writer, &ServerMessage::Welcome(welcome())).await;
    if manner == Manner::Redirects {
        let redirect = Redirect {
            address: ShortText::lossy("elsewhere:4433"),
            ticket: Ticket {
                token: hello.token.clone(),
                cert_sha256,
                key: None,
            },
        };
        say(&mut writer, &ServerMessage::Redirect(redirect)).await;
    }
    play(&connection, writer, manner).await;
}

async fn refuse(connection: &Peer, mut writer: ControlWriter, code: RefuseCode, text: &str) {
    let text = ShortText::lossy(text);
    say(&mut writer, &ServerMessage::Refuse(Refuse { code, text })).await;
    writer.finish(STREAM_DEADLINE).await;
    connection.close(u32::from(code.0).into(), b"");
}

pub(crate) async fn say(writer: &mut ControlWriter, message: &ServerMessage) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    // The client may have left.
    let _ = writer.send(&bytes, STREAM_DEADLINE).await;
}

pub(crate) fn welcome() -> Welcome {
    Welcome {
        world: WORLD,
        player: PLAYER,
        tick: 0,
        tick_rate_hz: 60,
        snapshot_ticks: 2,
        radius_mm: 6_371_008_800,
        interest_dm: 2_000,
        speed_limit: 4 * 256,
        gravity: 2_511,
        avatar: Avatar::default(),
        lattice: 0,
    }
}

pub(crate) async fn play(connection: &Peer, mut writer: ControlWriter, manner: Manner) {
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / 60.0));
    let (mut world, mut cache) = (Baselines::new(), UpdateCache::new());
    let (mut client, mut out) = (Replicator::new(), Datagrams::new());
    let (mut inputs, mut input) = (InputBuffer::new(), Input::default());
    let start = Planet::EARTH.ecef(Geodetic::from_degrees(47.0, 8.0, 500.0).unwrap());
    let mut player = Planet::EARTH.position(start).unwrap();
    let mut tick = 0u64;
    loop {
        tokio::select! {
            datagram = connection.read_datagram() => {
                let Ok(bytes) = datagram else { return };
                let datagram = InputDatagram::decode(&bytes).unwrap();
                inputs.push(&datagram, u16::MAX, tick);
                if let Some(epoch) = datagram.head().acknowledged {
                    client.acknowledge(epoch);
                }
                continue;
            }
            _ = ticks.tick() => tick += 1,
        }
        input = inputs.take().map_or(input, |next| next.input);
        player.x += i32::from(input.east) * 256 / 60; // 2⁻⁸ m/s to 2⁻¹⁶ m a tick
        player.y += i32::from(input.north) * 256 / 60;
        if tick.is_multiple_of(2) {
            world.advance(tick, &states(player, tick, input.heading));
            let request = SnapshotRequest {
                visible: &[0, 1, 2],
                last_input_seq: inputs.applied_seq(),
                durable_tick: tick - 1,
                datagrams_max: 4,
                ..SnapshotRequest::default()
            };
            client.pack(&world, &mut cache, &request, &mut out);
            for datagram in out.iter() {
                let _ = connection.send_datagram(datagram.to_vec().into());
            }
        }
        if tick.is_multiple_of(30)
            && let Some((epoch, mut entities)) = client.digest(&world, tick)
        {
            if manner == Manner::Lies {
                entities[0] = EntityState::new(EntityId(5), player, 0);
            }
            let digest = Digest {
                epoch,
                durable_tick: tick,
                state_hash: 1,
                entities,
            };
            say(&mut writer, &ServerMessage::Digest(digest)).await;
        }
        if manner == Manner::Babbles && tick == 30 {
            connection.send_datagram(b"babble"[..].into()).unwrap();
        }
        if manner == Manner::Closes && tick == 60 {
            return refuse(connection, writer, RefuseCode::CLOSING, "good night").await;
        }
    }
}

fn states(player: Position, tick: u64, heading: u16) -> [EntityState; 3] {
    let behind = |n: i32| {
        let x = player.x + (n << 20) + i32::try_from(tick).unwrap() * 1_500;
        Position {
            x,
            y: n << 18,
            ..player
        }
    };
    [
        EntityState::new(PLAYER, player, heading),
        EntityState::new(EntityId(2_000), behind(1), 0x4000),
        EntityState::new(EntityId(2_001), behind(2), 0x4000),
    ]
}
