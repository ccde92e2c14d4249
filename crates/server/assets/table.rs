//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "1433118b750ded98";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-BMQoJsyd.js", include_bytes!("actions-BMQoJsyd.js.gz")),
    ("audit-BWUh6kg8.js", include_bytes!("audit-BWUh6kg8.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-DH-75lzD.js", include_bytes!("changes-DH-75lzD.js.gz")),
    ("compare-Ch5zZTZC.js", include_bytes!("compare-Ch5zZTZC.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-mCjguEZU.js", include_bytes!("editor-mCjguEZU.js.gz")),
    ("feature-CbsO8u3d.js", include_bytes!("feature-CbsO8u3d.js.gz")),
    ("first-BKGWCMoE.js", include_bytes!("first-BKGWCMoE.js.gz")),
    ("fleet-Do674q5-.js", include_bytes!("fleet-Do674q5-.js.gz")),
    ("form-B_N84lnj.js", include_bytes!("form-B_N84lnj.js.gz")),
    ("generic-C2L2blkm.js", include_bytes!("generic-C2L2blkm.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-CjTkaGrI.js", include_bytes!("help-CjTkaGrI.js.gz")),
    ("inbox-B73EOtkw.js", include_bytes!("inbox-B73EOtkw.js.gz")),
    ("index-DsSXBvNb.js", include_bytes!("index-DsSXBvNb.js.gz")),
    ("item-M1rIDFwr.js", include_bytes!("item-M1rIDFwr.js.gz")),
    ("jsxRuntime-WcSyBuMg.js", include_bytes!("jsxRuntime-WcSyBuMg.js.gz")),
    ("list-CJ2thFAB.js", include_bytes!("list-CJ2thFAB.js.gz")),
    ("markdown-DWi5vcoG.js", include_bytes!("markdown-DWi5vcoG.js.gz")),
    ("metrics-BALZRw1P.js", include_bytes!("metrics-BALZRw1P.js.gz")),
    ("model-CQJ1pcP2.js", include_bytes!("model-CQJ1pcP2.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("palette-CL-nfP7x.js", include_bytes!("palette-CL-nfP7x.js.gz")),
    ("preview-CQA818oy.js", include_bytes!("preview-CQA818oy.js.gz")),
    ("release-BkVA1_jZ.js", include_bytes!("release-BkVA1_jZ.js.gz")),
    ("run-FGgMNGn8.js", include_bytes!("run-FGgMNGn8.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-DBlXsR9C.js", include_bytes!("settings-DBlXsR9C.js.gz")),
    ("status-CUQD_W-q.js", include_bytes!("status-CUQD_W-q.js.gz")),
    ("style-Cet3oGkT.css", include_bytes!("style-Cet3oGkT.css.gz")),
    ("task-CUqa1i3q.js", include_bytes!("task-CUqa1i3q.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-xqQMO121.js", include_bytes!("templates-xqQMO121.js.gz")),
    ("versions-BWh6JeK1.js", include_bytes!("versions-BWh6JeK1.js.gz")),
];
