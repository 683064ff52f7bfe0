//! What monitors report, and what people want done about deliveries and turns.

use ois_chat::{
    Client,
    ladder::{Query, Report, ReportError},
};
use ois_inbox::Fetched;
use ois_protocol::{
    ClientFrame, Delivery, DeliveryId, ErrorCode, ErrorFrame, EventId, Member, Run, Rung,
    ServerFrame, ShortName, Stop,
};

use super::{Origin, Server};
use crate::{network::Line, scene::Scene};

impl Server {
    /// As `ois-http/reports.rs`.
    pub(super) fn report(&mut self, line: Line, report: ClientFrame, scene: &mut Scene) {
        let Some(process) = &self.process else { return };
        let conn = process.conns.get(&line);
        let Some(agent) = conn.and_then(|conn| conn.session.member().cloned()) else { return };
        match report {
            ClientFrame::Delivery(said) => self.delivery(line, &agent, said, scene),
            ClientFrame::Run(said) => self.run(line, &agent, said, scene),
            _ => {}
        }
    }

    fn delivery(&mut self, line: Line, agent: &Member, said: Delivery, scene: &mut Scene) {
        let about = format!("{}:{}", said.message, agent.name);
        let Some(process) = &mut self.process else { return };
        match process.desk.report(agent, said) {
            Ok(Report::Climbs(event)) => self.line_up(event, Origin::Report(line, about), scene),
            Ok(Report::Known(stands)) => self.say(line, ServerFrame::Delivery(stands), scene),
            Err(error) => {
                self.say(line, refusal(&error, about), scene);
                if let ReportError::BadTransition(stands) = error {
                    self.say(line, ServerFrame::Delivery(*stands), scene);
                }
            }
        }
    }

    fn run(&mut self, line: Line, agent: &Member, said: Run, scene: &mut Scene) {
        let about = said.run.clone();
        let Some(process) = &mut self.process else { return };
        match process.desk.report_run(agent, said, scene.now) {
            Ok(Some(event)) => self.line_up(event, Origin::Report(line, about), scene),
            Ok(None) => {
                if let Some(known) = process.desk.runs().get(&about).cloned() {
                    self.say(line, ServerFrame::Run(known), scene);
                }
            }
            Err(error) => self.say(line, refusal(&error, about), scene),
        }
    }

    /// `GET /api/messages?around=`.
    pub(crate) fn message(&self, id: EventId) -> Fetched {
        let Some(process) = &self.process else { return Fetched::Failed };
        let found = self.log.entries()[..process.shown].iter().find_map(|it| match &it.frame {
            ServerFrame::Message { message } if message.id == id => Some(message.clone()),
            _ => None,
        });
        found.map_or(Fetched::Gone, |message| Fetched::Found(Box::new(message)))
    }

    /// A person drives a delivery again, whichever failed or died.
    pub(crate) fn retry_one(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let all = Query::default();
        let found = process.desk.ladder().find(&all);
        let found = found.filter(|it| matches!(it.state, Rung::Failed | Rung::Dead));
        let found: Vec<DeliveryId> = found.map(Delivery::id).collect();
        if found.is_empty() {
            return;
        }
        let id = scene.random.pick(&found).clone();
        if let Ok(event) = process.desk.retry(&id) {
            scene.note(format_args!("a person drives {id} again"));
            self.line_up(event, Origin::Post, scene);
        }
    }

    /// A person stops a turn, whichever is under way.
    pub(crate) fn stop_one(&mut self, by: &ShortName, scene: &mut Scene) {
        let Some(process) = &self.process else { return };
        let active: Vec<Run> = process.desk.runs().active().cloned().collect();
        if active.is_empty() {
            return;
        }
        let run = scene.random.pick(&active).clone();
        scene.note(format_args!("a person stops {}", run.run));
        let is_its = |member: &Member| member.name == run.agent;
        let monitors = process.conns.iter().filter(|(_, conn)| {
            conn.client() == Client::Monitor && conn.session.member().is_some_and(is_its)
        });
        let monitors: Vec<Line> = monitors.map(|(line, _)| *line).collect();
        for line in monitors {
            let (run, agent) = (run.run.clone(), run.agent.clone());
            self.say(line, ServerFrame::Stop(Stop { run, agent, by: by.clone() }), scene);
        }
    }
}

fn refusal(error: &ReportError, about: String) -> ServerFrame {
    let code = match error {
        ReportError::NotFound => ErrorCode::NotFound,
        ReportError::TooLong => ErrorCode::TooLong,
        ReportError::Busy => ErrorCode::Busy,
        _ => ErrorCode::BadTransition,
    };
    ServerFrame::Error(ErrorFrame {
        about: Some(about),
        ..ErrorFrame::new(code, error.to_string())
    })
}
