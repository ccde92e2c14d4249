//! Tables without borders: two spaces between columns, headings in capitals, numbers of columns
//! chosen by `--columns`, long names shortened in the middle when the terminal is narrow.

use crate::error::{Failure, Result};
use crate::terminal::Palette;
use crate::words;

/// What `--columns` and `--no-header` ask for.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Headings in the wanted order, in any case, spaces or dashes; empty: all.
    pub columns: Vec<String>,
    pub no_header: bool,
    /// Cells of the terminal; `None`: as wide as the text.
    pub width: Option<usize>,
    /// Spaces before each row.
    pub indent: usize,
}

/// Rows of equal length under their headings.
#[derive(Clone, Debug)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    /// A status word that gives the colour.
    status: Option<String>,
}

impl Cell {
    /// A status word in its colour.
    pub fn status(word: &str) -> Self {
        Self { text: words::title(word), status: Some(word.to_owned()) }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: words::one_line(&text.into()), status: None }
    }
}

impl Table {
    pub fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.headings.len());
        self.rows.push(cells);
    }

    /// Each row ends with a line break. An unknown column is a usage error that lists the known.
    pub fn text(&self, choice: &Choice, palette: Palette) -> Result<String> {
        let columns = self.columns(&choice.columns)?;
        let header = (!choice.no_header).then_some(());
        let mut widths: Vec<usize> = columns
            .iter()
            .map(|&column| {
                let head = header.map_or(0, |()| words::width(self.headings[column]));
                let cells = self.rows.iter().map(|row| words::width(&row[column].text));
                cells.chain([head]).max().unwrap_or(0)
            })
            .collect();
        if let Some(available) = choice.width {
            fit(&mut widths, available.saturating_sub(choice.indent));
        }
        let mut out = String::new();
        if header.is_some() {
            let line = columns.iter().map(|&column| {
                let heading = self.headings[column].to_owned();
                Cell { text: heading, status: None }
            });
            let plain = render(line, &widths, choice.indent, Palette::PLAIN);
            out.push_str(&palette.dim(plain.trim_end_matches('\n')));
            out.push('\n');
        }
        for row in &self.rows {
            let line = columns.iter().map(|&column| row[column].clone());
            out.push_str(&render(line, &widths, choice.indent, palette));
        }
        Ok(out)
    }

    fn columns(&self, wanted: &[String]) -> Result<Vec<usize>> {
        if wanted.is_empty() {
            return Ok((0..self.headings.len()).collect());
        }
        let plain = |text: &str| text.trim().to_ascii_lowercase().replace(['-', '_'], " ");
        wanted
            .iter()
            .map(|name| {
                let found = self.headings.iter().position(|head| plain(head) == plain(name));
                found.ok_or_else(|| {
                    let known: Vec<String> = self
                        .headings
                        .iter()
                        .map(|head| head.to_ascii_lowercase().replace(' ', "-"))
                        .collect();
                    Failure::usage(format!("there is no column `{name}`"))
                        .hint(format!("columns: {}", known.join(",")))
                })
            })
            .collect()
    }
}

const GAP: usize = 2;
const NARROWEST: usize = 8;

/// Takes cells from the widest column until the row fits or nothing may be narrower.
fn fit(widths: &mut [usize], available: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > available {
        let Some(widest) = widths.iter_mut().max() else { return };
        if *widest <= NARROWEST {
            return;
        }
        *widest -= 1;
    }
}

fn render(
    cells: impl Iterator<Item = Cell>,
    widths: &[usize],
    indent: usize,
    palette: Palette,
) -> String {
    let mut line = " ".repeat(indent);
    for (place, (cell, &width)) in cells.zip(widths).enumerate() {
        let last = place + 1 == widths.len();
        let text = if last {
            words::shorten_end(&cell.text, width)
        } else {
            words::shorten_middle(&cell.text, width)
        };
        let fill = if last { 0 } else { width + GAP - words::width(&text) };
        match &cell.status {
            Some(word) => line.push_str(&palette.status(word, &text)),
            None => line.push_str(&text),
        }
        line.push_str(&" ".repeat(fill));
    }
    let line = line.trim_end();
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&["NAME", "LAST RUN", "RESULT"]);
        table.row(vec!["feature-complete".into(), "#42".into(), Cell::status("waiting")]);
        table.row(vec!["nightly".into(), "#311".into(), Cell::status("failed")]);
        table
    }

    #[test]
    fn columns_line_up_and_no_line_ends_in_space() {
        let text = sample().text(&Choice::default(), Palette::PLAIN).unwrap();
        let expected = "\
NAME              LAST RUN  RESULT
feature-complete  #42       Waiting
nightly           #311      Failed
";
        assert_eq!(text, expected);
    }

    #[test]
    fn columns_are_chosen_and_unknown_ones_refused() {
        let choice = Choice {
            columns: vec!["result".into(), "last-run".into()],
            no_header: true,
            ..Choice::default()
        };
        assert_eq!(
            sample().text(&choice, Palette::PLAIN).unwrap(),
            "Waiting  #42\nFailed   #311\n"
        );
        let wrong = Choice { columns: vec!["colour".into()], ..Choice::default() };
        let failure = sample().text(&wrong, Palette::PLAIN).unwrap_err();
        assert_eq!(failure.hints, ["columns: name,last-run,result"]);
    }

    #[test]
    fn a_narrow_terminal_shortens_the_widest_column() {
        let choice = Choice { width: Some(30), ..Choice::default() };
        let text = sample().text(&choice, Palette::PLAIN).unwrap();
        assert!(text.lines().all(|line| words::width(line) <= 30), "{text}");
        assert!(text.contains("featu…plete"), "{text}");
    }
}
