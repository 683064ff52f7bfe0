use ois_protocol::{
    Chat, ClientFrame, Delivery, DeliveryId, ErrorCode, EventKind, Kind, Presence, PresenceState,
    Record, Role, Rung, ShortName, SignIn, Stop, Stopped, Timestamp, Topic,
};

use super::*;
use crate::{Credential, DeskSettings};

const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
const MIRA: ConnId = ConnId(1);
const ARIA: ConnId = ConnId(2);

/// A team and its log.
struct Rig {
    team: Team,
    log: Vec<Record>,
    nonces: KnownNonces,
}

fn agent(name: &str) -> Member {
    Member::new(name.parse().unwrap(), Kind::Agent, Role::Agent)
}

fn person(name: &str) -> Member {
    Member::new(name.parse().unwrap(), Kind::Human, Role::Member)
}

fn chat(text: &str, nonce: Option<&str>) -> Chat {
    let nonce = nonce.map(|nonce| nonce.parse().unwrap());
    Chat { text: text.to_owned(), nonce, ..Chat::in_main() }
}

impl Rig {
    /// A person and an agent's monitor, who have signed in.
    fn new() -> Self {
        let desk = Desk::new(DeskSettings::default());
        let (limits, batch) = (Limits::default(), BatchLimits::default());
        let mut team = Team::new("00c0ffee", limits, batch, desk, EventId::ZERO);
        team.register(vec![agent("ARIA"), person("Mira")]);
        let mut rig = Self { team, log: Vec::new(), nonces: KnownNonces::new() };
        rig.sign_in(MIRA, person("Mira"), &[Topic::Presence, Topic::Activity]);
        rig.sign_in(ARIA, agent("ARIA"), &[Topic::Deliveries, Topic::Runs]);
        rig.outputs();
        rig
    }

    fn sign_in(&mut self, conn: ConnId, member: Member, topics: &[Topic]) {
        self.team.opened(conn);
        let sign_in = SignIn { subscribe: topics.to_vec(), ..SignIn::default() };
        let head = self.team.head();
        self.team.signed_in(conn, member, Credential::Session, sign_in, head, NOON);
    }

    fn hears(&mut self, conn: ConnId, frame: ClientFrame) -> Reading {
        self.team.receive(conn, Ok(frame), NOON)
    }

    fn says(&mut self, conn: ConnId, text: &str, nonce: Option<&str>) {
        assert_eq!(self.hears(conn, ClientFrame::Chat(chat(text, nonce))), Reading::Continue);
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.team.output()).collect()
    }

    /// The errors among the outputs, by connection.
    fn errors(&mut self) -> Vec<(ConnId, ErrorCode, Option<String>)> {
        let outputs = self.outputs().into_iter().filter_map(|output| match output {
            Output::Send(conn, ServerFrame::Error(error)) => Some((conn, error)),
            _ => None,
        });
        let told = |error: &ois_protocol::ErrorFrame| {
            error.about.clone().or(error.nonce.as_ref().map(ToString::to_string))
        };
        outputs.map(|(conn, error)| (conn, error.code, told(&error))).collect()
    }

    /// Another server appends this.
    fn appears(&mut self, batch: Batch) {
        for event in batch.events {
            let id = self.team.head().next();
            let (kind, room) = (event.kind(), event.room().clone());
            if let Some(nonce) = event.nonce() {
                let key = (event.author().clone(), nonce.clone());
                self.nonces.insert(key, NonceState::Stored(id));
            }
            let payload = event.encode(id, NOON).into();
            let record = Record { id, time: NOON, kind: Some(kind), room, payload };
            self.team.stored(&record);
            self.log.push(record);
        }
    }

    fn take_batch(&mut self) -> Option<Batch> {
        self.team.close_batch();
        self.team.take_batch(&self.nonces, NOON)
    }

    /// Appends one batch.
    fn commit(&mut self) -> usize {
        let Some(batch) = self.take_batch() else { return 0 };
        assert_eq!(batch.after, self.team.head());
        self.team.appended(batch.after.next());
        let count = batch.events.len();
        self.appears(batch);
        count
    }

    fn last_message(&self) -> EventId {
        let messages = self.log.iter().rev();
        messages.filter(|it| it.kind == Some(EventKind::Message)).map(|it| it.id).next().unwrap()
    }
}

fn ack(conn: ConnId, nonce: &str, id: u64, duplicate: bool) -> Output {
    let (nonce, id) = (nonce.parse().unwrap(), EventId::new(id).unwrap());
    Output::Send(conn, ServerFrame::Ack(ois_protocol::Ack { nonce, id, duplicate }))
}

#[test]
fn a_ping_is_answered_before_anybody_has_signed_in() {
    let mut rig = Rig::new();
    rig.team.opened(ConnId(9));
    assert_eq!(rig.hears(ConnId(9), ClientFrame::Ping), Reading::Continue);
    assert_eq!(rig.outputs(), [Output::Send(ConnId(9), ServerFrame::Pong)]);
}

#[test]
fn nobody_speaks_or_reports_before_signing_in_and_only_agents_report() {
    let mut rig = Rig::new();
    let stranger = ConnId(9);
    rig.team.opened(stranger);
    rig.says(stranger, "hi", Some("n1"));
    let state = PresenceState::Online;
    let name = "Mira".parse().unwrap();
    let report = ClientFrame::Presence(Presence { name, state, since: NOON, proven_at: None });
    assert_eq!(rig.hears(stranger, report.clone()), Reading::Continue);
    assert_eq!(rig.hears(MIRA, report), Reading::Continue);
    let said = Some("n1".to_owned());
    let (unauthorized, forbidden) = (ErrorCode::Unauthorized, ErrorCode::Forbidden);
    let expected =
        [(stranger, unauthorized, said), (stranger, unauthorized, None), (MIRA, forbidden, None)];
    assert_eq!(rig.errors(), expected);
    assert_eq!(rig.commit(), 0);
}

#[test]
fn the_sender_is_told_once_the_log_has_it_and_not_before() {
    let mut rig = Rig::new();
    rig.says(MIRA, "hi", Some("n1"));
    let batch = rig.take_batch().unwrap();
    rig.team.appended(batch.after.next());
    assert_eq!(rig.outputs(), []);
    rig.appears(batch);
    assert_eq!(rig.outputs(), [ack(MIRA, "n1", 1, false)]);
}

#[test]
fn a_draft_that_is_said_twice_is_one_message_whether_in_one_batch_or_in_two() {
    let mut rig = Rig::new();
    rig.says(MIRA, "hi", Some("n1"));
    rig.says(MIRA, "hi", Some("n1"));
    assert_eq!(rig.commit(), 1);
    assert_eq!(rig.outputs(), [ack(MIRA, "n1", 1, false), ack(MIRA, "n1", 1, true)]);
    rig.says(MIRA, "hi", Some("n1"));
    assert_eq!(rig.commit(), 0);
    assert_eq!(rig.outputs(), [ack(MIRA, "n1", 1, true)]);
}

#[test]
fn a_batch_that_the_log_does_not_take_is_told_to_its_senders_alone_and_may_be_said_again() {
    let mut rig = Rig::new();
    rig.says(MIRA, "@ARIA hi", Some("n1"));
    rig.team.post(RequestId(7), person("Mira"), chat("by HTTP", None), NOON);
    rig.take_batch().unwrap();
    rig.team.append_failed();
    let outputs = rig.outputs();
    assert!(matches!(
        &outputs[..],
        [Output::Send(MIRA, ServerFrame::Error(error)), Output::Answer(RequestId(7), Err(other))]
            if error.code == ErrorCode::Storage && other.retry_after_ms.is_some()
    ));
    rig.says(MIRA, "@ARIA hi", Some("n1"));
    assert_eq!(rig.commit(), 1);
    assert_eq!(rig.outputs(), [ack(MIRA, "n1", 1, false)]);
}

#[test]
fn a_batch_that_was_decided_on_an_older_log_is_decided_anew() {
    let mut rig = Rig::new();
    rig.says(MIRA, "@ARIA what do you think?", Some("n1"));
    assert_eq!(rig.commit(), 1);
    let cause = rig.last_message();
    let received = Delivery {
        state: Rung::Received,
        ..Delivery::stored(cause, "ARIA".parse().unwrap(), NOON)
    };
    assert_eq!(rig.hears(ARIA, ClientFrame::Delivery(received.clone())), Reading::Continue);
    let batch = rig.take_batch().unwrap();
    // Another server stores the same report first.
    rig.team.moved();
    rig.outputs();
    rig.appears(batch);
    assert_eq!(rig.commit(), 0, "it is known by now");
    let known = Delivery { at: NOON, ..received };
    assert_eq!(rig.outputs(), [Output::Send(ARIA, ServerFrame::Delivery(known))]);
}

#[test]
fn a_draft_whose_nonce_cannot_be_looked_up_is_refused_for_now() {
    let mut rig = Rig::new();
    rig.says(MIRA, "hi", Some("n1"));
    let keys = rig.team.close_batch();
    let known = keys.into_iter().map(|key| (key, NonceState::Unreadable)).collect();
    assert_eq!(rig.team.take_batch(&known, NOON), None);
    assert_eq!(rig.errors(), [(MIRA, ErrorCode::Storage, Some("n1".to_owned()))]);
}

#[test]
fn a_retry_is_answered_with_the_next_attempt_once_that_is_stored() {
    let mut rig = Rig::new();
    rig.says(MIRA, "@ARIA hi", None);
    rig.commit();
    let id = DeliveryId { message: rig.last_message(), agent: "ARIA".parse().unwrap() };
    rig.team.retry(RequestId(1), id.clone());
    assert_eq!(rig.commit(), 0);
    let refused = rig.outputs();
    assert!(matches!(&refused[..], [Output::Answer(RequestId(1), Err(_))]), "{refused:?}");
    let failed =
        Delivery { state: Rung::Failed, ..Delivery::stored(id.message, id.agent.clone(), NOON) };
    assert_eq!(rig.hears(ARIA, ClientFrame::Delivery(failed)), Reading::Continue);
    rig.commit();
    rig.team.retry(RequestId(2), id);
    rig.outputs();
    rig.commit();
    let answers = rig.outputs();
    assert!(
        matches!(
            &answers[..],
            [Output::Answer(RequestId(2), Ok(Answer::Retried(next)))]
                if next.attempt == 2 && next.state == Rung::Stored
        ),
        "{answers:?}"
    );
}

#[test]
fn a_turn_is_stopped_by_its_agents_monitor_whose_word_is_the_answer() {
    let mut rig = Rig::new();
    rig.says(MIRA, "@ARIA hi", None);
    rig.commit();
    let run = ois_protocol::Run {
        run: "r1".to_owned(),
        agent: "ARIA".parse().unwrap(),
        cause: rig.last_message(),
        attempt: 1,
        reason: None,
        room: ois_protocol::RoomName::main(),
        start: NOON,
        end: None,
        outcome: None,
        usage: None,
        capped: false,
    };
    assert_eq!(rig.hears(ARIA, ClientFrame::Run(run)), Reading::Continue);
    rig.commit();
    let mira: ShortName = "Mira".parse().unwrap();
    rig.team.stop_run(RequestId(1), "r2", None, mira.clone());
    rig.team.stop_run(RequestId(2), "r1", None, mira.clone());
    let stop = Stop { run: "r1".to_owned(), agent: "ARIA".parse().unwrap(), by: mira };
    let outputs = rig.outputs();
    assert!(
        matches!(&outputs[0], Output::Answer(RequestId(1), Err(error)) if error.code == ErrorCode::NotFound)
    );
    assert_eq!(outputs[1..], [Output::Send(ARIA, ServerFrame::Stop(stop))]);
    let word = Stopped { run: "r1".to_owned(), stopped: true, detail: None };
    assert_eq!(rig.hears(ARIA, ClientFrame::Stopped(word.clone())), Reading::Continue);
    assert_eq!(rig.outputs(), [Output::Answer(RequestId(2), Ok(Answer::Stopped(word)))]);
}

#[test]
fn whoever_follows_presence_is_told_of_others_and_of_those_who_are_there() {
    let mut rig = Rig::new();
    let names = |outputs: Vec<Output>| {
        let told = outputs.into_iter().filter_map(|output| match output {
            Output::Send(to, ServerFrame::Presence(it)) => Some((vec![to], it.name, it.state)),
            Output::SendAll(to, ServerFrame::Presence(it)) => Some((to, it.name, it.state)),
            _ => None,
        });
        told.map(|(to, name, state)| (to, name.to_string(), state)).collect::<Vec<_>>()
    };
    let (online, offline) = (PresenceState::Online, PresenceState::Offline);
    rig.sign_in(ConnId(3), person("tester"), &[Topic::Presence]);
    let told = names(rig.outputs());
    assert_eq!(told.iter().filter(|(to, ..)| to[..] == [ConnId(3)]).count(), 3, "{told:?}");
    assert!(told.contains(&(vec![MIRA], "tester".to_owned(), online)), "{told:?}");
    rig.team.closed(ConnId(3), NOON);
    assert_eq!(names(rig.outputs()), [(vec![MIRA], "tester".to_owned(), offline)]);
}

/// A member resumes after this event, where the log ends at that one: the error, and the start.
fn resumes(rig: &mut Rig, after: u64, log_head: u64) -> (Option<ErrorCode>, Option<Start>) {
    rig.team.opened(ConnId(3));
    let sign_in = SignIn { after: EventId::new(after), ..SignIn::default() };
    let head = EventId::new(log_head).unwrap();
    rig.team.signed_in(ConnId(3), person("tester"), Credential::Agent, sign_in, head, NOON);
    started(rig)
}

fn started(rig: &mut Rig) -> (Option<ErrorCode>, Option<Start>) {
    let (mut error, mut start) = (None, None);
    for output in rig.outputs() {
        match output {
            Output::Send(_, ServerFrame::Error(it)) => error = Some(it.code),
            Output::Start(ConnId(3), it) => start = Some(it),
            _ => {}
        }
    }
    (error, start)
}

#[test]
fn a_member_who_resumes_beyond_the_end_of_the_log_is_told_so_and_begins_with_its_end() {
    let mut rig = Rig::new();
    rig.says(MIRA, "hi", None);
    rig.commit();
    assert!(matches!(resumes(&mut rig, 1, 1), (None, Some(Start::Resume { .. }))));
    let (error, start) = resumes(&mut rig, 2, 1);
    assert_eq!(error, Some(ErrorCode::CursorAhead));
    assert!(matches!(start, Some(Start::History { count: 50, .. })));
}

#[test]
fn a_member_who_knows_more_than_this_server_has_read_goes_on_when_it_has() {
    let mut rig = Rig::new();
    rig.says(MIRA, "hi", None);
    let batch = rig.take_batch().unwrap();
    assert_eq!(resumes(&mut rig, 1, 1), (None, None));
    rig.team.appended(batch.after.next());
    rig.appears(batch);
    let after = EventId::new(1).unwrap();
    let (error, start) = started(&mut rig);
    assert_eq!(error, None);
    assert!(matches!(start, Some(Start::Resume { after: it, .. }) if it == after));
}
