//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "761175363373d505";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-Dj7HBX4k.js", include_bytes!("actions-Dj7HBX4k.js.gz")),
    ("audit-Dn4xsU1L.js", include_bytes!("audit-Dn4xsU1L.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-BkvLzW1H.js", include_bytes!("changes-BkvLzW1H.js.gz")),
    ("compare-BE-mKNT2.js", include_bytes!("compare-BE-mKNT2.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-D95go-kY.js", include_bytes!("editor-D95go-kY.js.gz")),
    ("feature-CbsO8u3d.js", include_bytes!("feature-CbsO8u3d.js.gz")),
    ("first-BKGWCMoE.js", include_bytes!("first-BKGWCMoE.js.gz")),
    ("fleet-DxYkiV5H.js", include_bytes!("fleet-DxYkiV5H.js.gz")),
    ("form-DsxTA5z2.js", include_bytes!("form-DsxTA5z2.js.gz")),
    ("generic-C2L2blkm.js", include_bytes!("generic-C2L2blkm.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-B_Y9oquj.js", include_bytes!("help-B_Y9oquj.js.gz")),
    ("inbox-CNYJBm2I.js", include_bytes!("inbox-CNYJBm2I.js.gz")),
    ("index-BXC50-S_.js", include_bytes!("index-BXC50-S_.js.gz")),
    ("item-CPlVozAE.js", include_bytes!("item-CPlVozAE.js.gz")),
    ("jsxRuntime-WcSyBuMg.js", include_bytes!("jsxRuntime-WcSyBuMg.js.gz")),
    ("list-CBYzNyeB.js", include_bytes!("list-CBYzNyeB.js.gz")),
    ("markdown-DWi5vcoG.js", include_bytes!("markdown-DWi5vcoG.js.gz")),
    ("metrics-D05cpBLB.js", include_bytes!("metrics-D05cpBLB.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("model-DMXgHNC0.js", include_bytes!("model-DMXgHNC0.js.gz")),
    ("palette-BwXHZ7fe.js", include_bytes!("palette-BwXHZ7fe.js.gz")),
    ("parts-DlbLnv-L.js", include_bytes!("parts-DlbLnv-L.js.gz")),
    ("preview-CtNR5dEw.js", include_bytes!("preview-CtNR5dEw.js.gz")),
    ("release-BkVA1_jZ.js", include_bytes!("release-BkVA1_jZ.js.gz")),
    ("run-DnKn6w9_.js", include_bytes!("run-DnKn6w9_.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-CBSaCcHu.js", include_bytes!("settings-CBSaCcHu.js.gz")),
    ("status-CMNqJgNF.js", include_bytes!("status-CMNqJgNF.js.gz")),
    ("style-ChifMCPr.css", include_bytes!("style-ChifMCPr.css.gz")),
    ("task-DXH-REHk.js", include_bytes!("task-DXH-REHk.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-BvcfP2CS.js", include_bytes!("templates-BvcfP2CS.js.gz")),
    ("use-BWnCPrOd.js", include_bytes!("use-BWnCPrOd.js.gz")),
    ("versions-wPvVbxfc.js", include_bytes!("versions-wPvVbxfc.js.gz")),
];
