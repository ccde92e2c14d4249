//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "c784dd9270843a9b";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-XQ75t5Bx.js", include_bytes!("actions-XQ75t5Bx.js.gz")),
    ("audit-Dzq8YfDk.js", include_bytes!("audit-Dzq8YfDk.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-D2o5Fjjc.js", include_bytes!("changes-D2o5Fjjc.js.gz")),
    ("compare-trF6X6bO.js", include_bytes!("compare-trF6X6bO.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-BLiI5c9C.js", include_bytes!("editor-BLiI5c9C.js.gz")),
    ("feature-CbsO8u3d.js", include_bytes!("feature-CbsO8u3d.js.gz")),
    ("first-BKGWCMoE.js", include_bytes!("first-BKGWCMoE.js.gz")),
    ("fleet-DyZet8Rd.js", include_bytes!("fleet-DyZet8Rd.js.gz")),
    ("form-2DnzEJXD.js", include_bytes!("form-2DnzEJXD.js.gz")),
    ("generic-C2L2blkm.js", include_bytes!("generic-C2L2blkm.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-aogZ-C-Q.js", include_bytes!("help-aogZ-C-Q.js.gz")),
    ("inbox-B8EMlJYx.js", include_bytes!("inbox-B8EMlJYx.js.gz")),
    ("index-jHQFUfTB.js", include_bytes!("index-jHQFUfTB.js.gz")),
    ("item-B-89dTls.js", include_bytes!("item-B-89dTls.js.gz")),
    ("jsxRuntime-WcSyBuMg.js", include_bytes!("jsxRuntime-WcSyBuMg.js.gz")),
    ("list-Cbm9-dlC.js", include_bytes!("list-Cbm9-dlC.js.gz")),
    ("markdown-DWi5vcoG.js", include_bytes!("markdown-DWi5vcoG.js.gz")),
    ("metrics-BKzi0Sva.js", include_bytes!("metrics-BKzi0Sva.js.gz")),
    ("model-BZumB-e8.js", include_bytes!("model-BZumB-e8.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("palette-CXUDvGjr.js", include_bytes!("palette-CXUDvGjr.js.gz")),
    ("preview-dSQ0bK7_.js", include_bytes!("preview-dSQ0bK7_.js.gz")),
    ("release-BkVA1_jZ.js", include_bytes!("release-BkVA1_jZ.js.gz")),
    ("run-BL9yA3FP.js", include_bytes!("run-BL9yA3FP.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-DNVuEZvE.js", include_bytes!("settings-DNVuEZvE.js.gz")),
    ("status-CRK7cKzm.js", include_bytes!("status-CRK7cKzm.js.gz")),
    ("style-Cet3oGkT.css", include_bytes!("style-Cet3oGkT.css.gz")),
    ("task-CpfY3puE.js", include_bytes!("task-CpfY3puE.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-Dbq9Posy.js", include_bytes!("templates-Dbq9Posy.js.gz")),
    ("versions-CptxWWdg.js", include_bytes!("versions-CptxWWdg.js.gz")),
];
