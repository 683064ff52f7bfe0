//! What is asked for over HTTP.

use ois_chat::{ladder::Query, team::RequestId};
use ois_inbox::Fetched;
use ois_protocol::{Delivery, DeliveryId, EventId, Run, Rung, ServerFrame, ShortName};

use super::Server;
use crate::scene::Scene;

impl Server {
    /// `GET /api/messages?around=`.
    pub(crate) fn message(&self, id: EventId, scene: &Scene) -> Fetched {
        let Some(process) = &self.process else { return Fetched::Failed };
        let found = scene.log.entries()[..process.shown].iter().find_map(|it| match &it.frame {
            ServerFrame::Message { message } if message.id == id => Some(message.clone()),
            _ => None,
        });
        found.map_or(Fetched::Gone, |message| Fetched::Found(Box::new(message)))
    }

    /// A person drives a delivery again, any that failed or died.
    pub(crate) fn retry_one(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let all = Query::default();
        let found = process.team.desk().ladder().find(&all);
        let found = found.filter(|it| matches!(it.state, Rung::Failed | Rung::Dead));
        let found: Vec<DeliveryId> = found.map(Delivery::id).collect();
        if found.is_empty() {
            return;
        }
        let id = scene.random.pick(&found).clone();
        scene.note(format_args!("a person drives {id} again"));
        let request = self.asks();
        if let Some(process) = &mut self.process {
            process.team.retry(request, id);
        }
        self.carry_out(scene);
    }

    /// A person stops a turn, any that is under way.
    pub(crate) fn stop_one(&mut self, by: &ShortName, scene: &mut Scene) {
        let Some(process) = &self.process else { return };
        let active: Vec<Run> = process.team.desk().runs().active().cloned().collect();
        if active.is_empty() {
            return;
        }
        let Run { run, agent, .. } = scene.random.pick(&active).clone();
        scene.note(format_args!("a person stops {run} of {agent}"));
        let request = self.asks();
        if let Some(process) = &mut self.process {
            process.team.stop_run(request, &run, Some(&agent), by.clone());
        }
        self.carry_out(scene);
    }

    fn asks(&mut self) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        if let Some(process) = &mut self.process {
            process.asked.insert(request);
        }
        request
    }
}
