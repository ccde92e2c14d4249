//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "925be8f64f03aced";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-DoVzRfty.js", include_bytes!("actions-DoVzRfty.js.gz")),
    ("audit-CVlyLg9Q.js", include_bytes!("audit-CVlyLg9Q.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-DT_e880a.js", include_bytes!("changes-DT_e880a.js.gz")),
    ("compare-DPsnuZMQ.js", include_bytes!("compare-DPsnuZMQ.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-BcSavois.js", include_bytes!("editor-BcSavois.js.gz")),
    ("feature-CbsO8u3d.js", include_bytes!("feature-CbsO8u3d.js.gz")),
    ("fleet--G1t2Xdh.js", include_bytes!("fleet--G1t2Xdh.js.gz")),
    ("form-6Ge8gvgB.js", include_bytes!("form-6Ge8gvgB.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-ByArGJK7.js", include_bytes!("help-ByArGJK7.js.gz")),
    ("inbox-_IJ8Quwk.js", include_bytes!("inbox-_IJ8Quwk.js.gz")),
    ("index-BODHe8U7.js", include_bytes!("index-BODHe8U7.js.gz")),
    ("item-C53VMFCF.js", include_bytes!("item-C53VMFCF.js.gz")),
    ("jsxRuntime-IeVgVeV_.js", include_bytes!("jsxRuntime-IeVgVeV_.js.gz")),
    ("list-BOU6crg4.js", include_bytes!("list-BOU6crg4.js.gz")),
    ("markdown-BPBtWvWH.js", include_bytes!("markdown-BPBtWvWH.js.gz")),
    ("metrics-CqI_JFtB.js", include_bytes!("metrics-CqI_JFtB.js.gz")),
    ("model-BS9h39xq.js", include_bytes!("model-BS9h39xq.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("palette-C2eFKqFk.js", include_bytes!("palette-C2eFKqFk.js.gz")),
    ("preview-D6PUHST4.js", include_bytes!("preview-D6PUHST4.js.gz")),
    ("release-BkVA1_jZ.js", include_bytes!("release-BkVA1_jZ.js.gz")),
    ("run-DlmJRTLG.js", include_bytes!("run-DlmJRTLG.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-C0T4xUUH.js", include_bytes!("settings-C0T4xUUH.js.gz")),
    ("status-DcGY84XY.js", include_bytes!("status-DcGY84XY.js.gz")),
    ("style-C0WZBI8W.css", include_bytes!("style-C0WZBI8W.css.gz")),
    ("task-CefCPF1O.js", include_bytes!("task-CefCPF1O.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-DnnJuLXH.js", include_bytes!("templates-DnnJuLXH.js.gz")),
    ("versions-Dq07u5MR.js", include_bytes!("versions-Dq07u5MR.js.gz")),
];
