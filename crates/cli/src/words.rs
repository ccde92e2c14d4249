//! Times, counts and names as people read them.

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// `0.4s`, `31.0s`, `2m11s`, `1h02m`, `3d04h`.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=59 => format!("{}.{}s", seconds, ms % 1000 / 100),
        60..=3599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// `42s`, `7m`, `3h`, `12d`.
pub fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m", seconds / 60),
        3600..=86_399 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `00:24`, `1:02:03`.
pub fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    if seconds < 3600 {
        format!("{:02}:{:02}", seconds / 60, seconds % 60)
    } else {
        format!("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60)
    }
}

/// From `since` to `until`, never negative.
pub fn between(since: Timestamp, until: Timestamp) -> u64 {
    u64::try_from(until.as_millisecond() - since.as_millisecond()).unwrap_or(0)
}

/// `14:02:11Z`
pub fn time_of_day(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

/// When it is due, seen from `now`: the time where that is less than a day away, else the day too.
pub fn due(at: Timestamp, now: Timestamp) -> String {
    if between(now, at) < 86_400_000 { time_of_day(at) } else { minute(at) }
}

/// `2026-08-21 14:02`, UTC.
pub fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// `1 run`, `3 runs`, `1,204 bytes`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// `1,204`
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `412 B`, `1.4 MiB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{number} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// `succeeded` as `Succeeded`, `not_run` as `Not run`.
pub fn title(word: &str) -> String {
    let text = word.replace('_', " ");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Cells that `text` takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// At most `cells` wide, shortened in the middle: names often differ at their ends.
pub fn shorten_middle(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    if cells <= 1 {
        return take(text.chars(), cells);
    }
    let back = (cells - 1) / 2;
    let front = cells - 1 - back;
    let end: String = take(text.chars().rev(), back).chars().rev().collect();
    format!("{}…{end}", take(text.chars(), front))
}

/// At most `cells` wide, cut at the end.
pub fn shorten_end(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    if cells <= 1 {
        return take(text.chars(), cells);
    }
    format!("{}…", take(text.chars(), cells - 1))
}

fn take(letters: impl Iterator<Item = char>, cells: usize) -> String {
    let mut used = 0;
    letters
        .take_while(|letter| {
            used += letter.width().unwrap_or(0);
            used <= cells
        })
        .collect()
}

/// Fills with spaces up to `cells`.
pub fn pad_end(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(width(text))))
}

/// Text that came from outside, fit for one line of a terminal: no control characters, so it can
/// neither move the cursor nor forge a line.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter == '\t' { ' ' } else { letter })
        .filter(|letter| !letter.is_control())
        .collect()
}

/// Without escape sequences and control characters, tabs kept: lines of captured output inside
/// our own screens. `orchestrate logs` prints the bytes as they are.
pub fn without_escapes(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => skip_escape(&mut letters),
            '\t' => clean.push('\t'),
            other if other.is_control() => {}
            other => clean.push(other),
        }
    }
    clean
}

/// The same for a text of several lines.
pub fn without_escapes_in_lines(text: &str) -> String {
    text.lines().map(|line| without_escapes(line) + "\n").collect()
}

/// Keeps colours (`ESC [ ... m`), takes all other control away, and ends every colour.
pub fn only_colours(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut coloured = false;
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        clean += &without_escapes(&rest[..at]);
        let colour = rest[at + 1..].strip_prefix('[').and_then(|body| {
            let end = body.find(|letter: char| !letter.is_ascii_digit() && letter != ';')?;
            body[end..].starts_with('m').then_some(end + 3)
        });
        let length = match colour {
            Some(length) => {
                clean += &rest[at..at + length];
                coloured = true;
                length
            }
            None => {
                let mut letters = rest[at + 1..].chars().peekable();
                skip_escape(&mut letters);
                rest.len() - at - letters.collect::<String>().len()
            }
        };
        rest = &rest[at + length..];
    }
    clean += &without_escapes(rest);
    if coloured {
        clean += "\u{1b}[0m";
    }
    clean
}

fn skip_escape(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match letters.next() {
        // CSI: ends at a byte from `@` to `~`.
        Some('[') => {
            letters.find(|letter| matches!(letter, '@'..='~'));
        }
        // OSC: ends at BEL or ESC \.
        Some(']') => {
            while let Some(letter) = letters.next() {
                if letter == '\u{7}' || (letter == '\u{1b}' && letters.next_if_eq(&'\\').is_some())
                {
                    break;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_units() {
        let table = [
            (0, "0.0s"),
            (412, "0.4s"),
            (31_049, "31.0s"),
            (131_000, "2m11s"),
            (3_720_000, "1h02m"),
            (273_600_000, "3d04h"),
        ];
        for (ms, text) in table {
            assert_eq!(duration(ms), text);
        }
        assert_eq!(clock(24_900), "00:24");
        assert_eq!(clock(3_723_000), "1:02:03");
        assert_eq!(age(7_260_000), "2h");
    }

    #[test]
    fn numbers_and_words() {
        assert_eq!(thousands(48_112), "48,112");
        assert_eq!(thousands(999), "999");
        assert_eq!(count(1, "stage"), "1 stage");
        assert_eq!(count(1_204, "byte"), "1,204 bytes");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1_572_864), "1.5 MiB");
        assert_eq!(title("not_run"), "Not run");
    }

    #[test]
    fn names_are_shortened_in_the_middle_and_wide_letters_count_twice() {
        assert_eq!(shorten_middle("feature-complete#1042", 11), "featu…#1042");
        assert_eq!(shorten_middle("short", 11), "short");
        assert_eq!(width(&shorten_middle("測試測試測試", 5)), 5);
        assert_eq!(shorten_end("abcdef", 4), "abc…");
        assert_eq!(shorten_end("abcdef", 0), "");
    }

    #[test]
    fn output_of_a_stage_cannot_move_the_cursor() {
        assert_eq!(without_escapes("\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7} x\r"), "red x");
        assert_eq!(
            only_colours("\u{1b}[31mred\u{1b}[2J\u{1b}]0;t\u{7}x"),
            "\u{1b}[31mredx\u{1b}[0m"
        );
        assert_eq!(only_colours("plain\u{1b}"), "plain");
        assert_eq!(one_line("a\nb\tc\u{1b}[2J"), "ab c[2J");
    }
}
