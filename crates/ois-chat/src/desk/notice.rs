//! The server's own words. Typed for programs, in a sentence for everybody else.

use ois_protocol::{
    Draft, EventId, Kind, LoopSign, Measure, Member, Notice, Policy, Reason, Role, RoomName,
    ShortName, Spent, notice::AUTHOR,
};

use super::pending_notice::PendingNotice;

/// The message that gives a pending notice.
pub(super) fn of(pending: &PendingNotice) -> Draft {
    match pending.clone() {
        PendingNotice::Dead { room, message, agents, reason, detail } => {
            let mut draft = draft(room, Some(message), Notice::Dead { agents, reason });
            if !detail.is_empty() {
                draft.text.push_str(&format!(" ({detail})"));
            }
            draft
        }
        PendingNotice::Loop { room, message, root, sign, agents } => {
            draft(room, Some(message), Notice::Loop { root, sign, agents })
        }
        PendingNotice::Warning { room, spent } => {
            draft(room, None, Notice::BudgetWarning { spent })
        }
        PendingNotice::Reached { room, message, spent, policy } => {
            draft(room, Some(message), Notice::BudgetReached { spent, policy })
        }
        PendingNotice::Ask { room, message, agent, until } => {
            draft(room, Some(message), Notice::Ask { agent, until })
        }
        PendingNotice::NotAllowed { room, agent, asked } => {
            draft(room, Some(asked), Notice::NotAllowed { agent })
        }
    }
}

/// A message of the server's own. It calls nobody.
pub(super) fn draft(room: RoomName, reply_to: Option<EventId>, notice: Notice) -> Draft {
    let name = AUTHOR.parse().expect("the server's name is a name");
    let author = Member::new(name, Kind::Agent, Role::Guest);
    // The mark says that a program wrote it (the message format's markers).
    let text = format!("[AUTO] {}", words(&notice));
    Draft { room, reply_to, notice: Some(notice), ..Draft::new(author, text) }
}

fn words(notice: &Notice) -> String {
    match notice {
        Notice::Dead { agents, reason } => {
            format!("No answer will come from {}: {}.", list(agents), why(*reason))
        }
        Notice::Unclaimed { duty } => format!("Nobody with the duty {duty} took this."),
        Notice::Loop { sign, agents, .. } => {
            let what = match sign {
                LoopSign::Hops => "agents have gone on among themselves for too long",
                LoopSign::Returns => "this came back to the same agent too often",
                LoopSign::Repeats => "agents say the same again and again",
                _ => "agents go round in circles",
            };
            format!(
                "Stopped here: {what}. Not woken: {}. A person goes on with /continue.",
                list(agents)
            )
        }
        Notice::BudgetWarning { spent } => format!("{} used today.", used(spent)),
        Notice::BudgetReached { spent, policy } => {
            let then = match policy {
                Policy::Stop => "Nobody is woken on it until tomorrow.",
                Policy::Digest => "Mentions are gathered and handed over together.",
                Policy::Ask => "A person is asked.",
            };
            format!("The budget is used up: {}. {then}", used(spent))
        }
        Notice::Ask { agent, .. } => format!(
            "The budget of {agent} is used up. Wake it all the same? /allow {agent} or /deny {agent}"
        ),
        Notice::NotAllowed { agent } => format!("{agent} is not woken: nobody allowed it."),
        Notice::Digest { agent, messages } => {
            let ids: Vec<String> = messages.iter().map(|id| format!("#{id}")).collect();
            format!(
                "{agent}, while your budget was used up you were mentioned in {}.",
                ids.join(", ")
            )
        }
        _ => String::new(),
    }
}

fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Unreachable => "its runtime could not be reached",
        Reason::Unauthorized => "its runtime does not let its monitor in",
        Reason::Busy => "its runtime had no time",
        Reason::Rejected => "its runtime will not take this",
        Reason::Dropped => "its runtime took it and did nothing about it",
        Reason::Interrupted => "its turn was cut short",
        Reason::Error => "its turn ended with an error",
        Reason::Unclear => "nobody can tell what became of its turn",
        Reason::Stopped => "its turn was stopped",
        Reason::AnswerRefused => "the server did not take its answer",
        Reason::Deadline => "its time was over",
        Reason::Timeout => "its turn took longer than it may and is stopped",
        _ => "for an unknown reason",
    }
}

fn used(spent: &Spent) -> String {
    let whose = spent.agent.as_ref().map_or_else(|| "all agents".to_owned(), ToString::to_string);
    let whole = spent.room.as_ref().map_or(whose.clone(), |room| format!("{whose} in {room}"));
    let dollars = |micro: u64| format!("{}.{:02}", micro / 1_000_000, micro % 1_000_000 / 10_000);
    match spent.measure {
        Measure::Turns => format!("{whole}: {} of {} turns", spent.used, spent.limit),
        Measure::InputTokens => format!("{whole}: {} of {} input tokens", spent.used, spent.limit),
        Measure::OutputTokens => {
            format!("{whole}: {} of {} output tokens", spent.used, spent.limit)
        }
        Measure::MicroUsd => {
            format!("{whole}: ${} of ${}", dollars(spent.used), dollars(spent.limit))
        }
    }
}

fn list(agents: &[ShortName]) -> String {
    agents.iter().map(ShortName::as_str).collect::<Vec<_>>().join(", ")
}
