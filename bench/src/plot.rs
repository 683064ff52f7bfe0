//! The plot, drawn as SVG by hand: for each case one bar per room.

use crate::report::Bar;

/// Draws deliveries per second, one group of bars for each case, each group on its own scale.
pub(crate) fn svg(bars: &[&Bar]) -> String {
    let mut body = String::new();
    let mut y = TOP;
    for group in bars.chunk_by(|one, other| one.case == other.case) {
        let longest = group.iter().map(|bar| bar.per_second).fold(1.0, f64::max);
        text(&mut body, 0.0, y + 11.0, "case", &group[0].case);
        for bar in group {
            y += LINE;
            let width = bar.per_second / longest * WIDEST;
            text(&mut body, NAMES, y + 11.0, "who", bar.who);
            body.push_str(&format!(
                "<rect x=\"{BARS}\" y=\"{y}\" width=\"{width:.1}\" height=\"13\" class=\"{}\"/>\n",
                class(bar.who),
            ));
            let words = format!("{} · {:.2}", short(bar.per_second), bar.cpu);
            text(&mut body, BARS + width + 6.0, y + 11.0, "figure", &words);
        }
        y += LINE + GAP;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" \
         width=\"{WIDTH}\" height=\"{y}\" role=\"img\">\n\
         <title>Deliveries in a second, and CPU seconds of the server for a million</title>\n\
         {STYLE}\n<rect width=\"100%\" height=\"100%\" class=\"paper\"/>\n\
         <text x=\"0\" y=\"16\" class=\"title\">Deliveries in a second · CPU seconds of the \
         server for a million</text>\n{body}</svg>\n",
    )
}

fn text(body: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    body.push_str(&format!("<text x=\"{x:.1}\" y=\"{y}\" class=\"{class}\">{words}</text>\n"));
}

fn class(who: &str) -> &'static str {
    match who {
        us if us.starts_with("OIS") => "us",
        "bare system calls" => "limit",
        _ => "them",
    }
}

/// Writes `1234567.0` as `1.23 M`.
fn short(number: f64) -> String {
    match number {
        many if many >= 1e6 => format!("{:.2} M", many / 1e6),
        some if some >= 1e4 => format!("{:.0} k", some / 1e3),
        few => format!("{few:.0}"),
    }
}

const WIDTH: f64 = 760.0;
const TOP: f64 = 34.0;
const LINE: f64 = 17.0;
const GAP: f64 = 12.0;
const NAMES: f64 = 16.0;
const BARS: f64 = 160.0;
const WIDEST: f64 = 480.0;
const STYLE: &str = "<style>\
    text{font:12px system-ui,sans-serif;fill:#222}.title,.case{font-weight:600}\
    .paper{fill:#fff}.us{fill:#2563eb}.them{fill:#9ca3af}.limit{fill:#d1d5db}\
    @media(prefers-color-scheme:dark){text{fill:#ddd}.paper{fill:#111}.limit{fill:#4b5563}}\
    </style>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_a_group_with_a_bar_for_everybody() {
        let bar =
            |case: &str, who, per_second| Bar { case: case.to_owned(), who, per_second, cpu: 0.25 };
        let bars = [bar("a < b", "OIS", 2e6), bar("a < b", "Bun", 1e6), bar("c", "OIS", 500.0)];
        let drawn = svg(&bars.iter().collect::<Vec<_>>());
        assert_eq!(drawn.matches("class=\"case\"").count(), 2);
        assert_eq!(drawn.matches("class=\"us\"").count(), 2);
        assert_eq!(drawn.matches("class=\"them\"").count(), 1);
        assert!(drawn.contains("a &lt; b") && drawn.contains("2.00 M · 0.25"), "{drawn}");
    }
}
