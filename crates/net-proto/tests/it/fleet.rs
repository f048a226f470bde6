//! Many clients on one thread without a runtime, against a real endpoint.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use net_proto::quic::quinn::ConnectionError;
use net_proto::quic::{
    ControlReader, ControlWriter, Fleet, Identity, LineId, News, STREAM_DEADLINE, server_endpoint,
};
use net_proto::{CLIENT_FRAME_BYTES_MAX, Exported, Refuse, RefuseCode, ServerMessage, ShortText};

#[expect(clippy::disallowed_methods, reason = "real sockets live in real time")]
fn now() -> Instant {
    Instant::now()
}

/// What a server's end of a connection saw: what it exports, and whether the client said farewell.
type Seen = (Exported, bool);

/// Answers datagrams, and a first frame by a refusal that repeats its content, until the client goes.
async fn serve(connection: net_proto::quic::Peer, seen: Sender<Seen>) {
    let (send, receive) = connection.accept_bi().await.unwrap();
    let mut reader = ControlReader::new(receive, CLIENT_FRAME_BYTES_MAX);
    let mut writer = ControlWriter::new(send);
    let frame = reader.next().await.unwrap().unwrap();
    let mut answer = Vec::new();
    ServerMessage::Refuse(Refuse {
        code: RefuseCode(frame[0].into()),
        text: ShortText::lossy("heard"),
    })
    .encode(&mut answer);
    writer.send(&answer, STREAM_DEADLINE).await.unwrap();
    let exported = connection.export().unwrap();
    while let Ok(datagram) = connection.read_datagram().await {
        connection.send_datagram(datagram).unwrap();
    }
    let left = matches!(
        connection.close_reason(),
        Some(ConnectionError::ApplicationClosed(_))
    );
    seen.send((exported, left)).unwrap();
}

/// A server on a thread of its own, for so many connections.
fn server(count: usize) -> (SocketAddr, [u8; 32], Receiver<Seen>) {
    let identity = Identity::self_signed().unwrap();
    let cert_sha256 = identity.cert_sha256();
    let ((told, tells), (seen, sees)) = (channel(), channel());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let endpoint = server_endpoint("127.0.0.1:0".parse().unwrap(), &identity).unwrap();
            told.send(endpoint.local_addr().unwrap()).unwrap();
            for _ in 0..count {
                let Ok(connection) = endpoint.accept().await.unwrap().await else {
                    continue; // it did not want us
                };
                tokio::spawn(serve(connection, seen.clone()));
            }
            endpoint.wait_idle().await;
        });
    });
    (tells.recv().unwrap(), cert_sha256, sees)
}

/// What a client has heard.
#[derive(Default)]
struct Heard {
    exported: Option<Exported>,
    answer: Option<u16>,
    echoes: u32,
}

const CLIENTS: usize = 40;
const DATAGRAMS: u32 = 20;

fn step(fleet: &mut Fleet, clients: &mut BTreeMap<LineId, Heard>) {
    let mut news = Vec::new();
    fleet.turn(now(), &mut news).unwrap();
    for (line, what) in news {
        let heard = clients.get_mut(&line).unwrap();
        match what {
            News::Connected(exported) => {
                heard.exported = Some(exported);
                assert!(fleet.write(line, &[1, 0, 77]));
            }
            News::Frame(frame) => match ServerMessage::decode(&frame).unwrap() {
                ServerMessage::Refuse(refuse) => {
                    heard.answer = Some(refuse.code.0);
                    assert!(fleet.send(line, vec![0; 30].into()));
                }
                other => panic!("{other:?}"),
            },
            News::Datagram(bytes) => {
                assert_eq!(bytes.len(), 30 + heard.echoes as usize);
                heard.echoes += 1;
                if heard.echoes < DATAGRAMS {
                    assert!(fleet.send(line, vec![0; 30 + heard.echoes as usize].into()));
                }
            }
            other => panic!("{other:?}"),
        }
    }
    fleet.flush(now()).unwrap();
    fleet
        .wait(now(), now() + Duration::from_millis(50))
        .unwrap();
}

#[test]
fn many_clients_talk_to_a_server() {
    let (addr, cert_sha256, sees) = server(CLIENTS);
    let from = ["127.3.0.1", "127.3.1.1", "127.3.2.1"].map(|ip| ip.parse().unwrap());
    let mut fleet = Fleet::new(addr, &from).unwrap();
    let ports: Vec<_> = fleet.addrs().collect();
    assert!(ports.len() == 3 && ports[2].ip() == from[2]);
    let mut clients = BTreeMap::new();
    for n in 0..CLIENTS {
        let line = fleet.connect(now(), cert_sha256, n).unwrap();
        clients.insert(line, Heard::default());
    }
    let deadline = now() + Duration::from_secs(20);
    while clients.values().any(|heard| heard.echoes < DATAGRAMS) {
        assert!(now() < deadline, "{} lines", fleet.len());
        step(&mut fleet, &mut clients);
    }
    assert!(clients.values().all(|heard| heard.answer == Some(77)));
    let cut = *clients.keys().next().unwrap();
    fleet.cut(cut);
    assert_eq!(fleet.len(), CLIENTS - 1);
    assert!(!fleet.send(cut, vec![1].into()) && !fleet.write(cut, &[1, 0, 1]));
    let lines: Vec<_> = clients.keys().copied().collect();
    lines.iter().for_each(|line| fleet.close(now(), *line));
    fleet.flush(now()).unwrap();
    // All but the one that was cut said farewell, and both ends export the same.
    let mut exported: Vec<_> = clients
        .values()
        .map(|heard| heard.exported.unwrap())
        .collect();
    for _ in 1..CLIENTS {
        let (of_server, left) = sees.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(left);
        let n = exported
            .iter()
            .position(|of_client| *of_client == of_server)
            .unwrap();
        exported.remove(n);
    }
    assert_eq!(exported, [clients[&cut].exported.unwrap()]);
    while !fleet.is_empty() {
        assert!(now() < deadline, "{} lines do not end", fleet.len());
        fleet.turn(now(), &mut Vec::new()).unwrap();
        fleet
            .wait(now(), now() + Duration::from_millis(50))
            .unwrap();
    }
}

#[test]
fn another_certificate_is_not_accepted() {
    let (addr, _, _sees) = server(1);
    let mut fleet = Fleet::new(addr, &["127.0.0.1".parse().unwrap()]).unwrap();
    let line = fleet.connect(now(), [7; 32], 0).unwrap();
    let deadline = now() + Duration::from_secs(10);
    let mut news = Vec::new();
    while news.is_empty() {
        assert!(now() < deadline);
        fleet.turn(now(), &mut news).unwrap();
        fleet.flush(now()).unwrap();
        fleet
            .wait(now(), now() + Duration::from_millis(50))
            .unwrap();
    }
    assert!(
        matches!(&news[..], [(of, News::Lost(_))] if *of == line),
        "{news:?}"
    );
}
