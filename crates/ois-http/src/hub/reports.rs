//! The questions of HTTP about deliveries, turns and budgets, answered on the hot loop.

use std::time::Duration;

use super::{Hub, unexpected};
use crate::{checkpoint, metrics::Standing};
use ois_chat::{Team, ladder::Query, team::Answer};
use ois_protocol::{
    Delivery, DeliveryId, ErrorCode, ErrorFrame, EventId, RoomName, Run, ShortName, Stopped,
    http::{Budgets, DeliveriesAnswer, UsageBy, UsageRow},
};

/// How long a monitor may take to report what its runtime did about a stop.
const STOP_WITHIN: Duration = Duration::from_secs(15);

impl Hub {
    /// The deliveries that are asked for and in a room that `sees` answers with true, at the most so
    /// many.
    pub(crate) async fn deliveries(
        &self,
        query: Query,
        most: usize,
        sees: impl Fn(&RoomName) -> bool + Send + 'static,
    ) -> Result<DeliveriesAnswer, ErrorFrame> {
        self.ask(move |hot| {
            let team = hot.team.borrow();
            let desk = team.desk();
            let ladder = desk.ladder();
            let seen = |it: &&Delivery| ladder.room(it.message).is_some_and(&sees);
            let mut deliveries: Vec<Delivery> =
                ladder.find(&query).filter(seen).take(most + 1).cloned().collect();
            let more = deliveries.len() > most;
            deliveries.truncate(most);
            DeliveriesAnswer { deliveries, more }
        })
        .await
    }

    /// The deliveries of one message; `None` if the desk does not know of any, or no longer.
    pub(crate) async fn deliveries_of(
        &self,
        message: EventId,
    ) -> Result<Option<Vec<Delivery>>, ErrorFrame> {
        self.ask(move |hot| hot.team.borrow().desk().ladder().of(message).map(<[Delivery]>::to_vec))
            .await
    }

    /// The room of a message whose deliveries the desk knows; `None` if it knows of none.
    pub(crate) async fn room_of_message(
        &self,
        message: EventId,
    ) -> Result<Option<RoomName>, ErrorFrame> {
        self.ask(move |hot| hot.team.borrow().desk().ladder().room(message).cloned()).await
    }

    /// The rooms of the turns of this name that the desk knows, of this agent only if one is named.
    pub(crate) async fn rooms_of_run(
        &self,
        run: String,
        agent: Option<ShortName>,
    ) -> Result<Vec<RoomName>, ErrorFrame> {
        self.ask(move |hot| {
            let team = hot.team.borrow();
            let named = team.desk().runs().named(&run);
            let named = named.filter(|run| agent.as_ref().is_none_or(|agent| run.agent == *agent));
            named.map(|run| run.room.clone()).collect()
        })
        .await
    }

    /// Drives a delivery again; answers with its next attempt once that is stored.
    pub(crate) async fn retry(&self, id: DeliveryId) -> Result<Delivery, ErrorFrame> {
        match self.request(move |team, request, _| team.retry(request, id)).await? {
            Answer::Retried(delivery) => Ok(delivery),
            other => Err(unexpected(&other)),
        }
    }

    /// The turns under way, then up to `ended` of those that are over, the newest first; only those
    /// in a room that `sees` answers with true.
    pub(crate) async fn runs(
        &self,
        agent: Option<ShortName>,
        cause: Option<EventId>,
        ended: usize,
        sees: impl Fn(&RoomName) -> bool + Send + 'static,
    ) -> Result<Vec<Run>, ErrorFrame> {
        self.ask(move |hot| {
            let team = hot.team.borrow();
            let desk = team.desk();
            let of = |run: &&Run| {
                sees(&run.room)
                    && agent.as_ref().is_none_or(|agent| run.agent == *agent)
                    && cause.is_none_or(|cause| run.cause == cause)
            };
            let active = desk.runs().active().filter(of);
            active.chain(desk.runs().recent().filter(of).take(ended)).cloned().collect()
        })
        .await
    }

    /// Has the agent's monitor stop a turn; answers with what the runtime said.
    pub(crate) async fn stop_run(
        &self,
        run: String,
        agent: Option<ShortName>,
        by: ShortName,
    ) -> Result<Stopped, ErrorFrame> {
        let ask = move |team: &mut Team, request, _| {
            team.stop_run(request, &run, agent.as_ref(), by);
        };
        match tokio::time::timeout(STOP_WITHIN, self.request(ask)).await {
            Ok(answer) => match answer? {
                Answer::Stopped(stopped) => Ok(stopped),
                other => Err(unexpected(&other)),
            },
            Err(_) => Err(ErrorFrame::new(
                ErrorCode::Busy,
                "the agent's monitor has not said yet what became of it",
            )),
        }
    }

    /// What turns have used from this day (`YYYY-MM-DD`) on.
    pub(crate) async fn usage(
        &self,
        by: UsageBy,
        from_day: Option<String>,
    ) -> Result<Vec<UsageRow>, ErrorFrame> {
        self.ask(move |hot| hot.team.borrow().desk().runs().usage(by, from_day.as_deref())).await
    }

    /// The budgets that count now.
    pub(crate) async fn budgets(&self) -> Result<Budgets, ErrorFrame> {
        self.ask(|hot| Budgets { budgets: hot.team.borrow().desk().budgets().to_vec() }).await
    }

    /// Replaces the budgets, once the store has kept the new ones.
    pub(crate) async fn set_budgets(&self, budgets: Budgets) -> Result<Budgets, ErrorFrame> {
        let store = self.ask(|hot| hot.store.clone()).await?;
        checkpoint::keep_budgets(&*store, &budgets).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "budgets were not kept");
            ErrorFrame::new(ErrorCode::Storage, "not kept: the server's disk does not take it")
        })?;
        self.budgets_changed().await?;
        Ok(budgets)
    }

    /// Reads the budgets that the store keeps and lets them count.
    pub(crate) async fn budgets_changed(&self) -> Result<(), ErrorFrame> {
        // Of two callers at once both end with the budgets that were kept last.
        let _turn = self.budgets.lock().await;
        let store = self.ask(|hot| hot.store.clone()).await?;
        let budgets = checkpoint::budgets(&*store).await.map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "budgets were not taken over"
            );
            ErrorFrame::new(ErrorCode::Storage, "the budgets that are kept cannot be read")
        })?;
        self.ask(move |hot| hot.team.borrow_mut().set_budgets(budgets)).await
    }

    /// How many deliveries are open, and how many turns are under way.
    pub(crate) async fn standing(&self) -> Result<Standing, ErrorFrame> {
        self.ask(|hot| {
            let team = hot.team.borrow();
            let desk = team.desk();
            let every = Query::default();
            let open = desk.ladder().find(&every).filter(|it| !it.state.is_final());
            Standing { open: open.count() as u64, active: desk.runs().active().count() as u64 }
        })
        .await
    }
}
