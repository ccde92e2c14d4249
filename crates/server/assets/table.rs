//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "e5fe656bb0cb7b0a";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-DoVzRfty.js", include_bytes!("actions-DoVzRfty.js.gz")),
    ("audit-Bp9rz9W9.js", include_bytes!("audit-Bp9rz9W9.js.gz")),
    ("cascade-Bo6fZhKW.js", include_bytes!("cascade-Bo6fZhKW.js.gz")),
    ("changes-BDBq-m7H.js", include_bytes!("changes-BDBq-m7H.js.gz")),
    ("compare-CAt32xQC.js", include_bytes!("compare-CAt32xQC.js.gz")),
    ("editor-B18jvvNr.js", include_bytes!("editor-B18jvvNr.js.gz")),
    ("fleet-BYyBXhSq.js", include_bytes!("fleet-BYyBXhSq.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-D2bDOwjs.js", include_bytes!("help-D2bDOwjs.js.gz")),
    ("inbox-COkXQJPg.js", include_bytes!("inbox-COkXQJPg.js.gz")),
    ("index-DnuZko4K.js", include_bytes!("index-DnuZko4K.js.gz")),
    ("item-BXqdc3XA.js", include_bytes!("item-BXqdc3XA.js.gz")),
    ("jsxRuntime-IeVgVeV_.js", include_bytes!("jsxRuntime-IeVgVeV_.js.gz")),
    ("list-C89o3hnT.js", include_bytes!("list-C89o3hnT.js.gz")),
    ("markdown-BPBtWvWH.js", include_bytes!("markdown-BPBtWvWH.js.gz")),
    ("metrics-qpfpj2jE.js", include_bytes!("metrics-qpfpj2jE.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("model-DYFsY72n.js", include_bytes!("model-DYFsY72n.js.gz")),
    ("palette-_-2XDr9o.js", include_bytes!("palette-_-2XDr9o.js.gz")),
    ("preview-DLdwP82s.js", include_bytes!("preview-DLdwP82s.js.gz")),
    ("run-CorqrrXw.js", include_bytes!("run-CorqrrXw.js.gz")),
    ("settings-leUK1xVH.js", include_bytes!("settings-leUK1xVH.js.gz")),
    ("status-DcGY84XY.js", include_bytes!("status-DcGY84XY.js.gz")),
    ("style-8sjf-S5P.css", include_bytes!("style-8sjf-S5P.css.gz")),
    ("task-BLgvzASF.js", include_bytes!("task-BLgvzASF.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-CJ6PstWv.js", include_bytes!("templates-CJ6PstWv.js.gz")),
    ("versions-2EbgFJ24.js", include_bytes!("versions-2EbgFJ24.js.gz")),
];
