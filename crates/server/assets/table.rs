//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "c3ad2b5b870d11fc";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-DoVzRfty.js", include_bytes!("actions-DoVzRfty.js.gz")),
    ("audit-9aTHADBZ.js", include_bytes!("audit-9aTHADBZ.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-D3SJDB-w.js", include_bytes!("changes-D3SJDB-w.js.gz")),
    ("compare-DT9eIASR.js", include_bytes!("compare-DT9eIASR.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-1fdKgfhd.js", include_bytes!("editor-1fdKgfhd.js.gz")),
    ("feature-kEo_8OZe.js", include_bytes!("feature-kEo_8OZe.js.gz")),
    ("fleet-xO6nG6Xz.js", include_bytes!("fleet-xO6nG6Xz.js.gz")),
    ("form-FsdfIpeQ.js", include_bytes!("form-FsdfIpeQ.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-CQmJQcXL.js", include_bytes!("help-CQmJQcXL.js.gz")),
    ("inbox-C8W18-vH.js", include_bytes!("inbox-C8W18-vH.js.gz")),
    ("index-BZ0xJIc5.js", include_bytes!("index-BZ0xJIc5.js.gz")),
    ("item-BmtExraB.js", include_bytes!("item-BmtExraB.js.gz")),
    ("jsxRuntime-IeVgVeV_.js", include_bytes!("jsxRuntime-IeVgVeV_.js.gz")),
    ("list-C2RCfI21.js", include_bytes!("list-C2RCfI21.js.gz")),
    ("markdown-BPBtWvWH.js", include_bytes!("markdown-BPBtWvWH.js.gz")),
    ("metrics-BTL4W3ju.js", include_bytes!("metrics-BTL4W3ju.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("model-ziG9F2rz.js", include_bytes!("model-ziG9F2rz.js.gz")),
    ("palette-DDbm-WYA.js", include_bytes!("palette-DDbm-WYA.js.gz")),
    ("preview--AI23xjE.js", include_bytes!("preview--AI23xjE.js.gz")),
    ("release-CKcs4jWD.js", include_bytes!("release-CKcs4jWD.js.gz")),
    ("run-B9KuKQO2.js", include_bytes!("run-B9KuKQO2.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-D6tJHh_r.js", include_bytes!("settings-D6tJHh_r.js.gz")),
    ("status-DcGY84XY.js", include_bytes!("status-DcGY84XY.js.gz")),
    ("style-C0WZBI8W.css", include_bytes!("style-C0WZBI8W.css.gz")),
    ("task-DUDZRHAO.js", include_bytes!("task-DUDZRHAO.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-Urr6rpnQ.js", include_bytes!("templates-Urr6rpnQ.js.gz")),
    ("versions-Dl9c8MlO.js", include_bytes!("versions-Dl9c8MlO.js.gz")),
];
