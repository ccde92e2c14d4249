//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "76b437b63532f926";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-DoVzRfty.js", include_bytes!("actions-DoVzRfty.js.gz")),
    ("audit-BUzpP2sf.js", include_bytes!("audit-BUzpP2sf.js.gz")),
    ("cascade-Bo6fZhKW.js", include_bytes!("cascade-Bo6fZhKW.js.gz")),
    ("changes-DeEjJcbR.js", include_bytes!("changes-DeEjJcbR.js.gz")),
    ("compare-B9WmbKqD.js", include_bytes!("compare-B9WmbKqD.js.gz")),
    ("editor-B_Mf1yoB.js", include_bytes!("editor-B_Mf1yoB.js.gz")),
    ("fleet-Ccql5mxd.js", include_bytes!("fleet-Ccql5mxd.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-BClaSkeA.js", include_bytes!("help-BClaSkeA.js.gz")),
    ("inbox-D0bwgeSe.js", include_bytes!("inbox-D0bwgeSe.js.gz")),
    ("index-C09FXW4e.js", include_bytes!("index-C09FXW4e.js.gz")),
    ("item-DPlVHQ6s.js", include_bytes!("item-DPlVHQ6s.js.gz")),
    ("jsxRuntime-IeVgVeV_.js", include_bytes!("jsxRuntime-IeVgVeV_.js.gz")),
    ("list-BPbe1-5s.js", include_bytes!("list-BPbe1-5s.js.gz")),
    ("markdown-BPBtWvWH.js", include_bytes!("markdown-BPBtWvWH.js.gz")),
    ("metrics-CScRuYZi.js", include_bytes!("metrics-CScRuYZi.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("model-DR0x8o7M.js", include_bytes!("model-DR0x8o7M.js.gz")),
    ("palette-cMRazhV6.js", include_bytes!("palette-cMRazhV6.js.gz")),
    ("preview-D62WOHXx.js", include_bytes!("preview-D62WOHXx.js.gz")),
    ("run-BLHOSeyq.js", include_bytes!("run-BLHOSeyq.js.gz")),
    ("settings-DcPC0Nj-.js", include_bytes!("settings-DcPC0Nj-.js.gz")),
    ("status-DcGY84XY.js", include_bytes!("status-DcGY84XY.js.gz")),
    ("style--HZYEKCJ.css", include_bytes!("style--HZYEKCJ.css.gz")),
    ("task-eoqSXMZx.js", include_bytes!("task-eoqSXMZx.js.gz")),
    ("taskdaemon-CR80Y_86.js", include_bytes!("taskdaemon-CR80Y_86.js.gz")),
    ("templates-BG4LB9YY.js", include_bytes!("templates-BG4LB9YY.js.gz")),
];
