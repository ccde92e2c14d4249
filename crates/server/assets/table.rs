//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "b15fd5f9d5bf5604";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-DoVzRfty.js", include_bytes!("actions-DoVzRfty.js.gz")),
    ("audit-CE5zKoyB.js", include_bytes!("audit-CE5zKoyB.js.gz")),
    ("cascade-Bo6fZhKW.js", include_bytes!("cascade-Bo6fZhKW.js.gz")),
    ("changes-CN-fenS7.js", include_bytes!("changes-CN-fenS7.js.gz")),
    ("compare-y_UbOxWo.js", include_bytes!("compare-y_UbOxWo.js.gz")),
    ("editor-BPKpqDnG.js", include_bytes!("editor-BPKpqDnG.js.gz")),
    ("fleet-DbRAA9G5.js", include_bytes!("fleet-DbRAA9G5.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-B-lWY0tq.js", include_bytes!("help-B-lWY0tq.js.gz")),
    ("inbox-thpYQvht.js", include_bytes!("inbox-thpYQvht.js.gz")),
    ("index-CMkmgVMZ.js", include_bytes!("index-CMkmgVMZ.js.gz")),
    ("item-wMfy_H0P.js", include_bytes!("item-wMfy_H0P.js.gz")),
    ("jsxRuntime-IeVgVeV_.js", include_bytes!("jsxRuntime-IeVgVeV_.js.gz")),
    ("list-CdG0IP1s.js", include_bytes!("list-CdG0IP1s.js.gz")),
    ("markdown-BPBtWvWH.js", include_bytes!("markdown-BPBtWvWH.js.gz")),
    ("metrics-DSrGyDfg.js", include_bytes!("metrics-DSrGyDfg.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("model-DYWRIoid.js", include_bytes!("model-DYWRIoid.js.gz")),
    ("palette-DpmN7FMp.js", include_bytes!("palette-DpmN7FMp.js.gz")),
    ("preview-DEG4w4xW.js", include_bytes!("preview-DEG4w4xW.js.gz")),
    ("run-By_CtsQz.js", include_bytes!("run-By_CtsQz.js.gz")),
    ("settings-CrJZsLoT.js", include_bytes!("settings-CrJZsLoT.js.gz")),
    ("status-DcGY84XY.js", include_bytes!("status-DcGY84XY.js.gz")),
    ("style-ZBVzPIYK.css", include_bytes!("style-ZBVzPIYK.css.gz")),
    ("task-C6EVqaDi.js", include_bytes!("task-C6EVqaDi.js.gz")),
    ("templates-BhzgcLdP.js", include_bytes!("templates-BhzgcLdP.js.gz")),
];
