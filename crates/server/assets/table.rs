//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "e57fa0bb85cdf6f5";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-XQ75t5Bx.js", include_bytes!("actions-XQ75t5Bx.js.gz")),
    ("audit-DjjPbj3Q.js", include_bytes!("audit-DjjPbj3Q.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-Biae9WiL.js", include_bytes!("changes-Biae9WiL.js.gz")),
    ("compare-CgfWtdoW.js", include_bytes!("compare-CgfWtdoW.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-DHSY4bol.js", include_bytes!("editor-DHSY4bol.js.gz")),
    ("feature-CbsO8u3d.js", include_bytes!("feature-CbsO8u3d.js.gz")),
    ("fleet-GWGXjWRG.js", include_bytes!("fleet-GWGXjWRG.js.gz")),
    ("form-CQav50N3.js", include_bytes!("form-CQav50N3.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-G0fDl5ch.js", include_bytes!("help-G0fDl5ch.js.gz")),
    ("inbox-CS0Zb132.js", include_bytes!("inbox-CS0Zb132.js.gz")),
    ("index-CyqdOpoz.js", include_bytes!("index-CyqdOpoz.js.gz")),
    ("item-Itim41K8.js", include_bytes!("item-Itim41K8.js.gz")),
    ("jsxRuntime-WcSyBuMg.js", include_bytes!("jsxRuntime-WcSyBuMg.js.gz")),
    ("list-C5DZynkl.js", include_bytes!("list-C5DZynkl.js.gz")),
    ("markdown-DWi5vcoG.js", include_bytes!("markdown-DWi5vcoG.js.gz")),
    ("metrics-B4t_h20f.js", include_bytes!("metrics-B4t_h20f.js.gz")),
    ("model-B1f87p56.js", include_bytes!("model-B1f87p56.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("palette-CDKti5OD.js", include_bytes!("palette-CDKti5OD.js.gz")),
    ("preview-BkMjTVuG.js", include_bytes!("preview-BkMjTVuG.js.gz")),
    ("release-BkVA1_jZ.js", include_bytes!("release-BkVA1_jZ.js.gz")),
    ("run-DzKffQg_.js", include_bytes!("run-DzKffQg_.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-BUHLfC7h.js", include_bytes!("settings-BUHLfC7h.js.gz")),
    ("status-CRK7cKzm.js", include_bytes!("status-CRK7cKzm.js.gz")),
    ("style-eidAoSgC.css", include_bytes!("style-eidAoSgC.css.gz")),
    ("task-D6LyUrfI.js", include_bytes!("task-D6LyUrfI.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-2tmWM7K5.js", include_bytes!("templates-2tmWM7K5.js.gz")),
    ("versions-ByqOTdWO.js", include_bytes!("versions-ByqOTdWO.js.gz")),
];
