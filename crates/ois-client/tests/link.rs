//! A link against servers that behave well, badly, and as OIS 1.2 does.
#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{io, time::Duration};

use futures_util::{SinkExt, StreamExt};
use ois_client::{
    Backoff, Closed, Config, Credential, Event, Keep, Kept, Link, Lost, NotSent, Report,
};
use ois_protocol::{Chat, ClientFrame, Delivery, EventId, Nonce, Rung, Timestamp};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

/// The server's end of one connection.
struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().await.unwrap();
        Self(accept_async(stream).await.unwrap())
    }

    /// The next frame that is JSON.
    async fn hear(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.next().await.unwrap().unwrap() {
                return serde_json::from_str(text.as_str()).unwrap();
            }
        }
    }

    async fn tell(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Takes the sign-in, whatever it says, as a server of protocol 2.
    async fn welcome(&mut self) -> Value {
        let asked = self.hear().await;
        self.tell(json!({"type": "auth_ok", "user": "ARIA ⚔️", "isAgent": true, "team": "0a1b2c3d", "protocol": 2, "head": 7})).await;
        asked
    }

    /// Takes the sign-in as OIS 1.2.
    async fn welcome_as_old(&mut self, history: &[Value]) -> Value {
        let asked = self.hear().await;
        self.tell(json!({"type": "auth_ok", "user": "ARIA ⚔️", "isAgent": true})).await;
        self.tell(json!({"type": "history", "messages": history})).await;
        asked
    }
}

/// A disk that fills up behind the first draft.
struct FullDisk;

impl Keep for FullDisk {
    fn load(&mut self) -> io::Result<Vec<Kept>> {
        Ok(Vec::new())
    }

    fn put(&mut self, _: &Kept) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _: &Nonce) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

async fn listen() -> (TcpListener, Config) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let mut config = Config::new(url.parse().unwrap(), Credential::agent("s3cret-token"));
    config.backoff = Backoff { first: Duration::from_millis(2), most: Duration::from_millis(8) };
    (listener, config)
}

fn message(id: u64, user: &str, text: &str) -> Value {
    json!({"id": id, "user": user, "text": text, "time": "2026-02-06T12:34:56.789Z"})
}

fn chat(text: &str) -> Chat {
    Chat { text: text.to_owned(), ..Chat::in_main() }
}

fn received() -> Delivery {
    let (id, agent) = (EventId::new(7).unwrap(), "ARIA".parse().unwrap());
    Delivery { state: Rung::Received, ..Delivery::stored(id, agent, Timestamp::from_ms(0)) }
}

/// The next message's id, past whatever else happens.
async fn next_message(link: &mut Link) -> u64 {
    loop {
        if let Event::Message(message) = link.next().await.unwrap() {
            return message.id.get();
        }
    }
}

async fn next_ack(link: &mut Link) -> u64 {
    loop {
        if let Event::Ack(ack) = link.next().await.unwrap() {
            return ack.id.get();
        }
    }
}

#[tokio::test]
async fn a_lost_connection_is_resumed_after_the_last_message() {
    let (listener, config) = listen().await;
    let mut link = Link::start(config).unwrap();
    let server = async {
        let mut first = Peer::accept(&listener).await;
        let asked = first.welcome().await;
        assert_eq!(asked, json!({"type": "agent_auth", "token": "s3cret-token"}));
        first.tell(json!({"type": "history", "messages": [message(7, "Mira", "old")]})).await;
        first.tell(json!({"type": "message", "message": message(8, "Mira", "live")})).await;
        // It is gone in the middle of a frame, without a word.
        drop(first);
        let mut second = Peer::accept(&listener).await;
        assert_eq!(second.welcome().await["after"], 8);
        second.tell(json!({"type": "history", "messages": []})).await;
        for id in [8, 9] {
            second.tell(json!({"type": "message", "message": message(id, "Mira", "x")})).await;
        }
        second.tell(json!({"type": "caught_up", "id": 9})).await;
        second
    };
    let client = async {
        assert_eq!(next_message(&mut link).await, 8);
        assert_eq!(next_message(&mut link).await, 9, "8 was handed out already");
        assert!(matches!(link.next().await, Some(Event::CaughtUp(id)) if id.get() == 9));
    };
    tokio::join!(server, client);
}

#[tokio::test]
async fn what_was_said_before_a_loss_is_said_again_with_its_nonce() {
    let (listener, config) = listen().await;
    let mut link = Link::start(config).unwrap();
    let nonce = link.say(chat("hi")).await.unwrap();
    let server = async {
        let mut first = Peer::accept(&listener).await;
        first.welcome().await;
        assert_eq!(first.hear().await["nonce"], nonce.as_str());
        drop(first);
        let mut second = Peer::accept(&listener).await;
        second.welcome().await;
        assert_eq!(second.hear().await["nonce"], nonce.as_str());
        second
            .tell(json!({"type": "ack", "nonce": nonce.as_str(), "id": 9, "duplicate": true}))
            .await;
        second
    };
    let (_peer, id) = tokio::join!(server, next_ack(&mut link));
    assert_eq!(id, 9);
}

#[tokio::test]
async fn what_the_server_has_taken_is_told_although_the_disk_does_not_note_it() {
    let (listener, config) = listen().await;
    let mut link = Link::start_with(config, FullDisk).unwrap();
    link.say(chat("one")).await.unwrap();
    let mut peer = Peer::accept(&listener).await;
    peer.welcome().await;
    let nonce = peer.hear().await["nonce"].clone();
    peer.tell(json!({"type": "ack", "nonce": nonce, "id": 9})).await;
    assert_eq!(next_ack(&mut link).await, 9);
    // Nothing more can be noted now, so the connection begins anew.
    Peer::accept(&listener).await;
}

#[tokio::test]
async fn a_refusal_for_good_is_handed_back_and_one_for_now_is_not() {
    let (listener, config) = listen().await;
    let mut link = Link::start(config).unwrap();
    let nonce = link.say(chat("hi")).await.unwrap();
    let error = |code: &str| json!({"type": "error", "code": code, "message": "no", "nonce": nonce.as_str(), "retryAfterMs": (code == "storage").then_some(1)});
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome().await;
        peer.hear().await;
        peer.tell(error("storage")).await;
        peer.hear().await;
        peer.tell(error("forbidden")).await;
        peer
    };
    let client = async {
        loop {
            match link.next().await.unwrap() {
                Event::Refused(error) => break error,
                Event::Error(error) => assert_eq!(error.retry_after_ms, Some(1)),
                _ => {}
            }
        }
    };
    let (_peer, refused) = tokio::join!(server, client);
    assert_eq!(refused.nonce, Some(nonce));
}

#[tokio::test]
async fn a_wrong_token_is_told_and_shows_nowhere() {
    let (listener, config) = listen().await;
    assert!(!format!("{config:?}").contains("s3cret"));
    let mut link = Link::start(config).unwrap();
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.hear().await;
        peer.tell(json!({"type": "auth_fail"})).await;
        peer
    };
    let (_peer, event) = tokio::join!(server, link.next());
    assert!(matches!(event, Some(Event::Disconnected { why: Lost::Unauthorized, .. })));
    assert!(!format!("{link:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_server_that_says_nothing_any_more_is_given_up() {
    let (listener, mut config) = listen().await;
    config.ping = Duration::from_millis(20);
    let mut link = Link::start(config).unwrap();
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome().await;
        // It reads nothing, so it answers no ping either.
        peer
    };
    let client = async {
        loop {
            if let Event::Disconnected { why, .. } = link.next().await.unwrap() {
                break why;
            }
        }
    };
    let (_peer, why) = tokio::join!(server, client);
    assert!(matches!(why, Lost::Silent), "{why:?}");
}

#[tokio::test]
async fn an_owner_that_does_not_listen_can_still_speak() {
    let (listener, config) = listen().await;
    let link = Link::start(config).unwrap();
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome().await;
        for id in 8..1000 {
            peer.tell(json!({"type": "message", "message": message(id, "Mira", "x")})).await;
        }
        peer.hear().await
    };
    let (heard, _) = tokio::join!(server, async { link.say(chat("still here")).await.unwrap() });
    assert_eq!(heard["text"], "still here");
}

#[tokio::test]
async fn closing_says_goodbye() {
    let (listener, config) = listen().await;
    let mut link = Link::start(config).unwrap();
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome().await;
        while let Some(Ok(raw)) = peer.0.next().await {
            if raw.is_close() {
                return true;
            }
        }
        false
    };
    let client = async {
        assert!(matches!(link.next().await, Some(Event::Connected(_))));
        link.close().await;
    };
    assert!(tokio::join!(server, client).0);
}

#[tokio::test]
async fn whoever_closes_may_wait_until_the_server_has_what_was_said() {
    let (listener, config) = listen().await;
    let link = Link::start(config).unwrap();
    let nonce = link.say(chat("the last words")).await.unwrap();
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome().await;
        // What the owner does not take any more stops nothing.
        for id in 8..200 {
            peer.tell(json!({"type": "message", "message": message(id, "Mira", "x")})).await;
        }
        assert_eq!(peer.hear().await["nonce"], nonce.as_str());
        peer.tell(json!({"type": "ack", "nonce": nonce.as_str(), "id": 200})).await;
        peer
    };
    let (_peer, left) = tokio::join!(server, link.close_within(Duration::from_secs(60)));
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn whoever_closes_learns_what_the_server_has_not_confirmed() {
    let (_listener, config) = listen().await;
    let link = Link::start(config).unwrap();
    let nonce = link.say(chat("too late")).await.unwrap();
    let speaker = link.speaker();
    speaker.report(received()).await.unwrap();
    let left = link.close().await;
    assert_eq!(left.drafts[0].nonce, Some(nonce));
    assert_eq!(left.reports, [Report::from(received())]);
    assert!(matches!(speaker.say(chat("never")).await, Err(Closed::Ended)));
}

#[tokio::test]
async fn a_link_that_was_dropped_takes_nothing_more() {
    let (_listener, config) = listen().await;
    for _ in 0..20 {
        let link = Link::start(config.clone()).unwrap();
        let speaker = link.speaker();
        speaker.say(chat("kept")).await.unwrap();
        drop(link);
        assert!(matches!(speaker.say(chat("lost")).await, Err(Closed::Ended)));
        assert!(matches!(speaker.tell(ClientFrame::Ping).await, Err(NotSent::Ended)));
    }
}

#[tokio::test]
async fn what_is_worth_nothing_later_is_not_taken_while_there_is_no_connection() {
    let (listener, config) = listen().await;
    let mut link = Link::start(config).unwrap();
    let speaker = link.speaker();
    assert_eq!(speaker.tell(ClientFrame::Ping).await, Err(NotSent::Offline));
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome().await;
        peer.hear().await
    };
    let client = async {
        assert!(matches!(link.next().await, Some(Event::Connected(_))));
        speaker.tell(ClientFrame::Ping).await
    };
    let (heard, told) = tokio::join!(server, client);
    assert_eq!((heard["type"].as_str(), told), (Some("ping"), Ok(())));
}

#[tokio::test]
async fn a_report_is_sent_over_each_connection_until_its_receipt() {
    let (listener, config) = listen().await;
    let link = Link::start(config).unwrap();
    link.speaker().report(received()).await.unwrap();
    let server = async {
        for _ in 0..2 {
            let mut peer = Peer::accept(&listener).await;
            peer.welcome().await;
            assert_eq!(peer.hear().await["state"], "received");
        }
        let mut peer = Peer::accept(&listener).await;
        peer.welcome().await;
        let mut receipt = peer.hear().await;
        receipt["at"] = json!("2026-02-06T12:34:56.789Z");
        peer.tell(receipt).await;
        peer
    };
    let (_peer, left) = tokio::join!(server, link.close_within(Duration::from_secs(60)));
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_cursor_that_the_server_has_not_reached_begins_anew() {
    let (listener, mut config) = listen().await;
    config.after = EventId::new(900);
    let mut link = Link::start(config).unwrap();
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        assert_eq!(peer.welcome().await["after"], 900);
        peer.tell(json!({"type": "error", "code": "cursor_ahead", "message": "the log ends at 7"}))
            .await;
        peer.tell(json!({"type": "history", "messages": [message(7, "Mira", "old")]})).await;
        peer.tell(json!({"type": "message", "message": message(8, "Mira", "new")})).await;
        peer
    };
    let client = async {
        loop {
            if let Event::History(messages) = link.next().await.unwrap() {
                assert_eq!(messages.len(), 1);
                break next_message(&mut link).await;
            }
        }
    };
    assert_eq!(tokio::join!(server, client).1, 8);
}

#[tokio::test]
async fn an_old_server_is_resumed_from_its_history_and_confirms_by_echo() {
    let (listener, mut config) = listen().await;
    config.after = EventId::new(5);
    let mut link = Link::start(config).unwrap();
    let nonce = link.say(chat("pong")).await.unwrap();
    let server = async {
        let mut first = Peer::accept(&listener).await;
        // It tells those as well who have not signed in.
        first.tell(json!({"type": "message", "message": message(6, "Mira", "missed")})).await;
        first.welcome_as_old(&[message(4, "Mira", "seen"), message(6, "Mira", "missed")]).await;
        assert_eq!(first.hear().await["text"], "pong");
        drop(first);
        // It had taken it: the history shows that, and so it is not said again.
        let mut second = Peer::accept(&listener).await;
        second.welcome_as_old(&[message(6, "Mira", "missed"), message(7, "ARIA ⚔️", "pong")]).await;
        // Two messages of one millisecond share an id.
        for text in ["a", "b"] {
            second.tell(json!({"type": "message", "message": message(8, "Mira", text)})).await;
        }
        second.tell(json!({"type": "message", "message": message(9, "Mira", "c")})).await;
        second
    };
    let client = async {
        let mut heard = Vec::new();
        let mut acked = None;
        while heard.last() != Some(&9) {
            match link.next().await.unwrap() {
                Event::Message(message) => heard.push(message.id.get()),
                Event::Ack(ack) => acked = Some((ack.nonce, ack.id.get())),
                Event::Truncated(_) => panic!("nothing is missing"),
                _ => {}
            }
        }
        (heard, acked)
    };
    let (mut peer, (heard, acked)) = tokio::join!(server, client);
    assert_eq!(heard, [6, 7, 8, 8, 9]);
    assert_eq!(acked, Some((nonce, 7)));
    link.close().await;
    while let Some(Ok(raw)) = peer.0.next().await {
        assert!(!raw.is_text(), "said twice: {raw}");
    }
}
