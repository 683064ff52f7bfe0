//! The whole team, from the first event of a seed to the last.

use ois_chat::{DeskSettings, guard::GuardSettings, ladder::Limits};
use ois_inbox::Settings;
use ois_protocol::{Budget, Kind, Member, Policy, Role, ShortName, Timestamp};

use crate::{
    With,
    gateway::Gateway,
    monitor::Monitor,
    network::Packet,
    people::{Button, Person},
    random::Random,
    scene::{Event, Scene},
    server::Server,
    weather::Weather,
};

/// 2026-02-16T12:00 in UTC.
const NOON: Timestamp = Timestamp::from_ms(1_771_243_200_000);
const HOUR_MS: u64 = 3_600_000;
/// More events than any seed has that comes to an end.
const EVENTS: u64 = 400_000;
const AGENTS: [&str; 5] = ["ARIA", "HKH", "小雨", "NOVA", "BOLT"];

/// The whole team.
pub(crate) struct World {
    pub(crate) scene: Scene,
    pub(crate) servers: Vec<Server>,
    pub(crate) monitors: Vec<Monitor>,
    pub(crate) gateways: Vec<Gateway>,
    /// Those after the agents: people, and perhaps an agent without a monitor.
    pub(crate) people: Vec<Person>,
    pub(crate) names: Vec<ShortName>,
    pub(crate) desk: DeskSettings,
    pub(crate) budgets: Vec<Budget>,
    /// When the faults stop, and when everything must have ended at the latest.
    calm_at: Timestamp,
    end_at: Timestamp,
    is_calm: bool,
}

impl World {
    /// The team of a seed.
    pub(crate) fn new(seed: u64, keep: bool, with: With<'_>) -> Self {
        let With { misdeeds, servers } = with;
        let mut random = Random::new(seed);
        let weather = Weather::of(&mut random).with(misdeeds);
        let agents = usize::try_from(random.between(2, 5)).unwrap_or(2);
        let is_plain_there = random.chance(2500);
        let names: Vec<ShortName> = AGENTS[..agents].iter().map(|it| name(it)).collect();
        let mut members: Vec<Member> = names.iter().map(agent).collect();
        members.iter_mut().take(3).for_each(|member| member.duties = vec![name("reviewer")]);
        let people = [name("Mira"), name("tester")];
        members.extend(people.iter().map(person));
        if is_plain_there {
            members.push(agent(&name("ECHO")));
        }
        let hours = random.between(1, 3);
        let deadline_ms = *random.pick(&[HOUR_MS / 2, HOUR_MS, 2 * HOUR_MS, 24 * HOUR_MS]);
        let turn_ms = *random.pick(&[HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS]);
        let desk = DeskSettings {
            limits: Limits { deadline_ms, turn_ms },
            guard: GuardSettings {
                hops: *random.pick(&[3, 8]),
                returns: *random.pick(&[2, 3]),
                ..GuardSettings::default()
            },
            ..DeskSettings::default()
        };
        let settings = Settings {
            deadline_ms: *random.pick(&[HOUR_MS / 3, HOUR_MS, 24 * HOUR_MS]),
            attempts: *random.pick(&[1, 2, 3]),
            at_once: *random.pick(&[1, 1, 2]),
            ..Settings::default()
        };
        let budgets = budgets(&mut random, &names);
        let last = deadline_ms.max(settings.deadline_ms).max(turn_ms);
        let calm_at = NOON.after_ms(hours * HOUR_MS);
        let mut world = Self {
            servers: (0..servers)
                .map(|number| Server::new(number, members.clone(), desk, budgets.clone()))
                .collect(),
            monitors: Vec::new(),
            gateways: Vec::new(),
            people: Vec::new(),
            calm_at,
            end_at: calm_at.after_ms(2 * last + 6 * HOUR_MS),
            is_calm: false,
            names: names.clone(),
            desk,
            budgets,
            scene: Scene::new(random, weather, NOON, keep, servers),
        };
        for (at, name) in names.iter().enumerate() {
            world.monitors.push(Monitor::new(at, name.clone(), settings.clone()));
            let others = names.iter().filter(|other| *other != name).cloned().collect();
            world.gateways.push(Gateway::new(at, others));
        }
        world.invite(&people, is_plain_there);
        world
    }

    fn invite(&mut self, people: &[ShortName], is_plain_there: bool) {
        let plain = is_plain_there.then(|| name("ECHO"));
        let others: Vec<ShortName> = self.names.iter().cloned().chain(plain.clone()).collect();
        for name in people {
            let peer = self.names.len() + self.people.len();
            let left = self.scene.random.between(4, 16);
            self.people.push(Person::new(peer, name.clone(), others.clone(), left));
        }
        if let Some(plain) = plain {
            let peer = self.names.len() + self.people.len();
            self.people.push(Person::new(peer, plain, others, 0).into_agent());
        }
    }

    /// From the first event to the last.
    pub(crate) fn run(&mut self) -> u64 {
        for server in &mut self.servers {
            server.start(&mut self.scene);
        }
        for gateway in &mut self.gateways {
            gateway.start(&mut self.scene);
        }
        for monitor in 0..self.monitors.len() {
            let at = self.scene.random.below(20_000);
            self.scene.after(at, Event::MonitorStarts(monitor));
        }
        for person in &mut self.people {
            person.start(&mut self.scene);
        }
        self.scene.at(self.calm_at, Event::Calm);
        let mut events = 0;
        while let Some(event) = self.scene.next() {
            events += 1;
            let is_beat = matches!(event, Event::ServerBeats(..));
            self.happens(event);
            if is_beat && self.is_over() {
                break;
            }
            if events > EVENTS {
                self.scene.ledger.wrong(format!("it is not over after {events} events"));
                break;
            }
        }
        events
    }

    /// Whether nothing is left to happen, or there was time enough.
    fn is_over(&self) -> bool {
        let late = self.scene.now >= self.end_at;
        let done = self.is_calm
            && self.servers.iter().all(|server| server.is_done(&self.scene))
            && self.monitors.iter().all(Monitor::is_done)
            && self.gateways.iter().all(Gateway::is_idle)
            && self.people.iter().all(Person::is_done)
            && self.scene.now.since_ms(self.calm_at) > 2 * HOUR_MS;
        late || done
    }

    fn happens(&mut self, event: Event) {
        let (scene, servers) = (&mut self.scene, &mut self.servers);
        match event {
            Event::Calm => self.calm(),
            Event::ServerStarts(at) => servers[at].start(scene),
            Event::ServerWrites(at, life) => servers[at].writes(life, scene),
            Event::ServerSyncs(at, life) => servers[at].syncs(life, scene),
            Event::ServerBeats(at, life) => servers[at].beats(life, scene),
            Event::LogMoves(at) => servers[at].log_moves(scene),
            Event::Unblocks(at, life, line) => servers[at].unblocks(life, line, scene),
            Event::ReadsOn(at, life, line) => servers[at].reads_on(life, line, scene),
            Event::Up(line) => {
                if let Some((at, packet)) = scene.arrived_up(line) {
                    servers[at].hears(line, packet, scene);
                }
            }
            Event::Down(line) => self.arrives(line),
            Event::LinkWakes(peer, life) => match self.monitors.get_mut(peer) {
                Some(monitor) => monitor.link_wakes(life, scene),
                None => self.people[peer - self.names.len()].link_wakes(scene),
            },
            Event::MonitorStarts(at) => self.monitors[at].start(scene),
            Event::Monitor(at, life) => self.monitors[at].works(life, scene),
            Event::Fetches(at, life, id) => {
                let fails = scene.random.chance(scene.weather.rest_fails);
                let server = scene.any_server();
                let fetched = if fails {
                    ois_inbox::Fetched::Failed
                } else {
                    servers[server].message(id, scene)
                };
                scene.after(20, Event::Fetched(at, life, id, Box::new(fetched)));
            }
            Event::Fetched(at, life, id, fetched) => {
                self.monitors[at].fetched(life, id, *fetched, scene);
            }
            Event::Asks(at, call, request) => self.gateways[at].asked(call, request, scene),
            Event::Answers(at, call, reply) => self.monitors[at].answered(call, reply, scene),
            Event::Speaks(at, chat) => self.monitors[at].speaks(*chat, scene),
            Event::GatewayStarts(at) => self.gateways[at].start(scene),
            Event::TurnSpeaks(at, boot, run) => self.gateways[at].turn_speaks(boot, &run, scene),
            Event::TurnEnds(at, boot, run) => self.gateways[at].turn_ends(boot, &run, scene),
            Event::TakesUp(at, boot) => self.gateways[at].takes_up(boot, scene),
            Event::WaitEnds(at, boot, number) => self.gateways[at].wait_ends(boot, number, scene),
            Event::Acts(peer) => self.acts(peer),
        }
    }

    fn arrives(&mut self, line: crate::network::Line) {
        let Some((peer, packet)) = self.scene.arrived_down(line) else { return };
        let packet: Packet<_> = packet;
        match self.monitors.get_mut(peer) {
            Some(monitor) => monitor.hears(line, packet, &mut self.scene),
            None => self.people[peer - self.names.len()].hears(line, packet, &mut self.scene),
        }
    }

    fn acts(&mut self, peer: usize) {
        let person = &mut self.people[peer - self.names.len()];
        let button = person.acts(&mut self.scene);
        if self.scene.random.chance(self.scene.weather.rest_fails) {
            return;
        }
        let server = &mut self.servers[self.scene.any_server()];
        match button {
            Some(Button::Retry) => server.retry_one(&mut self.scene),
            Some(Button::Stop) => server.stop_one(person.name(), &mut self.scene),
            None => {}
        }
    }

    /// The faults stop, and everybody comes back.
    fn calm(&mut self) {
        self.is_calm = true;
        self.scene.weather.calm();
        self.scene.note(format_args!("the faults stop"));
        self.servers.iter_mut().for_each(|server| server.calm(&mut self.scene));
        for (at, monitor) in self.monitors.iter_mut().enumerate() {
            monitor.calm(&mut self.scene);
            self.scene.after(800, Event::GatewayStarts(at));
        }
        self.people.iter_mut().for_each(Person::calm);
    }
}

fn budgets(random: &mut Random, names: &[ShortName]) -> Vec<Budget> {
    let count = random.below(3);
    let budgets = (0..count).map(|_| Budget {
        agent: random.chance(6000).then(|| random.pick(names).clone()),
        room: None,
        turns: Some(random.between(1, 6)),
        input_tokens: None,
        output_tokens: None,
        micro_usd: None,
        policy: *random.pick(&[Policy::Stop, Policy::Digest, Policy::Ask]),
        minutes: *random.pick(&[10, 60]),
    });
    budgets.collect()
}

fn agent(name: &ShortName) -> Member {
    member(name, Kind::Agent, Role::Agent)
}

fn person(name: &ShortName) -> Member {
    member(name, Kind::Human, Role::Member)
}

fn member(name: &ShortName, kind: Kind, role: Role) -> Member {
    Member::new(name.as_str().parse().expect("a name"), kind, role)
}

fn name(text: &str) -> ShortName {
    text.parse().expect("a name")
}
