use std::fs;

use super::*;

fn said(reference: &str, text: &str) -> Given {
    let (reference, source) = (reference.to_owned(), "stage plan of x#1".to_owned());
    Given { reference, source, age: 0, text: GivenText::Said(text.to_owned()) }
}

struct Place {
    folder: tempfile::TempDir,
    blobs: Blobs,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let blobs = Blobs::of(&folder.path().join("data"));
        Self { folder, blobs }
    }

    fn stored(&self, reference: &str, age: u64, text: &str) -> Given {
        let stored = self.blobs.put(text.as_bytes(), u64::MAX).unwrap();
        let text = GivenText::Stored {
            digest: stored.digest,
            bytes: text.len() as u64,
            format: "md".into(),
        };
        Given { reference: reference.into(), source: "a stage".into(), age, text }
    }

    fn gather(&self, given: &[Given]) -> Result<Context, String> {
        let work = self.folder.path().join("work");
        gather(given, &self.blobs, &Places::new(&work, &work.join("not-there-yet")))
    }

    fn put(&self, path: &str, text: &str) {
        fs::write(self.folder.path().join("work").join(path), text).unwrap();
    }
}

/// Lines that together are about so many tokens.
fn text(tokens: u64) -> String {
    let mut text = String::new();
    while text.len() < bytes(tokens) {
        text += &format!("line {} of a long text\n", text.len());
    }
    text
}

#[test]
fn what_fits_is_given_as_it_is_with_its_digest_and_size() {
    let place = Place::new();
    place.put("a.md", "from a file");
    let mut file = said("@file:a.md", "");
    file.text = GivenText::File("a.md".into());
    let given = [said("@plan.goal", "größer"), place.stored("@plan/plan.md", 0, "# Plan"), file];
    let context = place.gather(&given).unwrap();
    let texts: Vec<_> = context.blocks.iter().map(|block| (&*block.text, block.bytes)).collect();
    assert_eq!(texts, [("größer", 8), ("# Plan", 6), ("from a file", 11)]);
    assert!(context.whole.is_empty() && context.blocks.iter().all(|block| !block.cut));
    let sha = hex(&Sha256::digest("# Plan"));
    assert_eq!(context.blocks[1].sha256, sha);
    assert_eq!(context.sizes.blocks, [3, 2, 4]);
}

#[test]
fn one_that_is_too_large_keeps_its_beginning_and_its_end_and_lies_there_whole() {
    let place = Place::new();
    let long = format!("{}the last line\n", text(30_000));
    let context = place.gather(&[said("@plan", &long), place.stored("@x/a.md", 0, &long)]).unwrap();
    for (block, path) in context.blocks.iter().zip(["plan", "x/a.md"]) {
        assert!(block.cut && tokens(block.text.len()) <= EACH, "{}", block.text.len());
        assert!(block.text.starts_with("line 0 of") && block.text.ends_with("the last line\n"));
        let place = format!("the whole is in `.orchestrate/context/{path}`");
        assert!(block.text.contains(&place));
        assert_eq!(block.bytes as usize, long.len());
        // Cut at the end of a line.
        assert!(block.text.contains("text\n\n[...") || block.text.contains("text\n\n\n[..."));
    }
    let laid: Vec<_> = context.whole.iter().map(|lay| lay.path.as_str()).collect();
    assert_eq!(laid, ["plan", "x/a.md"]);
    for lay in &context.whole {
        assert_eq!(place.blobs.verify(&lay.digest).unwrap(), long.len() as u64);
    }
}

#[test]
fn the_oldest_is_cut_first_then_the_largest_artifact_and_never_what_was_said() {
    let place = Place::new();
    let of = |tokens: u64| text(tokens);
    let given = [
        said("@input.goal", &of(11_000)),
        place.stored("@v1/plan/a", 2, &of(11_000)),
        place.stored("@prev/plan/a", 1, &of(11_000)),
        place.stored("@plan/a", 0, &of(11_500)),
        place.stored("@plan/b", 0, &of(10_000)),
        place.stored("@plan/c", 0, &of(11_000)),
    ];
    // Five and a half thousand too much: the oldest is enough.
    let context = place.gather(&given).unwrap();
    let cut: Vec<bool> = context.blocks.iter().map(|block| block.cut).collect();
    assert_eq!(cut, [false, true, false, false, false, false]);
    assert!(context.sizes.tokens <= ALL, "{:?}", context.sizes);
    let more = [&given[..], &[said("@plan", &of(11_900)), said("@b", &of(11_900))]].concat();
    let context = place.gather(&more).unwrap();
    let cut: Vec<bool> = context.blocks.iter().map(|block| block.cut).collect();
    assert_eq!(cut, [false, true, true, true, false, false, false, false]);
    assert!(context.sizes.tokens <= ALL, "{:?}", context.sizes);
}

#[test]
fn when_nothing_more_may_be_cut_all_sizes_are_said() {
    let place = Place::new();
    let given: Vec<Given> = (0..6).map(|n| said(&format!("@s{n}"), &text(11_000))).collect();
    let problem = place.gather(&given).unwrap_err();
    assert!(
        problem.contains("there is room for 60000") && problem.contains("@s5 110"),
        "{problem}"
    );
}

#[test]
fn what_is_no_text_and_what_is_not_there() {
    let place = Place::new();
    let stored = place.blobs.put(&b"\x89PNG\xff\0"[..], u64::MAX).unwrap();
    let text = GivenText::Stored { digest: stored.digest, bytes: 6, format: "png".into() };
    let image = Given { reference: "@p/a.png".into(), source: String::new(), age: 0, text };
    let context = place.gather(&[image]).unwrap();
    assert_eq!(context.blocks[0].text, "(no text: 6 bytes)");
    assert_eq!(context.whole[0].path, "p/a.png");
    std::os::unix::fs::symlink("/etc/passwd", place.folder.path().join("work/link")).unwrap();
    for (path, problem) in
        [("missing.md", "there is no such file"), ("link", "cannot be read"), (".", "is no file")]
    {
        let mut file = said("@file:x", "");
        file.text = GivenText::File(path.into());
        let found = place.gather(&[file]).unwrap_err();
        assert!(found.contains(problem), "{path}: {found}");
    }
}
