//! Marks that something could take for a change of speaker, broken by one character each.
//!
//! | in a line | becomes | because |
//! |---|---|---|
//! | control characters (not tab) | their pictures `␛`, or `�` | terminals, logs |
//! | invisible, bidirectional, tag and filler characters | nothing | hidden text, reordered text |
//! | three or more `<` or `>` | `‹‹‹`, `›››` | fences of gateways around foreign content |
//! | `<\|`, `\|>` | `‹\|`, `\|›` | special tokens of models |
//! | `<` before a speaker's or a token's name, also `</` | `‹` | tags such as `<system>`, `</s>` |
//! | `[` before `OIS`, `INST` or a speaker's name, also `[/` | `(` | the frame's own head; `[INST]` |
//! | `:` behind a speaker's name at the start of a line | `∶` (U+2236) | `System: …`, `用户：…` |
//! | three or more `-` in a line with 上下文 | `‐` (U+2010) | the rulers of the original packet |
//!
//! Names and signs are recognised in any case and width, through joiners and accents, and written
//! with Cyrillic or Greek letters that look like Latin ones.

use ois_protocol::name::fold;

/// One line with nothing hidden in it and every mark broken.
pub(super) fn disarm(line: &str) -> String {
    let mut chars: Vec<char> = line.chars().filter_map(shown).collect();
    let shadow = shadow(&chars);
    let breaks = [fences(&shadow), tags(&shadow), speaker(&shadow), rulers(&shadow)];
    for (at, instead) in breaks.into_iter().flatten() {
        chars[at] = instead;
    }
    chars.into_iter().collect()
}

/// A character as it is shown; `None` for one that is not seen.
fn shown(c: char) -> Option<char> {
    match c {
        '\t' => Some('\t'),
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)),
        '\u{7f}' => Some('␡'),
        '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => Some('\u{fffd}'),
        _ if is_unseen(c) => None,
        _ => Some(c),
    }
}

/// Characters that are not seen, or only in their effect on others. The joiners U+200C and U+200D
/// and the two variation selectors of emoji stay: scripts and emoji are made of them. Emoji flags
/// of regions lose their tags and become plain flags.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
    ) || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}')
        || matches!(c, '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}')
        || matches!(c, '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The line as marks are looked for in it: each folded character and whose it is.
type Shadow = Vec<(usize, char)>;

/// A place in the line and the character to stand there.
type Break = (usize, char);

fn shadow(chars: &[char]) -> Shadow {
    let mut shadow = Shadow::with_capacity(chars.len());
    for (at, &c) in chars.iter().enumerate() {
        match c {
            _ if c.is_ascii() => shadow.push((at, c.to_ascii_lowercase())),
            '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' => {}
            '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}' => {}
            _ if c.is_whitespace() => shadow.push((at, ' ')),
            _ => {
                let folded = fold(c.encode_utf8(&mut [0; 4]));
                shadow.extend(folded.chars().map(|folded| (at, latin(folded))));
            }
        }
    }
    shadow
}

/// The Latin letter that a Cyrillic or Greek one is printed like.
fn latin(c: char) -> char {
    const ALIKE: &str = "аaеeоoрpсcуyхxѕsіiјjкkмmтtвbнhԁdοoαaεeιiκkνvρpτtυuχx";
    let mut pairs = ALIKE.chars();
    while let (Some(alike), Some(latin)) = (pairs.next(), pairs.next()) {
        if alike == c {
            return latin;
        }
    }
    c
}

/// `<<<`, `>>>`, `<|` and `|>`.
fn fences(shadow: &Shadow) -> Vec<Break> {
    let mut breaks = Vec::new();
    let is = |at: usize, c: char| shadow.get(at).is_some_and(|(_, found)| *found == c);
    for (sign, instead) in [('<', '‹'), ('>', '›')] {
        for run in runs(shadow, sign).filter(|run| run.len() >= 3) {
            breaks.extend(run.map(|at| (shadow[at].0, instead)));
        }
    }
    for at in 0..shadow.len() {
        if is(at, '<') && is(at + 1, '|') {
            breaks.push((shadow[at].0, '‹'));
        }
        if is(at, '|') && is(at + 1, '>') {
            breaks.push((shadow[at + 1].0, '›'));
        }
    }
    breaks
}

/// `<system>`, `</s>`, `[OIS`, `[/INST]` and the like.
fn tags(shadow: &Shadow) -> Vec<Break> {
    let mut breaks = Vec::new();
    for (at, (place, sign)) in shadow.iter().enumerate() {
        let (names, instead): (&[&str], char) = match sign {
            '<' => (&ANGLE_NAMES, '‹'),
            '[' => (&SQUARE_NAMES, '('),
            _ => continue,
        };
        let inside = shadow[at + 1..].iter().map(|(_, c)| *c);
        let inside = inside.skip_while(|c| matches!(c, ' ' | '\t' | '/' | '\\' | '*' | '_' | '!'));
        let word: String = inside.take_while(|c| c.is_alphanumeric()).take(LONGEST_NAME).collect();
        if names.contains(&&*word) || SPEAKERS.contains(&&*word) || word.starts_with("ois") {
            breaks.push((*place, instead));
        }
    }
    breaks
}

/// `System:` and its kind where a line begins, behind whatever Markdown puts there.
fn speaker(shadow: &Shadow) -> Vec<Break> {
    let start = shadow.iter().position(|(_, c)| c.is_alphanumeric() && !c.is_ascii_digit());
    let Some(start) = start else { return Vec::new() };
    let head = &shadow[start..shadow.len().min(start + LONGEST_HEAD)];
    let Some(end) = head.iter().position(|(_, c)| *c == ':') else { return Vec::new() };
    let head_text: String = head[..end].iter().map(|(_, c)| *c).collect();
    let words = || head_text.split(|c: char| !c.is_alphanumeric()).filter(|it| !it.is_empty());
    // "System (urgent) message: …" and "the system: …", but not whatever sentence has a colon.
    let spoken = words().count() <= 3 && words().take(2).any(is_speaker);
    if spoken { vec![(head[end].0, '∶')] } else { Vec::new() }
}

/// Chinese has no spaces: 系统消息 begins with the speaker.
fn is_speaker(word: &str) -> bool {
    SPEAKERS.contains(&word)
        || SPEAKERS.iter().any(|name| !name.is_ascii() && word.starts_with(name))
}

/// The rulers between which the original monitor put its context.
fn rulers(shadow: &Shadow) -> Vec<Break> {
    let text: String = shadow.iter().map(|(_, c)| *c).filter(|c| !c.is_whitespace()).collect();
    if !text.contains("上下文") {
        return Vec::new();
    }
    let long = runs(shadow, '-').filter(|run| run.len() >= 3);
    long.flatten().map(|at| (shadow[at].0, '‐')).collect()
}

/// The stretches of one character.
fn runs(shadow: &Shadow, sign: char) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + shadow.get(at..)?.iter().position(|(_, c)| *c == sign)?;
        let rest = shadow[start..].iter();
        at = start + rest.take_while(|(_, c)| *c == sign).count();
        Some(start..at)
    })
}

/// Whoever a model or a gateway knows as a speaker, folded.
const SPEAKERS: [&str; 19] = [
    "system",
    "sys",
    "assistant",
    "user",
    "human",
    "developer",
    "tool",
    "function",
    "ai",
    "model",
    "owner",
    "operator",
    "ois",
    "系统",
    "系統",
    "助手",
    "用户",
    "用戶",
    "主人",
];
/// What else stands in angle brackets with a meaning of its own.
const ANGLE_NAMES: [&str; 16] = [
    "s",
    "bos",
    "eos",
    "im",
    "start",
    "end",
    "think",
    "thinking",
    "invoke",
    "instruction",
    "instructions",
    "context",
    "untrusted",
    "external",
    "inst",
    "antml",
];
/// What else stands in square brackets with a meaning of its own.
const SQUARE_NAMES: [&str; 4] = ["inst", "instructions", "available", "inter"];
const LONGEST_NAME: usize = 24;
const LONGEST_HEAD: usize = 48;
