//! The commands about budgets, usage and how far mentions came.

use anyhow::{Result, bail};
use ois_protocol::{
    Budget, Delivery, Policy,
    http::{DeliveriesAnswer, UsageRow},
};

use super::{ask, say};
use crate::{
    admin::{
        Answer, Request,
        agents::{Question, Told},
    },
    settings::{BudgetCommand, Settings},
};

/// Runs `budget list`, `budget set` and `budget remove`.
pub(super) fn budget(settings: &Settings, what: BudgetCommand) -> Result<()> {
    let (question, json) = match what {
        BudgetCommand::List { json } => (Question::Budgets, json),
        BudgetCommand::Set { of, most, on_breach, minutes } => {
            let budget = of.budget(&most, on_breach, minutes);
            (Question::SetBudget { budget }, false)
        }
        BudgetCommand::Remove { of } => {
            (Question::RemoveBudget { agent: of.agent, room: of.room }, false)
        }
    };
    let Told::Budgets(budgets) = told(settings, question)? else { bail!("an unexpected answer") };
    if json {
        say(&serde_json::to_string(&budgets)?);
    } else if budgets.is_empty() {
        say("there are no budgets: nothing bounds what agents use");
    }
    budgets.iter().filter(|_| !json).for_each(|budget| say(&in_words(budget)));
    Ok(())
}

/// Runs the command `usage`.
pub(super) fn usage(
    settings: &Settings,
    by: String,
    from: Option<String>,
    json: bool,
) -> Result<()> {
    let Told::Usage(rows) = told(settings, Question::Usage { by, from })? else {
        bail!("an unexpected answer")
    };
    if json {
        say(&serde_json::to_string(&rows)?);
    } else {
        rows.iter().for_each(|row| say(&cost(row)));
    }
    Ok(())
}

/// Runs the command `deliveries`.
pub(super) fn deliveries(settings: &Settings, question: Question, json: bool) -> Result<()> {
    let Told::Deliveries(answer) = told(settings, question)? else { bail!("an unexpected answer") };
    if json {
        say(&serde_json::to_string(&answer)?);
        return Ok(());
    }
    let DeliveriesAnswer { deliveries, more } = answer;
    deliveries.iter().for_each(|delivery| say(&stands(delivery)));
    if let Some(last) = deliveries.last().filter(|_| more) {
        say(&format!("more with --after {}", last.message));
    }
    Ok(())
}

/// Runs the command `retry`.
pub(super) fn retry(settings: &Settings, question: Question) -> Result<()> {
    let Told::Retried(delivery) = told(settings, question)? else { bail!("an unexpected answer") };
    say(&stands(&delivery));
    Ok(())
}

fn told(settings: &Settings, question: Question) -> Result<Told> {
    match ask(settings, Request::Agents { question })? {
        Answer::Agents(told) => Ok(told),
        _ => bail!("an unexpected answer"),
    }
}

fn in_words(budget: &Budget) -> String {
    let whose = budget.agent.as_ref().map_or("everybody", |agent| agent.as_str());
    let place = budget.room.as_ref().map(|room| format!(" in {}", room.as_str()));
    let most: Vec<String> = [
        budget.turns.map(|turns| format!("{turns} turns")),
        budget.input_tokens.map(|tokens| format!("{tokens} input tokens")),
        budget.output_tokens.map(|tokens| format!("{tokens} output tokens")),
        budget.micro_usd.map(dollars),
    ]
    .into_iter()
    .flatten()
    .collect();
    let then = match budget.policy {
        Policy::Stop => "stop".to_owned(),
        Policy::Digest => format!("digest every {} minutes", budget.minutes),
        Policy::Ask => format!("ask, for {} minutes", budget.minutes),
    };
    format!("{whose}{}: {} a day; then {then}", place.unwrap_or_default(), most.join(", "))
}

fn cost(row: &UsageRow) -> String {
    let UsageRow { key, turns, input_tokens, output_tokens, micro_usd } = row;
    let money = dollars(*micro_usd);
    format!("{key}: {turns} turns, {input_tokens} tokens read, {output_tokens} written, {money}")
}

fn stands(delivery: &Delivery) -> String {
    let Delivery { attempt, state, reason, detail, at, answer, .. } = delivery;
    let reason = reason.map(|reason| serde_json::to_value(reason).unwrap_or_default());
    let reason = reason.as_ref().and_then(|word| word.as_str());
    let more = [
        reason.map(ToOwned::to_owned),
        detail.clone(),
        answer.map(|answer| format!("by {answer}")),
        delivery.possible_duplicate.then(|| "possible duplicate".to_owned()),
    ];
    let more: String = more.into_iter().flatten().map(|more| format!(", {more}")).collect();
    format!("{}  {} in attempt {attempt} at {at}{more}", delivery.id(), state.word())
}

/// Writes an amount to the cent, or as exactly as it was set.
fn dollars(micro: u64) -> String {
    let (whole, part) = (micro / 1_000_000, format!("{:06}", micro % 1_000_000));
    let part = part.trim_end_matches('0');
    format!("${whole}.{part:0<2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_told_in_a_sentence() {
        let budget = |json| in_words(&serde_json::from_str(json).unwrap());
        assert_eq!(budget(r#"{"turns":5}"#), "everybody: 5 turns a day; then stop");
        let long = r#"{"agent":"HKH","room":"main","inputTokens":9,"microUsd":2500000,"policy":"digest","minutes":30}"#;
        assert_eq!(
            budget(long),
            "HKH in main: 9 input tokens, $2.50 a day; then digest every 30 minutes"
        );
    }

    #[test]
    fn money_is_told_as_exactly_as_it_is_known() {
        assert_eq!([0, 2_500_000, 1].map(dollars), ["$0.00", "$2.50", "$0.000001"]);
    }

    #[test]
    fn a_delivery_is_told_with_its_reason() {
        let wire = r#"{"message":7,"agent":"HKH","attempt":2,"state":"dead","reason":"no_monitor","at":"2026-02-06T12:34:56.789Z"}"#;
        let delivery = serde_json::from_str(wire).unwrap();
        let words = "7:HKH  dead in attempt 2 at 2026-02-06T12:34:56.789Z, no_monitor";
        assert_eq!(stands(&delivery), words);
    }
}
