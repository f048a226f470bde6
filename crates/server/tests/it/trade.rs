//! Things change hands: what is answered has been done, once, whatever becomes of the line or the server.

use bluemarble_server::{Game, Outcome, Server, Turn, Visitor};
use client::{Connection, Event};
use net_proto::quic::client_endpoint;
use net_proto::{Answer, AnswerCode, Command};
use sim_core::{Account, Holder, Item, Transfer, TransferError};

use crate::support::{Place, runtime};

const COIN: Item = Item(1);
const PAY: u16 = 300;
const COUNT: u16 = 301;

/// Everybody has ten coins at first, and pays others.
struct Purse;

fn account(player: u64) -> Holder {
    Holder::Account(Account(player))
}

impl Game for Purse {
    fn join(&mut self, turn: &mut Turn<'_>, visitor: &Visitor) {
        let mine = account(visitor.player.0);
        let gift = Transfer::of(COIN, 10, (Holder::Mint, mine));
        // Operation 1 of every account: nobody is given it twice.
        let _ = turn.transfer(gift.asked_by(visitor.account(), 1));
    }

    fn command(&mut self, turn: &mut Turn<'_>, visitor: &Visitor, command: &Command) -> Outcome {
        let mine = account(visitor.player.0);
        match (command.kind, command.body.first_chunk()) {
            (COUNT, _) => Outcome::done(turn.balance(mine, COIN).to_le_bytes()),
            (PAY, Some(to)) => {
                let pay = Transfer::of(COIN, 3, (mine, account(u64::from_le_bytes(*to))));
                match turn.transfer(pay.asked_by(visitor.account(), command.operation)) {
                    Ok(()) | Err(TransferError::Done(_)) => {
                        Outcome::done(turn.balance(mine, COIN).to_le_bytes())
                    }
                    Err(_) => Outcome::refuse(AnswerCode::GAME),
                }
            }
            _ => Outcome::refuse(AnswerCode::MALFORMED),
        }
    }
}

fn open(place: &Place) -> Server {
    let config = place.config(|s| s.agents = Some(0));
    Server::builder(config).game(Purse).start().unwrap()
}

async fn ask(line: &mut Connection, operation: u64, kind: u16, body: &[u8]) -> Answer {
    line.command(operation, kind, body).unwrap();
    let answer = async {
        loop {
            if let Event::Answer(answer) = line.next().await.unwrap() {
                return answer;
            }
        }
    };
    let limit = std::time::Duration::from_secs(20);
    tokio::time::timeout(limit, answer)
        .await
        .expect("an answer in time")
}

async fn coins(line: &mut Connection, operation: u64) -> i64 {
    let answer = ask(line, operation, COUNT, &[]).await;
    i64::from_le_bytes(answer.body.try_into().unwrap())
}

#[test]
fn what_is_paid_is_paid_once() {
    let place = Place::new();
    let to = 2u64.to_le_bytes();
    for run in 0..2 {
        let server = open(&place);
        let addr = server.local_addr();
        runtime().block_on(async {
            let endpoint = client_endpoint(addr).unwrap();
            let enter = async |player| {
                let ticket = place.ticket(player);
                Connection::connect(&endpoint, addr, &ticket).await.unwrap()
            };
            let (mut one, mut two) = (enter(1).await, enter(2).await);
            if run == 0 {
                assert_eq!(
                    (coins(&mut one, 100).await, coins(&mut two, 100).await),
                    (10, 10)
                );
                let paid = ask(&mut one, 11, PAY, &to).await;
                assert_eq!(
                    (paid.code, &paid.body[..]),
                    (AnswerCode::DONE, &7i64.to_le_bytes()[..])
                );
                assert_eq!(ask(&mut one, 12, PAY, &to).await.code, AnswerCode::DONE);
                assert_eq!(ask(&mut one, 13, PAY, &to).await.code, AnswerCode::DONE);
                // One coin is not three.
                assert_eq!(ask(&mut one, 14, PAY, &to).await.code, AnswerCode::GAME);
                assert_eq!(
                    ask(&mut one, 15, PAY, &[1]).await.code,
                    AnswerCode::MALFORMED
                );
            }
            // Asked again, within a session or after a restart: it was done.
            for operation in [11, 13] {
                assert_eq!(
                    ask(&mut one, operation, PAY, &to).await.code,
                    AnswerCode::DONE
                );
            }
            assert_eq!(
                (coins(&mut one, 101).await, coins(&mut two, 101).await),
                (1, 19)
            );
        });
        server.stop().unwrap();
    }
}
