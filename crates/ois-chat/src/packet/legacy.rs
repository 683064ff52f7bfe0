//! The text that the original monitor handed over.

use ois_protocol::{Message, UtcOffset};

use super::{
    marks::disarm,
    quote::{inline, text_lines},
};

/// The text of `sessions_send` as the original monitor wrote it, for gateways and agents that are
/// used to it:
///
/// ```text
/// --- 最近群聊上下文 ---
/// [12:30] HKH 🐱: the build is red
/// --- 以上为上下文 ---
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
        text.push_str("--- 以上为上下文 ---\n");
    }
    text.push_str("[OIS群聊] ");
    text.push_str(&said(trigger));
    text
}

fn said(message: &Message) -> String {
    let mut text = format!("{}: ", inline(&message.user, usize::MAX));
    for (at, line) in text_lines(&message.text).enumerate() {
        let line = disarm(line);
        match line.strip_prefix('[') {
            Some(rest) if at > 0 && begins_with_time(rest) => {
                text.push_str("\n(");
                text.push_str(rest);
            }
            _ => {
                if at > 0 {
                    text.push('\n');
                }
                text.push_str(&line);
            }
        }
    }
    text
}

fn begins_with_time(rest: &str) -> bool {
    let head: Vec<char> = rest.chars().filter(|c| !c.is_whitespace()).take(6).collect();
    let colon = head.iter().any(|c| matches!(c, ':' | '：' | '∶'));
    colon && head.first().is_some_and(|c| c.is_numeric()) && head.contains(&']') || {
        rest.contains(']') && head.first().is_some_and(|c| c.is_numeric()) && colon
    }
}
