//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "1e24de820db7235e";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-BMQoJsyd.js", include_bytes!("actions-BMQoJsyd.js.gz")),
    ("audit-CvE4ePTu.js", include_bytes!("audit-CvE4ePTu.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-D8fCJHiH.js", include_bytes!("changes-D8fCJHiH.js.gz")),
    ("compare-pZmzda6d.js", include_bytes!("compare-pZmzda6d.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-BlX4YXhI.js", include_bytes!("editor-BlX4YXhI.js.gz")),
    ("feature-CbsO8u3d.js", include_bytes!("feature-CbsO8u3d.js.gz")),
    ("first-BKGWCMoE.js", include_bytes!("first-BKGWCMoE.js.gz")),
    ("fleet-smo3inur.js", include_bytes!("fleet-smo3inur.js.gz")),
    ("form-Lq5pyaJL.js", include_bytes!("form-Lq5pyaJL.js.gz")),
    ("generic-C2L2blkm.js", include_bytes!("generic-C2L2blkm.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-Dnj6g9hQ.js", include_bytes!("help-Dnj6g9hQ.js.gz")),
    ("inbox-CV5JwG48.js", include_bytes!("inbox-CV5JwG48.js.gz")),
    ("index-D28JfLsl.js", include_bytes!("index-D28JfLsl.js.gz")),
    ("item-BLa1bPm5.js", include_bytes!("item-BLa1bPm5.js.gz")),
    ("jsxRuntime-WcSyBuMg.js", include_bytes!("jsxRuntime-WcSyBuMg.js.gz")),
    ("list-mU45qxo4.js", include_bytes!("list-mU45qxo4.js.gz")),
    ("markdown-DWi5vcoG.js", include_bytes!("markdown-DWi5vcoG.js.gz")),
    ("metrics-COo4QzEV.js", include_bytes!("metrics-COo4QzEV.js.gz")),
    ("model-CITRZmJS.js", include_bytes!("model-CITRZmJS.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("palette-BDE0f2OR.js", include_bytes!("palette-BDE0f2OR.js.gz")),
    ("preview-HczVjoDg.js", include_bytes!("preview-HczVjoDg.js.gz")),
    ("release-BkVA1_jZ.js", include_bytes!("release-BkVA1_jZ.js.gz")),
    ("run-BhSkb2I2.js", include_bytes!("run-BhSkb2I2.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-D2_MjRtf.js", include_bytes!("settings-D2_MjRtf.js.gz")),
    ("status-CUQD_W-q.js", include_bytes!("status-CUQD_W-q.js.gz")),
    ("style-Cet3oGkT.css", include_bytes!("style-Cet3oGkT.css.gz")),
    ("task-CzpqFgKJ.js", include_bytes!("task-CzpqFgKJ.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-BlgbLUhJ.js", include_bytes!("templates-BlgbLUhJ.js.gz")),
    ("versions-B0_Z9zNy.js", include_bytes!("versions-B0_Z9zNy.js.gz")),
];
