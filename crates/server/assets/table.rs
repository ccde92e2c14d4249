//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "81211c06749dbe68";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-Dj7HBX4k.js", include_bytes!("actions-Dj7HBX4k.js.gz")),
    ("audit-CvT5l4gI.js", include_bytes!("audit-CvT5l4gI.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-DiIUmVsO.js", include_bytes!("changes-DiIUmVsO.js.gz")),
    ("compare-KfiP90uf.js", include_bytes!("compare-KfiP90uf.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-CwgBkfr3.js", include_bytes!("editor-CwgBkfr3.js.gz")),
    ("feature-CbsO8u3d.js", include_bytes!("feature-CbsO8u3d.js.gz")),
    ("first-BKGWCMoE.js", include_bytes!("first-BKGWCMoE.js.gz")),
    ("fleet-DWTGdcy8.js", include_bytes!("fleet-DWTGdcy8.js.gz")),
    ("form-BbCevO-N.js", include_bytes!("form-BbCevO-N.js.gz")),
    ("generic-C2L2blkm.js", include_bytes!("generic-C2L2blkm.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-CAXPcG0y.js", include_bytes!("help-CAXPcG0y.js.gz")),
    ("inbox-jlYRoHDu.js", include_bytes!("inbox-jlYRoHDu.js.gz")),
    ("index-BWJoFasw.js", include_bytes!("index-BWJoFasw.js.gz")),
    ("item-ojr-CuKn.js", include_bytes!("item-ojr-CuKn.js.gz")),
    ("jsxRuntime-WcSyBuMg.js", include_bytes!("jsxRuntime-WcSyBuMg.js.gz")),
    ("list-VyLEEYmg.js", include_bytes!("list-VyLEEYmg.js.gz")),
    ("markdown-DWi5vcoG.js", include_bytes!("markdown-DWi5vcoG.js.gz")),
    ("metrics-x0V7AX4C.js", include_bytes!("metrics-x0V7AX4C.js.gz")),
    ("model-CN4v_DCM.js", include_bytes!("model-CN4v_DCM.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("palette-a5-wbKfM.js", include_bytes!("palette-a5-wbKfM.js.gz")),
    ("parts-DlbLnv-L.js", include_bytes!("parts-DlbLnv-L.js.gz")),
    ("preview-DOxlLIZ9.js", include_bytes!("preview-DOxlLIZ9.js.gz")),
    ("release-BkVA1_jZ.js", include_bytes!("release-BkVA1_jZ.js.gz")),
    ("run-C5Vlah2H.js", include_bytes!("run-C5Vlah2H.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-BVbcQ8SP.js", include_bytes!("settings-BVbcQ8SP.js.gz")),
    ("status-CMNqJgNF.js", include_bytes!("status-CMNqJgNF.js.gz")),
    ("style-D2rE4w1Q.css", include_bytes!("style-D2rE4w1Q.css.gz")),
    ("task-nKzz4O9C.js", include_bytes!("task-nKzz4O9C.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-Da8Hqp41.js", include_bytes!("templates-Da8Hqp41.js.gz")),
    ("use-BWnCPrOd.js", include_bytes!("use-BWnCPrOd.js.gz")),
    ("versions-CkNnZoYj.js", include_bytes!("versions-CkNnZoYj.js.gz")),
    ("worker-C4l2Jvm3.js", include_bytes!("worker-C4l2Jvm3.js.gz")),
    ("workers-C4NNTt7_.js", include_bytes!("workers-C4NNTt7_.js.gz")),
];
