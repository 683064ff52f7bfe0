//! What was reported and the server has not confirmed.
//!
//! A server answers each report with its receipt, which is the state as the log has it, or with an
//! `error` about it. [`Reports`] keeps each report until one of the two has come and answers with
//! what is to be sent now. It opens no socket and reads no clock, and it ends with the process.

use ois_protocol::{ClientFrame, Delivery, ErrorCode, ErrorFrame, Run, ServerFrame};

/// A monitor's report, to be kept until the server has confirmed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// How far a mention came.
    Delivery(Box<Delivery>),
    /// The start or the end of a turn.
    Run(Box<Run>),
}

impl From<Delivery> for Report {
    fn from(delivery: Delivery) -> Self {
        Self::Delivery(Box::new(delivery))
    }
}

impl From<Run> for Report {
    fn from(run: Run) -> Self {
        Self::Run(Box::new(run))
    }
}

/// Reports in the order in which they were made. A later one of the same delivery or run takes the
/// place of the earlier one. Times are milliseconds of any clock that does not go back.
#[derive(Debug, Default)]
pub(crate) struct Reports(Vec<Kept>);

#[derive(Debug)]
struct Kept {
    report: Report,
    /// When it is to be sent, for the first time or again.
    due_ms: u64,
}

impl Reports {
    /// Keeps a report. Answers whether there was a place for it.
    pub(crate) fn add(&mut self, report: Report) -> bool {
        let name = report.name();
        self.0.retain(|kept| kept.report.name() != name);
        if self.0.len() >= REPORTS_MOST {
            return false;
        }
        self.0.push(Kept { report, due_ms: 0 });
        true
    }

    /// A connection came about: everything is to be sent over it.
    pub(crate) fn connected(&mut self) {
        self.0.iter_mut().for_each(|kept| kept.due_ms = 0);
    }

    /// What is to be sent now, oldest first.
    pub(crate) fn due(&mut self, now_ms: u64) -> Vec<ClientFrame> {
        let due = self.0.iter_mut().filter(|kept| kept.due_ms <= now_ms);
        due.map(|kept| {
            kept.due_ms = now_ms.saturating_add(RECEIPT_WITHIN_MS);
            kept.report.frame()
        })
        .collect()
    }

    /// When [`due`](Self::due) is worth a call, if anything is kept.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.0.iter().map(|kept| kept.due_ms).min()
    }

    /// The server shows a delivery or a run, or refuses a report.
    pub(crate) fn heard(&mut self, frame: &ServerFrame, now_ms: u64) {
        match frame {
            ServerFrame::Error(error) => self.refused(error, now_ms),
            frame => self.0.retain(|kept| !kept.report.is_known_by(frame)),
        }
    }

    /// What is kept, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Report> {
        self.0.iter().map(|kept| &kept.report)
    }

    fn refused(&mut self, error: &ErrorFrame, now_ms: u64) {
        let Some(about) = &error.about else { return };
        let passes =
            matches!(error.code, ErrorCode::Busy | ErrorCode::Storage | ErrorCode::Internal);
        if !passes {
            return self.0.retain(|kept| kept.report.name() != *about);
        }
        let pause_ms = error.retry_after_ms.unwrap_or(PAUSE_MS);
        let refused = self.0.iter_mut().filter(|kept| kept.report.name() == *about);
        refused.for_each(|kept| kept.due_ms = now_ms.saturating_add(pause_ms));
    }
}

impl Report {
    /// The frame that carries it.
    pub fn frame(&self) -> ClientFrame {
        match self {
            Self::Delivery(delivery) => ClientFrame::Delivery((**delivery).clone()),
            Self::Run(run) => ClientFrame::Run((**run).clone()),
        }
    }

    /// What an `error` about it names.
    fn name(&self) -> String {
        match self {
            Self::Delivery(delivery) => delivery.id().to_string(),
            Self::Run(run) => run.run.clone(),
        }
    }

    /// Whether the server, which shows this, knows at least as much.
    fn is_known_by(&self, frame: &ServerFrame) -> bool {
        match (self, frame) {
            (Self::Delivery(mine), ServerFrame::Delivery(known)) => {
                let is_later = known.attempt > mine.attempt;
                let is_as_far = known.attempt == mine.attempt && known.state >= mine.state;
                mine.id() == known.id() && (is_later || is_as_far)
            }
            (Self::Run(mine), ServerFrame::Run(known)) => {
                let is_same = mine.run == known.run && mine.agent == known.agent;
                is_same && (mine.end.is_none() || known.end.is_some())
            }
            _ => false,
        }
    }
}

/// A monitor that is without its server for so many calls keeps a journal instead.
const REPORTS_MOST: usize = 1000;
/// How long a receipt may take before the report is sent again.
const RECEIPT_WITHIN_MS: u64 = 30_000;
/// How long to wait when the server does not say.
const PAUSE_MS: u64 = 5_000;

#[cfg(test)]
mod tests {
    use ois_protocol::{EventId, Rung, Timestamp};

    use super::*;

    fn delivery(attempt: u32, state: Rung) -> Delivery {
        let (id, agent) = (EventId::new(7).unwrap(), "ARIA".parse().unwrap());
        Delivery { attempt, state, ..Delivery::stored(id, agent, Timestamp::from_ms(0)) }
    }

    fn run() -> Run {
        let json = r#"{"run":"r1","agent":"ARIA","cause":7,"start":"2026-02-06T12:34:56.789Z"}"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_report_is_sent_again_until_its_receipt_comes() {
        let mut reports = Reports::default();
        reports.add(delivery(1, Rung::Received).into());
        assert_eq!(reports.due(0).len(), 1);
        assert!(reports.due(RECEIPT_WITHIN_MS - 1).is_empty());
        assert_eq!(reports.next_due(), Some(RECEIPT_WITHIN_MS));
        assert_eq!(reports.due(RECEIPT_WITHIN_MS).len(), 1);
        reports.connected();
        assert_eq!(reports.due(RECEIPT_WITHIN_MS + 1).len(), 1, "over the next connection");
        reports.heard(&ServerFrame::Delivery(delivery(1, Rung::Stored)), 0);
        assert!(reports.next_due().is_some(), "that is less than what was reported");
        reports.heard(&ServerFrame::Delivery(delivery(1, Rung::Received)), 0);
        assert_eq!(reports.next_due(), None);
    }

    #[test]
    fn a_later_report_of_the_same_takes_the_place_of_the_earlier_one() {
        let mut reports = Reports::default();
        reports.add(delivery(1, Rung::Received).into());
        reports.add(delivery(1, Rung::Admitted).into());
        assert_eq!(reports.due(0), [ClientFrame::Delivery(delivery(1, Rung::Admitted))]);
        reports.heard(&ServerFrame::Delivery(delivery(2, Rung::Stored)), 0);
        assert_eq!(reports.next_due(), None, "a later attempt");
    }

    #[test]
    fn the_end_of_a_run_is_confirmed_by_its_end() {
        let mut reports = Reports::default();
        let ended = Run { end: Some(Timestamp::from_ms(1)), ..run() };
        reports.add(ended.clone().into());
        reports.heard(&ServerFrame::Run(run()), 0);
        assert!(reports.next_due().is_some());
        reports.heard(&ServerFrame::Run(ended), 0);
        assert_eq!(reports.next_due(), None);
    }

    #[test]
    fn a_refusal_for_good_ends_it_and_one_for_now_does_not() {
        let mut reports = Reports::default();
        reports.add(delivery(1, Rung::Received).into());
        reports.add(run().into());
        reports.due(0);
        let error = |code, about: &str| {
            let about = Some(about.to_owned());
            let error = ErrorFrame::new(code, "no");
            ServerFrame::Error(ErrorFrame { about, retry_after_ms: Some(9), ..error })
        };
        reports.heard(&error(ErrorCode::Storage, "r1"), 10);
        assert_eq!(reports.next_due(), Some(19));
        reports.heard(&error(ErrorCode::NotFound, "7:ARIA"), 10);
        assert_eq!(reports.all().count(), 1);
    }

    #[test]
    fn there_is_a_place_for_a_thousand() {
        let mut reports = Reports::default();
        for number in 0..REPORTS_MOST {
            assert!(reports.add(Run { run: number.to_string(), ..run() }.into()));
        }
        assert!(!reports.add(run().into()));
        assert!(reports.add(Run { run: "7".to_owned(), ..run() }.into()), "it replaces one");
    }
}
