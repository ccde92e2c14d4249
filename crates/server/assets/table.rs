//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "35499c00f1735481";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-XQ75t5Bx.js", include_bytes!("actions-XQ75t5Bx.js.gz")),
    ("audit--E5kA0yF.js", include_bytes!("audit--E5kA0yF.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-DnNkE5Mc.js", include_bytes!("changes-DnNkE5Mc.js.gz")),
    ("compare-kUudrOo0.js", include_bytes!("compare-kUudrOo0.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-DRDBS9Yf.js", include_bytes!("editor-DRDBS9Yf.js.gz")),
    ("feature-CbsO8u3d.js", include_bytes!("feature-CbsO8u3d.js.gz")),
    ("fleet-HLcuitn0.js", include_bytes!("fleet-HLcuitn0.js.gz")),
    ("form-GpYClyTN.js", include_bytes!("form-GpYClyTN.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-B6ftebdd.js", include_bytes!("help-B6ftebdd.js.gz")),
    ("inbox-BJ0mPa0e.js", include_bytes!("inbox-BJ0mPa0e.js.gz")),
    ("index-B380qhUk.js", include_bytes!("index-B380qhUk.js.gz")),
    ("item-D9zaSdj-.js", include_bytes!("item-D9zaSdj-.js.gz")),
    ("jsxRuntime-WcSyBuMg.js", include_bytes!("jsxRuntime-WcSyBuMg.js.gz")),
    ("list-B6uwUMSV.js", include_bytes!("list-B6uwUMSV.js.gz")),
    ("markdown-DWi5vcoG.js", include_bytes!("markdown-DWi5vcoG.js.gz")),
    ("metrics-CJpAaXDC.js", include_bytes!("metrics-CJpAaXDC.js.gz")),
    ("model-BsCNZPZS.js", include_bytes!("model-BsCNZPZS.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("palette-1nCxNL7T.js", include_bytes!("palette-1nCxNL7T.js.gz")),
    ("preview-UqzOJAb1.js", include_bytes!("preview-UqzOJAb1.js.gz")),
    ("release-BkVA1_jZ.js", include_bytes!("release-BkVA1_jZ.js.gz")),
    ("run-DxuPewRr.js", include_bytes!("run-DxuPewRr.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-BvbW5pYw.js", include_bytes!("settings-BvbW5pYw.js.gz")),
    ("status-CRK7cKzm.js", include_bytes!("status-CRK7cKzm.js.gz")),
    ("style-eidAoSgC.css", include_bytes!("style-eidAoSgC.css.gz")),
    ("task-CPQ-xlKV.js", include_bytes!("task-CPQ-xlKV.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-Di9orrPP.js", include_bytes!("templates-Di9orrPP.js.gz")),
    ("versions-CyI3YmUI.js", include_bytes!("versions-CyI3YmUI.js.gz")),
];
