//! A connection that missed much gets it from disk, one piece after the other.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use ois_protocol::{Draft, Kind, Member, NewEvent, Role, Timestamp};
use ois_store::Store;
use serde_json::json;
use tokio::runtime::Builder;

use crate::{
    frames::{next, open, send},
    gate::Gate,
    house::{AGENT, House},
};

#[test]
fn others_have_a_turn_between_two_pieces() {
    let (begun, begins) = mpsc::sync_channel(1);
    let (go_on, goes_on) = mpsc::sync_channel(1);
    let (heard, hears) = mpsc::sync_channel(1);
    let (answered, was_answered) = mpsc::sync_channel(1);
    let mut piece = 0;
    let before_piece = move || {
        piece += 1;
        match piece {
            1 => {
                begun.send(()).unwrap();
                goes_on.recv().unwrap();
            }
            LATE => answered.send(hears.recv_timeout(TIMEOUT).is_ok()).unwrap(),
            _ => {}
        }
    };
    let house = House::behind(|inner| {
        fill(&*inner);
        Arc::new(Gate::visits(inner, before_piece))
    });
    let mut other = open(&house);
    let mut late = open(&house);
    let after = house.store().oldest();
    send(&mut late, &json!({"type": "agent_auth", "token": AGENT, "after": after}));
    begins.recv().unwrap();
    send(&mut other, &json!({"type": "ping"}));
    go_on.send(()).unwrap();
    assert_eq!(next(&mut other)["type"], "pong");
    heard.send(()).unwrap();
    assert!(was_answered.recv().unwrap(), "the other waited for {LATE} pieces");
    while next(&mut late)["type"] != "caught_up" {}
}

/// Says so much in a room that is shown to nobody that it takes several pieces. No socket can hold
/// it up, so nothing but the server itself lets others have a turn.
fn fill(store: &dyn Store) {
    let author = Member::new("HKH".parse().unwrap(), Kind::Agent, Role::Agent);
    let draft = Draft { room: "other".parse().unwrap(), ..Draft::new(author, "x") };
    let runtime = Builder::new_current_thread().build().unwrap();
    for _ in 0..2 * LATE {
        let batch = vec![NewEvent::Message(draft.clone()); 1024];
        let after = *store.head().borrow();
        runtime.block_on(store.append(batch, NOON, after)).unwrap();
    }
}

/// By this piece the other has been answered.
const LATE: usize = 4;
/// The bound on the wait for an answer; it only ends a test that hangs.
const TIMEOUT: Duration = Duration::from_secs(300);
const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
