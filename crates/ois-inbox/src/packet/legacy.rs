//! The text that the original monitor handed over.

use ois_protocol::{Message, UtcOffset};

use super::{
    marks::disarm,
    quote::{LINE_ENDS, inline, text_lines},
};

/// The text of `sessions_send` as the original monitor wrote it, for gateways and agents that are
/// used to it:
///
/// ```text
/// --- 最近群聊上下文 ---
/// [12:30] HKH 🐱: the build is red
/// --- 以上为上下文 ---
///
/// [OIS群聊] bob: @ARIA please look
/// ```
///
/// The last `count` messages of `context` go between the rulers; without any there are none. Plain
/// text comes out byte for byte. This form has no quotation, so of other text the marks are broken
/// as in [`compose`](super::compose), and a later line of a text that begins like one of the frame,
/// `[12:30] name:`, begins with `(` instead.
pub fn legacy(trigger: &Message, context: &[Message], count: usize, offset: UtcOffset) -> String {
    let kept = &context[context.len().saturating_sub(count)..];
    let mut text = String::new();
    if !kept.is_empty() {
        text.push_str("--- 最近群聊上下文 ---\n");
        for message in kept {
            let time = message.time.civil(offset).hour_minute();
            text.push_str(&format!("[{time}] {}\n", said(message)));
        }
        text.push_str("--- 以上为上下文 ---\n\n");
    }
    text.push_str("[OIS群聊] ");
    text.push_str(&said(trigger));
    text
}

fn said(message: &Message) -> String {
    let mut text = format!("{}: ", inline(&message.user, usize::MAX));
    for (at, line) in text_lines(&message.text).enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let line = disarm(line);
        if at > 0 && begins_with_time(&line) {
            text.push_str(&line.replacen(OPENING, "(", 1));
        } else {
            text.push_str(&line);
        }
    }
    if message.text.ends_with(LINE_ENDS) {
        text.push('\n');
    }
    text
}

/// Whether a line begins as the frame's own do: `[12:30]`.
fn begins_with_time(line: &str) -> bool {
    let mut chars = line.chars().skip_while(|c| c.is_whitespace());
    if !chars.next().is_some_and(|c| OPENING.contains(&c)) {
        return false;
    }
    let inside: Vec<char> = chars.take_while(|c| !matches!(c, ']' | '］')).take(12).collect();
    inside.iter().any(|c| c.is_numeric()) && inside.iter().any(|c| matches!(c, ':' | '：'))
}

const OPENING: [char; 2] = ['[', '［'];
