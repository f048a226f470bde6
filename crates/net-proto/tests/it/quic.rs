//! Real endpoints on loopback.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net_proto::quic::quinn::{Connection, Endpoint};
use net_proto::quic::{
    Admission, ConnectError, ControlReader, ControlWriter, Door, HELLO_DEADLINE, HelloError, Host,
    Identity, Peer, ReadHalf, STREAM_DEADLINE, Sockets, StreamError, WriteHalf, accept_hello,
    client_endpoint, connect, lone_client_endpoint, seats, server_endpoint, server_endpoint_on,
};
use net_proto::{
    Claims, ClientMessage, DATAGRAM_BYTES_MAX, Hello, PROTOCOL_VERSION, PlayerId, PlayerName,
    Proof, Refuse, RefuseCode, SERVER_FRAME_BYTES_MAX, ServerMessage, ShortText, TokenKey,
    WireError, WorldId,
};

#[expect(
    clippy::disallowed_methods,
    reason = "real endpoints live in real time"
)]
fn now() -> Instant {
    Instant::now()
}

fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(20), test).await })
        .unwrap()
}

struct Ends {
    server: Host,
    client: Endpoint,
    addr: SocketAddr,
    cert_sha256: [u8; 32],
}

fn ends() -> Ends {
    let identity = Identity::self_signed().unwrap();
    let server = server_endpoint("127.0.0.1:0".parse().unwrap(), &identity).unwrap();
    let addr = server.local_addr().unwrap();
    Ends {
        client: client_endpoint(addr).unwrap(),
        addr,
        server,
        cert_sha256: identity.cert_sha256(),
    }
}

impl Ends {
    async fn accept(&self) -> Peer {
        match self.knock(&mut Door::new(now())).await {
            Admission::Accepted(connecting) => connecting.await.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn knock(&self, door: &mut Door) -> Admission {
        door.admit(self.server.accept().await.unwrap(), now())
    }

    async fn pair(&self) -> (Connection, Peer) {
        let (client, server) = tokio::join!(
            connect(&self.client, self.addr, self.cert_sha256),
            self.accept()
        );
        (client.unwrap(), server)
    }
}

fn hello() -> ClientMessage {
    let key = TokenKey::from_seed(core::array::from_fn(|n| n as u8)).unwrap();
    let token = key.sign(&Claims {
        world: WorldId(1),
        player: PlayerId(2),
        not_before_s: 3,
        expires_s: 4,
        name: PlayerName::new("n").unwrap(),
        nonce: [5; 16],
        holder: None,
    });
    ClientMessage::Hello(Hello {
        version: PROTOCOL_VERSION,
        world: WorldId(1),
        token,
        proof: Some(Proof([6; 64])),
    })
}

async fn say(client: &Connection, bytes: &[u8]) -> (ControlReader, ControlWriter) {
    let (send, recv) = client.open_bi().await.unwrap();
    let mut writer = ControlWriter::new(send);
    writer.send(bytes, STREAM_DEADLINE).await.unwrap();
    (ControlReader::new(recv, SERVER_FRAME_BYTES_MAX), writer)
}

#[test]
fn hello_datagrams_and_refusal() {
    run(async {
        let ends = ends();
        let (client, server) = ends.pair().await;
        let mut bytes = Vec::new();
        hello().encode(&mut bytes);
        let (mut reader, _writer) = say(&client, &bytes).await;
        let (said, _, mut writer) = accept_hello(&server, HELLO_DEADLINE).await.unwrap();
        assert_eq!(ClientMessage::Hello(said), hello());
        // The longest datagram fits from the first packet on, and a burst of them arrives.
        for n in 0..50u8 {
            server
                .send_datagram(vec![n; DATAGRAM_BYTES_MAX].into())
                .unwrap();
        }
        for n in 0..50u8 {
            assert_eq!(
                client.read_datagram().await.unwrap(),
                vec![n; DATAGRAM_BYTES_MAX]
            );
        }
        let refusal = ServerMessage::Refuse(Refuse {
            code: RefuseCode::FULL,
            text: ShortText::lossy("full"),
        });
        bytes.clear();
        refusal.encode(&mut bytes);
        writer.send(&bytes, STREAM_DEADLINE).await.unwrap();
        let (frame, ()) = tokio::join!(reader.next(), writer.finish(STREAM_DEADLINE));
        assert_eq!(ServerMessage::decode(&frame.unwrap().unwrap()), Ok(refusal));
        assert_eq!(reader.next().await, Ok(None));
    });
}

#[test]
fn only_the_named_certificate_is_accepted() {
    run(async {
        let ends = ends();
        let (client, _) = tokio::join!(connect(&ends.client, ends.addr, [7; 32]), async {
            match ends.knock(&mut Door::new(now())).await {
                Admission::Accepted(connecting) => assert!(connecting.await.is_err()),
                other => panic!("{other:?}"),
            }
        });
        assert!(
            matches!(client, Err(ConnectError::Certificate)),
            "{client:?}"
        );
    });
}

#[test]
fn silence_is_a_timeout() {
    run(async {
        let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let addr = nobody.local_addr().unwrap();
        let endpoint = client_endpoint(addr).unwrap();
        let result = connect(&endpoint, addr, [0; 32]).await;
        assert!(matches!(result, Err(ConnectError::Timeout)), "{result:?}");
    });
}

#[test]
fn an_occupied_port_is_named() {
    run(async {
        let ends = ends();
        let error = server_endpoint(ends.addr, &Identity::self_signed().unwrap()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        assert!(
            error.to_string().contains(&ends.addr.to_string()),
            "{error}"
        );
    });
}

#[test]
fn many_handshakes_must_prove_their_address() {
    run(async {
        let ends = ends();
        let mut door = Door::new(now());
        for _ in 0..65 {
            let client = connect(&ends.client, ends.addr, ends.cert_sha256);
            let (client, server) = tokio::join!(client, async {
                match ends.knock(&mut door).await {
                    Admission::Accepted(connecting) => connecting.await,
                    other => panic!("{other:?}"),
                }
            });
            assert!(client.is_ok() && server.is_ok());
        }
        let (client, (first, second)) =
            tokio::join!(connect(&ends.client, ends.addr, ends.cert_sha256), async {
                let first = ends.knock(&mut door).await;
                let second = ends.knock(&mut door).await;
                let Admission::Accepted(connecting) = second else {
                    panic!("{second:?}")
                };
                (first, connecting.await)
            });
        assert!(matches!(first, Admission::Retried));
        assert!(client.is_ok() && second.is_ok());
        assert_eq!(door.in_flight(), 66);
    });
}

#[test]
fn who_comes_too_fast_gets_in_a_moment_later() {
    run(async {
        let ends = ends();
        let mut door = Door::new(now());
        let (client, ignored) =
            tokio::join!(connect(&ends.client, ends.addr, ends.cert_sha256), async {
                let incoming = ends.server.accept().await.unwrap();
                incoming.ignore(); // as a door does that has given its rate away
                match ends.knock(&mut door).await {
                    Admission::Accepted(connecting) => connecting.await,
                    other => panic!("{other:?}"),
                }
            });
        assert!(client.is_ok() && ignored.is_ok());
    });
}

#[test]
fn what_is_no_hello_is_named() {
    run(async {
        let ends = ends();
        let cases: [(&[u8], WireError); 4] = [
            (b"\x05\x00hello", WireError::Kind(b'h')),
            (b"GET / HTTP/1.1\r\n", WireError::TooLong(0x4547)),
            (b"\x07\x00\x01XXXX\x01\x00", WireError::Magic),
            (b"\x07\x00\x01BMRB\x09\x00", WireError::Version(9)),
        ];
        for (bytes, expected) in cases {
            let (client, server) = ends.pair().await;
            let _streams = say(&client, bytes).await;
            match accept_hello(&server, HELLO_DEADLINE).await {
                Err(HelloError::Wire(error, _)) => assert_eq!(error, expected),
                other => panic!("{other:?}"),
            }
        }
        // Half a frame, then nothing; and nothing at all. There is one deadline for all of it.
        let (client, server) = ends.pair().await;
        let late = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            say(&client, b"\x09\x00\x01").await
        };
        let start = now();
        let deadline = Duration::from_millis(400);
        let (slow, _streams) = tokio::join!(accept_hello(&server, deadline), late);
        assert!(matches!(slow, Err(HelloError::Slow(Some(_)))));
        assert!(start.elapsed() < Duration::from_millis(650));
        let (client, server) = ends.pair().await;
        let _streams = say(&client, b"\x09\x00\x01").await;
        let short = Duration::from_millis(50);
        assert!(matches!(
            accept_hello(&server, short).await,
            Err(HelloError::Slow(Some(_)))
        ));
        assert!(matches!(
            accept_hello(&server, short).await,
            Err(HelloError::Slow(None))
        ));
        client.close(0u32.into(), b"");
        assert!(matches!(
            accept_hello(&server, HELLO_DEADLINE).await,
            Err(HelloError::Closed(_))
        ));
    });
}

#[test]
fn a_cut_stream_is_not_a_clean_end() {
    run(async {
        let ends = ends();
        let (client, server) = ends.pair().await;
        let (_reader, writer) = say(&client, b"\x09\x00\x01").await;
        let (_, recv) = server.accept_bi().await.unwrap();
        let mut reader = ControlReader::new(recv, 100);
        let (end, ()) = tokio::join!(reader.next(), writer.finish(Duration::from_millis(200)));
        assert_eq!(end, Err(StreamError::Wire(WireError::Short)));
    });
}

/// A machine with several addresses, asked at one that is not that of the route back.
#[test]
fn an_answer_comes_from_the_address_that_was_asked() {
    if cfg!(not(target_os = "linux")) {
        return; // elsewhere 127.0.0.2 is not ours
    }
    run(async {
        let identity = Identity::self_signed().unwrap();
        for kind in [Sockets::Batched, Sockets::Stock] {
            let any = "0.0.0.0:0".parse().unwrap();
            let server = server_endpoint_on(any, &identity, kind).unwrap();
            let addr = SocketAddr::from(([127, 0, 0, 2], server.local_addr().unwrap().port()));
            let client = lone_client_endpoint(addr).unwrap();
            let (client, server) =
                tokio::join!(connect(&client, addr, identity.cert_sha256()), async {
                    server.accept().await.unwrap().await.unwrap()
                });
            let client = client.unwrap();
            for n in 0..200u8 {
                server.send_datagram(vec![n; 400].into()).unwrap();
                assert_eq!(client.read_datagram().await.unwrap(), vec![n; 400]);
            }
        }
    });
}

/// More peers than a batch has packets; among their datagrams are runs, which go alone and may not overtake.
#[test]
fn batches_lose_and_swap_nothing() {
    run(async {
        let ends = ends();
        let mut pairs = Vec::new();
        for _ in 0..70 {
            pairs.push(ends.pair().await);
        }
        for round in 0..20u8 {
            for (n, (_, server)) in pairs.iter().enumerate() {
                for part in 0..=(n % 9) {
                    let bytes = [round, n as u8, part as u8];
                    server
                        .send_datagram([&bytes[..], &[0; 1_000]].concat().into())
                        .unwrap();
                }
            }
            for (n, (client, _)) in pairs.iter().enumerate() {
                for part in 0..=(n % 9) {
                    let datagram = client.read_datagram().await.unwrap();
                    assert_eq!(datagram[..3], [round, n as u8, part as u8]);
                }
            }
        }
    });
}

/// Several endpoints on one port, each on a thread of its own, and a client that goes on from one port after another:
/// what comes to an endpoint that does not know it is handed over.
#[test]
fn who_changes_address_stays_with_the_endpoint_that_knows_it() {
    let identity = Identity::self_signed().unwrap();
    let seats = seats("127.0.0.1:0".parse().unwrap(), 4).unwrap();
    let addr = seats[0].local_addr().unwrap();
    assert!(seats.iter().all(|seat| seat.local_addr().unwrap() == addr));
    let taken = server_endpoint(addr, &identity).unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
    let cert = identity.cert_sha256();
    let identity = std::sync::Arc::new(identity);
    for seat in seats {
        let identity = identity.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let endpoint = seat.open(&identity, Sockets::default()).unwrap();
                while let Some(incoming) = endpoint.accept().await {
                    tokio::spawn(echo(incoming.await.unwrap()));
                }
            });
        });
    }
    run(async {
        for endpoint in [
            client_endpoint(addr).unwrap(),
            lone_client_endpoint(addr).unwrap(),
        ] {
            let connection = connect(&endpoint, addr, cert).await.unwrap();
            let (mut send, mut recv) = connection.open_bi().await.unwrap();
            for n in 0..60u32 {
                if n % 3 == 2 {
                    endpoint
                        .rebind(std::net::UdpSocket::bind("0.0.0.0:0").unwrap())
                        .unwrap();
                }
                send.write_all(&n.to_le_bytes()).await.unwrap();
                let mut back = [0; 4];
                recv.read_exact(&mut back).await.unwrap();
                assert_eq!(back, n.to_le_bytes());
            }
            // Never a second handshake.
            assert!(connection.close_reason().is_none());
            connection.close(0u32.into(), b"");
        }
    });
}

async fn echo(connection: Peer) {
    let (send, recv) = connection.accept_bi().await.unwrap();
    let (mut send, mut recv) = (WriteHalf::from(send), ReadHalf::from(recv));
    while let Ok(Some(bytes)) = recv.read(4).await {
        send.write_all(&bytes).await.unwrap();
    }
}
