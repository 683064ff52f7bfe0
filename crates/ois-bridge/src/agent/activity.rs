//! What an agent is doing, shown in the room while it does it.

use std::time::Duration;

use ois_client::Speaker;
use ois_protocol::{Activity, ActivityState, ClientFrame, Partial, RoomName};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::runtime::Doing;

/// Shows it until nobody changes it any more: the newest, not too often, and again before it
/// expires. All of it may be lost, and nothing waits for it.
pub(super) async fn show(
    speaker: Speaker,
    room: RoomName,
    doing: watch::Receiver<Doing>,
    stop: CancellationToken,
) {
    tokio::select! {
        () = while_it_lasts(&speaker, &room, doing) => {}
        () = stop.cancelled() => {}
    }
}

async fn while_it_lasts(speaker: &Speaker, room: &RoomName, mut doing: watch::Receiver<Doing>) {
    let (mut shown, mut seq) = (false, 0);
    loop {
        // Before the turn is admitted there is nothing to show, and then it is due again and again.
        let changed = if shown {
            timeout(AGAIN, doing.changed()).await.unwrap_or(Ok(()))
        } else {
            doing.changed().await
        };
        if changed.is_err() {
            break;
        }
        let now = doing.borrow_and_update().clone();
        if now.run.is_none() {
            continue;
        }
        seq += 1;
        // Whether it was taken does not matter: the next one is as good.
        speaker.try_tell(ClientFrame::Activity(frame(room, &now, seq)));
        shown = true;
        sleep(BETWEEN).await;
    }
    if shown {
        let run = doing.borrow().run.clone();
        let idle = Doing { state: ActivityState::Idle, note: None, text: String::new(), run };
        // As above.
        speaker.try_tell(ClientFrame::Activity(frame(room, &idle, seq)));
    }
}

fn frame(room: &RoomName, doing: &Doing, seq: u64) -> Activity {
    let text = Some(&doing.text).filter(|text| !text.is_empty());
    Activity {
        agent: None,
        room: room.clone(),
        state: doing.state,
        run: doing.run.clone(),
        note: doing.note.clone(),
        partial: text.map(|text| Partial { seq, text: text.clone() }),
    }
}

/// At the most four a second.
const BETWEEN: Duration = Duration::from_millis(250);
/// Half of the time after which it is void.
const AGAIN: Duration = Duration::from_secs(5);
