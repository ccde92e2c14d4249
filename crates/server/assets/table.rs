//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "d2be9653e7e37f23";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-XQ75t5Bx.js", include_bytes!("actions-XQ75t5Bx.js.gz")),
    ("audit-BoRpNKDL.js", include_bytes!("audit-BoRpNKDL.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-Q4Ct82S_.js", include_bytes!("changes-Q4Ct82S_.js.gz")),
    ("compare-C5rssY_V.js", include_bytes!("compare-C5rssY_V.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-b64FHIM4.js", include_bytes!("editor-b64FHIM4.js.gz")),
    ("feature-CbsO8u3d.js", include_bytes!("feature-CbsO8u3d.js.gz")),
    ("fleet-CgThKEFl.js", include_bytes!("fleet-CgThKEFl.js.gz")),
    ("form-CG4g1M9u.js", include_bytes!("form-CG4g1M9u.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-BNLuJ5nJ.js", include_bytes!("help-BNLuJ5nJ.js.gz")),
    ("inbox-CZvD9xyN.js", include_bytes!("inbox-CZvD9xyN.js.gz")),
    ("index-bQfHaI27.js", include_bytes!("index-bQfHaI27.js.gz")),
    ("item-CFxy2pGF.js", include_bytes!("item-CFxy2pGF.js.gz")),
    ("jsxRuntime-WcSyBuMg.js", include_bytes!("jsxRuntime-WcSyBuMg.js.gz")),
    ("list-DzL4thO1.js", include_bytes!("list-DzL4thO1.js.gz")),
    ("markdown-DWi5vcoG.js", include_bytes!("markdown-DWi5vcoG.js.gz")),
    ("metrics-ButmV8LM.js", include_bytes!("metrics-ButmV8LM.js.gz")),
    ("model-B4ze5Nvm.js", include_bytes!("model-B4ze5Nvm.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("palette-CEZg5vFY.js", include_bytes!("palette-CEZg5vFY.js.gz")),
    ("preview-DMZyclAx.js", include_bytes!("preview-DMZyclAx.js.gz")),
    ("release-BkVA1_jZ.js", include_bytes!("release-BkVA1_jZ.js.gz")),
    ("run-UtcOxK8d.js", include_bytes!("run-UtcOxK8d.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-DnuRlfRp.js", include_bytes!("settings-DnuRlfRp.js.gz")),
    ("status-CRK7cKzm.js", include_bytes!("status-CRK7cKzm.js.gz")),
    ("style-C0WZBI8W.css", include_bytes!("style-C0WZBI8W.css.gz")),
    ("task-DJyBQc23.js", include_bytes!("task-DJyBQc23.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-CxSBCtm5.js", include_bytes!("templates-CxSBCtm5.js.gz")),
    ("versions-Bn3KcQQw.js", include_bytes!("versions-Bn3KcQQw.js.gz")),
];
