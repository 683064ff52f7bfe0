//! What broken and hostile monitors do.

use ois_protocol::{ClientFrame, EventId, Rung, Timestamp, Usage};

use crate::scene::Scene;

/// What one process of a monitor does wrong.
#[derive(Debug, Default)]
pub(crate) struct Misdeeds {
    /// A report that is told behind the next one.
    held_back: Option<ClientFrame>,
    /// Until when it does nothing, although it is connected.
    hangs_until: Option<Timestamp>,
}

impl Misdeeds {
    /// Whether a monitor that starts finds its folder empty.
    pub(crate) fn loses_folder(scene: &mut Scene) -> bool {
        scene.random.chance(scene.weather.folder_lost)
    }

    /// Whether the process begins to hang now. It stays connected and does nothing for hours.
    pub(crate) fn hangs(&mut self, scene: &mut Scene) -> bool {
        if !scene.random.chance(scene.weather.monitor_hangs) {
            return false;
        }
        let ms = scene.random.between(600_000, 10_800_000);
        self.hangs_until = Some(scene.now.after_ms(ms));
        true
    }

    /// When a process that may hang does the next thing, which is due at this time.
    pub(crate) fn awake_at(&self, due: Timestamp) -> Timestamp {
        self.hangs_until.map_or(due, |until| until.max(due))
    }

    /// What goes to the server instead of this frame.
    pub(crate) fn change(&mut self, frame: ClientFrame, scene: &mut Scene) -> Vec<ClientFrame> {
        let frame = match frame {
            ClientFrame::Delivery(mut report)
                if scene.random.chance(scene.weather.false_evidence) =>
            {
                let any = EventId::new(scene.random.between(1, 400)).unwrap_or_default();
                report.state = *scene.random.pick(&[Rung::Replied, Rung::Ended, Rung::Silent]);
                report.answer = (report.state == Rung::Replied).then_some(any);
                report.run = Some(format!("run-{}", scene.random.below(3)));
                scene.note(format_args!("monitor claims {}: {:?}", report.message, report.answer));
                ClientFrame::Delivery(report)
            }
            ClientFrame::Run(mut run) if scene.random.chance(scene.weather.huge_usage) => {
                run.usage = Some(Usage {
                    input_tokens: Some(u64::MAX),
                    output_tokens: Some(u64::MAX),
                    micro_usd: Some(u64::MAX),
                });
                ClientFrame::Run(run)
            }
            frame => frame,
        };
        let is_report = matches!(frame, ClientFrame::Delivery(_) | ClientFrame::Run(_));
        if is_report && self.held_back.is_none() && scene.random.chance(scene.weather.out_of_order)
        {
            self.held_back = Some(frame);
            return Vec::new();
        }
        std::iter::once(frame).chain(self.held_back.take()).collect()
    }
}
