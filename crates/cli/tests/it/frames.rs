//! Live progress and the last words, with a clock and a width of our own.

use cli::live::board::Board;
use cli::live::frame::{self, Keys, Screen};
use cli::live::{ending, plain};
use cli::terminal::Palette;

use crate::sample;

const USUAL: Keys =
    Keys::Usual { decide: false, changes: false, fill: false, advance: false, page: false };

fn screen(columns: usize, rows: usize) -> Screen {
    Screen { columns, rows, palette: Palette::PLAIN }
}

fn board() -> (Board, Vec<cli::live::board::Note>) {
    let mut board = Board::new(&sample::fresh());
    let notes = board.take(&sample::story());
    board.take(&sample::output("implement[2]", "\u{1b}[32m   Compiling\u{1b}[0m core v0.1.0\r"));
    (board, notes)
}

#[test]
fn finished_lines_go_to_the_scrollback() {
    let (board, notes) = board();
    let lines: Vec<String> =
        notes.iter().map(|note| frame::note(note, board.name_width(), screen(100, 30))).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_goes_on_is_pinned() {
    let (board, _) = board();
    let wide = frame::pinned(&board, sample::at(24.4), USUAL, screen(100, 30));
    let narrow = frame::pinned(&board, sample::at(24.4), Keys::Asking, screen(48, 10));
    insta::assert_snapshot!(format!("{}\n\n{}", wide.join("\n"), narrow.join("\n")));
}

#[test]
fn pinned_lines_never_wrap_and_never_fill_the_screen() {
    let (board, _) = board();
    for columns in [20, 33, 80, 200] {
        for rows in [1, 7, 10, 50] {
            let lines = frame::pinned(&board, sample::at(24.4), USUAL, screen(columns, rows));
            assert!(lines.len() <= 8.min(rows.saturating_sub(6).max(3)), "{rows}: {lines:#?}");
            let widest = lines.iter().map(|line| cli::words::width(line)).max();
            assert!(widest.unwrap() < columns, "{columns}: {lines:#?}");
        }
    }
}

#[test]
fn a_redraw_replaces_what_was_pinned() {
    let lines = |text: &[&str]| text.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        frame::redraw(2, &lines(&["done"]), &lines(&["rule", "running"])),
        "\r\u{1b}[2A\u{1b}[Jdone\r\nrule\r\nrunning\r\n"
    );
    assert_eq!(frame::redraw(0, &[], &lines(&["a"])), "\u{1b}[Ja\r\n");
}

#[test]
fn without_a_terminal_lines_are_only_appended() {
    let (board, notes) = board();
    let mut text: String = notes.iter().map(|note| plain::note(note, Palette::PLAIN)).collect();
    text += &plain::heartbeat(&board, sample::at(54.0), Palette::PLAIN);
    assert!(!text.contains(['\r', '\u{1b}']));
    insta::assert_snapshot!(text);
}

#[test]
fn a_failed_run_ends_with_its_cause_first() {
    let detail = sample::failed();
    let text = format!(
        "{}\n{}",
        ending::summary(&detail, screen(100, 30)),
        ending::block(&detail, Palette::PLAIN)
    );
    insta::assert_snapshot!(text);
    assert_eq!(ending::exit(&detail).code(), 10);
}

#[test]
fn a_cancelled_run_says_by_whom_and_a_succeeded_one_says_nothing_more() {
    let mut detail = sample::failed();
    detail.summary.status = "succeeded".into();
    assert_eq!(ending::block(&detail, Palette::PLAIN), "");
    let mut detail = sample::fresh();
    detail.summary.status = "cancelled".into();
    detail.summary.reason = "cancelled by lee: wrong branch".into();
    assert_eq!(
        ending::block(&detail, Palette::PLAIN),
        "cancelled by lee: wrong branch\nretry: orchestrate runs retry feature-complete#41\n"
    );
}

#[test]
fn a_rewound_board_tells_the_whole_story_again() {
    let (board, told) = board();
    let mut again = board.rewound();
    assert_eq!(again.sequence, 0);
    assert_eq!(again.take(&sample::story()).len(), told.len());
}

#[test]
fn a_run_has_ended_when_its_last_event_was_told_and_its_status_says_so() {
    let mut board = Board::new(&sample::fresh());
    let end = serde_json::json!({"status": "succeeded", "reason": ""});
    // A message may carry a summary that is older than its events.
    board.take(&sample::events(3, "running", &[(1.0, "run.finished", end.clone())]));
    assert!(!board.finished());
    board.finish(sample::summary("succeeded"));
    assert!(board.finished());
    // One that is newer than its events does not end the story early.
    let mut board = Board::new(&sample::fresh());
    board.take(&sample::events(3, "succeeded", &[(0.0, "run.started", serde_json::json!({}))]));
    assert!(!board.finished());
    board.take(&sample::events(4, "succeeded", &[(1.0, "run.finished", end)]));
    assert!(board.finished());
}

#[test]
fn an_event_that_was_seen_is_not_told_twice() {
    let (mut board, told) = board();
    assert!(!told.is_empty());
    assert!(board.take(&sample::story()).is_empty());
}

#[test]
fn colours_never_change_the_words() {
    let (board, notes) = board();
    let coloured = Screen { palette: Palette { on: true }, ..screen(100, 30) };
    for note in &notes {
        let line = frame::note(note, board.name_width(), coloured);
        assert!(line.contains('\u{1b}'));
        assert_eq!(
            cli::words::without_escapes(&line),
            frame::note(note, board.name_width(), screen(100, 30))
        );
    }
}
