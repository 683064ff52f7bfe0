//! What is promised, held against what truly happened.

mod chains;
mod deliveries;
mod messages;

use crate::world::World;

/// What did not hold.
pub(crate) fn broken(world: &mut World) -> Vec<String> {
    let mut wrong = std::mem::take(&mut world.scene.ledger.wrong);
    messages::check(world, &mut wrong);
    deliveries::check(world, &mut wrong);
    chains::check(world, &mut wrong);
    live_desk_is_the_logs(world, &mut wrong);
    wrong
}

/// The desks that lived through all of it know what the log alone tells.
fn live_desk_is_the_logs(world: &World, wrong: &mut Vec<String>) {
    for server in &world.servers {
        let Some(process) = &server.process else {
            wrong.push("a server is not back".to_owned());
            continue;
        };
        let read_again = server.made_by_the_log(&world.scene.log);
        let json = |desk| serde_json::to_value(desk).expect("a desk has only text keys");
        let (live, read) = (json(process.team.desk()), json(&read_again));
        for (key, live) in live.as_object().into_iter().flatten() {
            if read[key] != *live {
                wrong.push(format!("{key}: the live desk has {live}, the log makes {}", read[key]));
            }
        }
        if live == read && format!("{:?}", process.team.desk()) != format!("{read_again:?}") {
            wrong.push("something that was decided and not stored still counts".to_owned());
        }
    }
}
