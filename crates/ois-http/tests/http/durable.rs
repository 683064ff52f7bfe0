//! Nobody sees what is not durable: the store is held up, and so is every frame and answer.

use std::{
    net::TcpStream,
    sync::{Arc, mpsc},
    time::Duration,
};

use ois_http::{BatchLimits, Settings};
use serde_json::json;
use tokio::sync::Semaphore;
use tungstenite::WebSocket;

use crate::{
    frames::{next, open, send},
    gate::Gate,
    house::{AGENT, House},
};

#[test]
fn nobody_sees_a_message_before_the_store_says_that_it_is_durable() {
    let (waiting, waits) = mpsc::sync_channel(16);
    let let_through = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&let_through);
    let house = House::behind(|inner| Arc::new(Gate::appends(inner, waiting, gate)));
    let (mut sender, mut reader) = (join(&house), join(&house));
    send(&mut sender, &json!({"type": "chat", "text": "soon", "nonce": "n1"}));
    assert_eq!(waits.recv().unwrap(), 1);
    for socket in [&mut sender, &mut reader] {
        send(socket, &json!({"type": "ping"}));
        assert_eq!(next(socket)["type"], "pong", "nothing else comes before it");
    }
    // What is said meanwhile becomes one batch, whoever says it.
    for number in 0..5 {
        send(&mut reader, &json!({"type": "chat", "text": format!("later {number}")}));
    }
    send(&mut reader, &json!({"type": "ping"}));
    assert_eq!(next(&mut reader)["type"], "pong");

    let_through.add_permits(1);
    assert_eq!(next(&mut reader)["message"]["text"], "soon");
    let (first, second) = (next(&mut sender), next(&mut sender));
    let types = [&first["type"], &second["type"]];
    assert!(types.contains(&&json!("ack")) && types.contains(&&json!("message")), "{types:?}");
    assert_eq!(waits.recv().unwrap(), 5, "one append for all of them");
    let_through.add_permits(1);
    for number in 0..5 {
        assert_eq!(next(&mut reader)["message"]["text"], format!("later {number}"));
    }
}

#[test]
fn what_is_more_than_a_batch_follows_in_its_order() {
    let (waiting, waits) = mpsc::sync_channel(16);
    let let_through = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&let_through);
    let batch = BatchLimits { messages: 2, ..BatchLimits::default() };
    let house = House::behind_with(
        |inner| Arc::new(Gate::appends(inner, waiting, gate)),
        Settings { batch, ..Settings::default() },
    );
    let mut sender = join(&house);
    for number in 0..6 {
        send(&mut sender, &json!({"type": "chat", "text": format!("{number}")}));
        if number == 0 {
            assert_eq!(waits.recv().unwrap(), 1);
        }
    }
    send(&mut sender, &json!({"type": "ping"}));
    assert_eq!(next(&mut sender)["type"], "pong");
    let_through.add_permits(4);
    for number in 0..6 {
        assert_eq!(next(&mut sender)["message"]["text"], format!("{number}"));
    }
    assert_eq!([(); 3].map(|()| waits.recv().unwrap()), [2, 2, 1]);
}

#[test]
fn who_is_held_up_by_a_full_queue_goes_on_when_batches_have_made_room() {
    let (waiting, waits) = mpsc::sync_channel(256);
    let let_through = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&let_through);
    let batch = BatchLimits { bytes: 1 << 20, ..BatchLimits::default() };
    let house = House::behind_with(
        |inner| Arc::new(Gate::appends(inner, waiting, gate)),
        Settings { batch, ..Settings::default() },
    );
    let (mut sender, mut reader) = (join(&house), join(&house));
    let text = |number: usize| format!("{number} {}", "x".repeat(200_000));
    let saying = std::thread::spawn(move || {
        for number in 0..80 {
            send(&mut sender, &json!({"type": "chat", "text": text(number)}));
        }
        sender
    });
    waits.recv().unwrap();
    // 16 MB are on the way: the server reads no more than it may keep.
    while bytes_in(&house) < 8 << 20 {}
    let_through.add_permits(80);
    for number in 0..80 {
        assert_eq!(next(&mut reader)["message"]["text"], text(number));
    }
    drop(saying.join().unwrap());
    assert!(waits.try_iter().all(|events| events <= 5), "a mebibyte holds five of them");
}

/// What the server has read from WebSockets.
fn bytes_in(house: &House) -> u64 {
    let metrics = house.ask("GET /metrics").text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("ois_bytes_in_total "));
    line.unwrap().parse().unwrap()
}

#[test]
fn a_stop_shows_and_acknowledges_what_the_disk_was_busy_with() {
    let (waiting, waits) = mpsc::sync_channel(16);
    let let_through = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&let_through);
    let house = House::behind(|inner| Arc::new(Gate::appends(inner, waiting, gate)));
    let mut sender = join(&house);
    send(&mut sender, &json!({"type": "chat", "text": "last words", "nonce": "n1"}));
    assert_eq!(waits.recv().unwrap(), 1);
    let address = house.connect().peer_addr().unwrap();
    let stopping = std::thread::spawn(move || drop(house));
    // The door is shut before the connections are.
    while TcpStream::connect(address).is_ok() {}
    let_through.add_permits(1);
    let types = [next(&mut sender)["type"].clone(), next(&mut sender)["type"].clone()];
    assert!(types.contains(&json!("ack")) && types.contains(&json!("message")), "{types:?}");
    assert!(sender.read().unwrap().is_close());
    drop(sender);
    stopping.join().unwrap();
}

#[test]
fn a_peer_that_speaks_into_a_stop_keeps_nobody_from_it() {
    let (waiting, waits) = mpsc::sync_channel(16);
    let let_through = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&let_through);
    let house = House::behind(|inner| Arc::new(Gate::appends(inner, waiting, gate)));
    let (mut sender, mut other) = (join(&house), join(&house));
    send(&mut sender, &json!({"type": "chat", "text": "last words", "nonce": "n1"}));
    assert_eq!(waits.recv().unwrap(), 1);
    let stopping = std::thread::spawn(move || drop(house));
    // Once the server stops, it answers nobody any more.
    other.get_ref().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    loop {
        send(&mut other, &json!({"type": "ping"}));
        if other.read().is_err() {
            break;
        }
    }
    let_through.add_permits(1);
    let types = [next(&mut sender)["type"].clone(), next(&mut sender)["type"].clone()];
    assert!(types.contains(&json!("ack")) && types.contains(&json!("message")), "{types:?}");
    drop((sender, other));
    stopping.join().unwrap();
}

fn join(house: &House) -> WebSocket<TcpStream> {
    let mut socket = open(house);
    send(&mut socket, &json!({"type": "agent_auth", "token": AGENT}));
    assert_eq!(next(&mut socket)["type"], "auth_ok");
    assert_eq!(next(&mut socket)["type"], "history");
    socket
}
