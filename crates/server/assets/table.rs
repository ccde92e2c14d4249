//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "0db50f14b583b422";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("actions-DoVzRfty.js", include_bytes!("actions-DoVzRfty.js.gz")),
    ("audit-BCoXYisp.js", include_bytes!("audit-BCoXYisp.js.gz")),
    ("cascade-DmB0ipOa.js", include_bytes!("cascade-DmB0ipOa.js.gz")),
    ("cd-DXICQRrs.js", include_bytes!("cd-DXICQRrs.js.gz")),
    ("changes-BhS3iOEj.js", include_bytes!("changes-BhS3iOEj.js.gz")),
    ("compare-B9FVSmEr.js", include_bytes!("compare-B9FVSmEr.js.gz")),
    ("council-review-CDGb2r2k.js", include_bytes!("council-review-CDGb2r2k.js.gz")),
    ("editor-JiN7kPIE.js", include_bytes!("editor-JiN7kPIE.js.gz")),
    ("feature-kEo_8OZe.js", include_bytes!("feature-kEo_8OZe.js.gz")),
    ("fleet-DTOGqmux.js", include_bytes!("fleet-DTOGqmux.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("help-B5yxrfIE.js", include_bytes!("help-B5yxrfIE.js.gz")),
    ("inbox-DGVsrCjL.js", include_bytes!("inbox-DGVsrCjL.js.gz")),
    ("index-CnQ2qDgn.js", include_bytes!("index-CnQ2qDgn.js.gz")),
    ("item-JUyOczbr.js", include_bytes!("item-JUyOczbr.js.gz")),
    ("jsxRuntime-IeVgVeV_.js", include_bytes!("jsxRuntime-IeVgVeV_.js.gz")),
    ("list-Bb9MgLak.js", include_bytes!("list-Bb9MgLak.js.gz")),
    ("markdown-BPBtWvWH.js", include_bytes!("markdown-BPBtWvWH.js.gz")),
    ("metrics-vuMoVpB4.js", include_bytes!("metrics-vuMoVpB4.js.gz")),
    ("model-D-YDeqkr.js", include_bytes!("model-D-YDeqkr.js.gz")),
    ("model-DXyzYrzE.js", include_bytes!("model-DXyzYrzE.js.gz")),
    ("palette-wwUkbLBW.js", include_bytes!("palette-wwUkbLBW.js.gz")),
    ("preview-BsM8xegz.js", include_bytes!("preview-BsM8xegz.js.gz")),
    ("release-CKcs4jWD.js", include_bytes!("release-CKcs4jWD.js.gz")),
    ("run-Dnz9iy6k.js", include_bytes!("run-Dnz9iy6k.js.gz")),
    ("security-BfQms3FT.js", include_bytes!("security-BfQms3FT.js.gz")),
    ("settings-BFz2a-xk.js", include_bytes!("settings-BFz2a-xk.js.gz")),
    ("status-DcGY84XY.js", include_bytes!("status-DcGY84XY.js.gz")),
    ("style-C7qYYA36.css", include_bytes!("style-C7qYYA36.css.gz")),
    ("task-BS_HSC3v.js", include_bytes!("task-BS_HSC3v.js.gz")),
    ("taskdaemon-CzJZr-7e.js", include_bytes!("taskdaemon-CzJZr-7e.js.gz")),
    ("templates-D6l6EnJZ.js", include_bytes!("templates-D6l6EnJZ.js.gz")),
    ("versions-D245CW4g.js", include_bytes!("versions-D245CW4g.js.gz")),
];
