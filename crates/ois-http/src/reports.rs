//! What agents' monitors report, on the hot loop: how far mentions came, turns, presence, activity.
//!
//! What climbs goes into the log like everything else, and its receipt is the frame that everybody
//! sees; presence and activity are passed on and forgotten.

use std::rc::Rc;

use ois_chat::{
    Client, Session,
    ladder::{Report, ReportError},
};
use ois_protocol::{
    Activity, ActivityState, ClientFrame, Delivery, ErrorCode, ErrorFrame, Member, NewEvent,
    Presence, Run, ServerFrame, ShortName, Stop, Stopped, Topic,
};
use tokio::sync::oneshot;

use crate::{
    clock::now,
    conn::Conn,
    hot::{Hot, Origin},
};

/// Who waits for the word of a monitor that was asked to stop a turn.
#[derive(Debug)]
pub(crate) struct Stopping {
    run: String,
    agent: ShortName,
    answer: oneshot::Sender<Stopped>,
}

/// What an error repeats of a run's name.
const ABOUT_CHARS: usize = 500;
/// The longest note of an activity, in characters.
const NOTE_CHARS: usize = 200;
/// The longest partial answer that is passed on, in bytes.
const PARTIAL_BYTES: usize = 16 << 10;

impl Hot {
    /// Takes what an agent's monitor reports.
    pub(crate) fn report(&self, conn: &Rc<Conn>, agent: &Member, report: ClientFrame) {
        match report {
            ClientFrame::Delivery(said) => self.delivery(conn, agent, said),
            ClientFrame::Run(said) => self.run(conn, agent, said),
            ClientFrame::Presence(said) => self.presence(agent, &said),
            ClientFrame::Activity(said) if conn.may_tell_activity(now()) => {
                self.activity(agent, said);
            }
            ClientFrame::Stopped(said) => self.stopped(agent, &said),
            _ => {}
        }
    }

    fn delivery(&self, conn: &Rc<Conn>, agent: &Member, said: Delivery) {
        let about = format!("{}:{}", said.message, agent.name);
        let answer = self.desk.borrow_mut().report(agent, said);
        match answer {
            Ok(Report::Climbs(event)) => {
                self.line_up(event, Origin::Report(Rc::clone(conn), about));
            }
            Ok(Report::Known(stands)) => conn.say(&ServerFrame::Delivery(stands)),
            Err(error) => {
                conn.say(&ServerFrame::Error(refusal(&error, about)));
                if let ReportError::BadTransition(stands) = error {
                    conn.say(&ServerFrame::Delivery(*stands));
                }
            }
        }
    }

    fn run(&self, conn: &Rc<Conn>, agent: &Member, said: Run) {
        let about: String = said.run.chars().take(ABOUT_CHARS).collect();
        let answer = self.desk.borrow().report_run(agent, said, now());
        match answer {
            Ok(Some(event)) => self.line_up(event, Origin::Report(Rc::clone(conn), about)),
            Ok(None) => {
                let known = self.desk.borrow().runs().get(&about).cloned();
                if let Some(known) = known {
                    conn.say(&ServerFrame::Run(known));
                }
            }
            Err(error) => conn.say(&ServerFrame::Error(refusal(&error, about))),
        }
    }

    fn presence(&self, agent: &Member, said: &Presence) {
        let news = self.room.borrow_mut().prove(agent, said.state, now());
        self.tell(news.map(ServerFrame::Presence), Topic::Presence, None);
    }

    fn activity(&self, agent: &Member, mut said: Activity) {
        said.agent = Some(agent.name.clone());
        if let Some(note) = &mut said.note {
            cut(note, note.char_indices().nth(NOTE_CHARS).map(|(end, _)| end));
        }
        if let Some(partial) = &mut said.partial {
            let whole = |end: &usize| partial.text.is_char_boundary(*end);
            let end = (partial.text.len() > PARTIAL_BYTES)
                .then(|| (0..=PARTIAL_BYTES).rev().find(whole).unwrap_or(0));
            cut(&mut partial.text, end);
        }
        self.show_activity(&agent.name, said);
    }

    /// An agent's monitor has gone: so has whatever its agent was doing.
    pub(crate) fn end_activity(&self, agent: &ShortName) {
        let idle = Activity {
            agent: Some(agent.clone()),
            room: ois_protocol::RoomName::default(),
            state: ActivityState::Idle,
            run: None,
            note: None,
            partial: None,
        };
        self.show_activity(agent, idle);
    }

    fn show_activity(&self, agent: &ShortName, activity: Activity) {
        let frame = ServerFrame::Activity(activity);
        let json: Rc<[u8]> = serde_json::to_vec(&frame).expect("frames have only text keys").into();
        let (tail, now) = (self.tail.borrow(), now());
        for conn in self.conns.borrow().iter() {
            if conn.session.borrow().follows(Topic::Activity) {
                conn.say_newest(agent, &json);
                conn.sweep(&tail, now);
            }
        }
    }

    /// Asks the agent's monitor to stop a turn. The receiver gets what the runtime answered.
    pub(crate) fn stop_run(
        &self,
        run: &str,
        by: ShortName,
    ) -> Result<oneshot::Receiver<Stopped>, ErrorFrame> {
        let known = self.desk.borrow().runs().get(run).cloned();
        let error = |code, words: &str| Err(ErrorFrame::new(code, words));
        let Some(known) = known else { return error(ErrorCode::NotFound, "there is no such run") };
        if known.end.is_some() {
            return error(ErrorCode::Conflict, "the run is over");
        }
        let agent = known.agent;
        let stop = ServerFrame::Stop(Stop { run: run.to_owned(), agent: agent.clone(), by });
        let tail = self.tail.borrow();
        let conns = self.conns.borrow();
        let monitors = conns.iter().filter(|conn| {
            let session = conn.session.borrow();
            client(&session) == Client::Monitor
                && session.member().is_some_and(|member| member.name == agent)
        });
        let mut asked = false;
        for monitor in monitors {
            monitor.say(&stop);
            monitor.sweep(&tail, now());
            asked = true;
        }
        if !asked {
            return error(ErrorCode::Conflict, "the agent's monitor is not connected");
        }
        let (answer, word) = oneshot::channel();
        let mut stops = self.stops.borrow_mut();
        stops.retain(|stopping| !stopping.answer.is_closed());
        stops.push(Stopping { run: run.to_owned(), agent, answer });
        Ok(word)
    }

    fn stopped(&self, agent: &Member, said: &Stopped) {
        let mut stops = self.stops.borrow_mut();
        let waiting = std::mem::take(&mut *stops);
        for stopping in waiting {
            if stopping.run == said.run && stopping.agent == agent.name {
                // Who does not wait any more gets no answer.
                drop(stopping.answer.send(said.clone()));
            } else {
                stops.push(stopping);
            }
        }
    }

    /// Puts what the server itself wants to have stored in line, if nothing of it is there already.
    pub(crate) fn pay_dues(&self) {
        if self.owing.get() || self.stopping.get() {
            return;
        }
        let room = self.room.borrow();
        let due = self.desk.borrow_mut().due(now(), |agent| room.last_here(agent));
        self.owing.set(!due.is_empty());
        for event in due {
            self.line_up(event, Origin::Server);
        }
    }

    /// Puts an event in line for the log.
    pub(crate) fn line_up(&self, event: NewEvent, origin: Origin) {
        self.queue.borrow_mut().push(event, origin);
        self.work.notify_one();
    }
}

/// What a connection is.
pub(crate) fn client(session: &Session) -> Client {
    let is_agent = session.member().is_some_and(Member::is_agent);
    if is_agent && session.follows(Topic::Deliveries) { Client::Monitor } else { Client::Plain }
}

/// The frame that tells a monitor, and the REST answer that tells a person.
pub(crate) fn refusal(error: &ReportError, about: String) -> ErrorFrame {
    let code = match error {
        ReportError::NotFound => ErrorCode::NotFound,
        ReportError::TooLong => ErrorCode::TooLong,
        ReportError::Busy => ErrorCode::Busy,
        _ => ErrorCode::BadTransition,
    };
    ErrorFrame { about: Some(about), ..ErrorFrame::new(code, error.to_string()) }
}

fn cut(text: &mut String, end: Option<usize>) {
    if let Some(end) = end {
        text.truncate(end);
    }
}
