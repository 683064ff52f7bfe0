//! People, and agents without a monitor: they see everything, say things, and press buttons.

use ois_client::{Event as Told, Memory};
use ois_protocol::{Chat, EventId, Message, Nonce, ServerFrame, ShortName};

use crate::{
    link::{Link, Member},
    network::{Line, Packet},
    scene::{Event, Scene},
};

/// Somebody with a client that only chats.
#[derive(Debug)]
pub(crate) struct Person {
    peer: usize,
    name: ShortName,
    /// An agent without a monitor answers what calls it.
    answers: bool,
    link: Link<Memory>,
    others: Vec<ShortName>,
    said: u64,
    /// How often it still does something by itself.
    left: u64,
    seen: Vec<EventId>,
}

/// A button that a person presses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Button {
    Retry,
    Stop,
}

impl Person {
    pub(crate) fn new(peer: usize, name: ShortName, others: Vec<ShortName>, left: u64) -> Self {
        let link = Link::new(peer, 0, name.as_str(), Member::Person, Memory);
        let (answers, said, seen) = (false, 0, Vec::new());
        Self { peer, name, answers, link, others, said, left, seen }
    }

    /// The same as an agent without a monitor.
    pub(crate) fn into_agent(mut self) -> Self {
        let member = Member::Agent;
        self.link = Link::new(self.peer, 0, self.name.as_str(), member, Memory);
        Self { answers: true, left: 0, ..self }
    }

    pub(crate) fn start(&mut self, scene: &mut Scene) {
        self.link.drive(scene);
        if self.left > 0 {
            let pause = scene.random.below(30_000);
            scene.after(pause, Event::Acts(self.peer));
        }
    }

    /// The time has come that the link has planned.
    pub(crate) fn link_wakes(&mut self, scene: &mut Scene) {
        self.link.wakes(scene);
        self.take_events(scene);
    }

    pub(crate) fn hears(&mut self, line: Line, packet: Packet<ServerFrame>, scene: &mut Scene) {
        self.link.hears(line, packet, scene);
        self.take_events(scene);
    }

    fn take_events(&mut self, scene: &mut Scene) {
        while let Some(told) = self.link.next_event() {
            match told {
                Told::History(messages) => self.seen.extend(messages.iter().map(|it| it.id)),
                Told::Message(message) => self.hears_message(&message, scene),
                _ => {}
            }
        }
    }

    fn hears_message(&mut self, message: &Message, scene: &mut Scene) {
        self.seen.push(message.id);
        if self.answers && message.calls.contains(&self.name) && scene.random.chance(7000) {
            let text = format!("I have heard {}", message.id);
            self.says(Chat { text, reply_to: Some(message.id), ..Chat::in_main() }, scene);
        }
    }

    /// Does something; the answer is a button of the page, if that is what it was.
    pub(crate) fn acts(&mut self, scene: &mut Scene) -> Option<Button> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let pause = scene.random.between(100, scene.random.clone().between(200, 600_000));
        scene.after(pause, Event::Acts(self.peer));
        match scene.random.below(10) {
            0 => return Some(Button::Retry),
            1 | 2 => return Some(Button::Stop),
            _ => {}
        }
        let text = self.words(scene);
        let reply_to = self.seen.last().copied().filter(|_| scene.random.chance(3000));
        self.says(Chat { text, reply_to, ..Chat::in_main() }, scene);
        None
    }

    fn says(&mut self, chat: Chat, scene: &mut Scene) {
        self.said += 1;
        let nonce: Nonce =
            format!("said-{}-{}", self.peer, self.said).parse().expect("words and numbers");
        scene.note(format_args!("{} says {:?}", self.name, chat.text));
        self.link.say(nonce, chat, scene).expect("memory keeps whatever is said");
    }

    fn words(&self, scene: &mut Scene) -> String {
        let name = scene.random.pick(&self.others).clone();
        let other = scene.random.pick(&self.others).clone();
        match scene.random.below(16) {
            0 | 1 => "@all who has time?".to_owned(),
            2 | 3 => "@one:reviewer please look".to_owned(),
            4 => format!("fyi @{name} it is done"),
            5 | 6 => "/continue".to_owned(),
            7 => format!("/allow {name}"),
            8 => format!("/deny {name}"),
            9 => format!("@{name} @{other} please agree"),
            10 => "good morning".to_owned(),
            11 => "@reviewer and what do you think?".to_owned(),
            _ => format!("@{name} please do number {}", self.said),
        }
    }

    /// The faults stop: nothing more is begun.
    pub(crate) fn calm(&mut self) {
        self.left = 0;
    }

    /// Whether all that was said is confirmed.
    pub(crate) fn is_done(&self) -> bool {
        self.link.is_done()
    }

    pub(crate) fn name(&self) -> &ShortName {
        &self.name
    }

    /// Every message that was shown, in order.
    pub(crate) fn seen(&self) -> &[EventId] {
        &self.seen
    }
}
