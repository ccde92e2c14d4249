//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "3409080aa21a30f7";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("audit-gPCdnIGG.js", include_bytes!("audit-gPCdnIGG.js.gz")),
    ("cascade-Bo6fZhKW.js", include_bytes!("cascade-Bo6fZhKW.js.gz")),
    ("compare-CWSMBbgc.js", include_bytes!("compare-CWSMBbgc.js.gz")),
    ("editor-BA0_gNzX.js", include_bytes!("editor-BA0_gNzX.js.gz")),
    ("fleet-BmYxXtdD.js", include_bytes!("fleet-BmYxXtdD.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("inbox-Buhf_xic.js", include_bytes!("inbox-Buhf_xic.js.gz")),
    ("index-C2ClEyY2.js", include_bytes!("index-C2ClEyY2.js.gz")),
    ("item-D_OPu9jW.js", include_bytes!("item-D_OPu9jW.js.gz")),
    ("list-BFI5meMK.js", include_bytes!("list-BFI5meMK.js.gz")),
    ("markdown-CkcHyNZt.js", include_bytes!("markdown-CkcHyNZt.js.gz")),
    ("marks-CRO_GdbC.js", include_bytes!("marks-CRO_GdbC.js.gz")),
    ("metrics-7ghB4rC7.js", include_bytes!("metrics-7ghB4rC7.js.gz")),
    ("model-D-xeYlM-.js", include_bytes!("model-D-xeYlM-.js.gz")),
    ("model-DhFTKPca.js", include_bytes!("model-DhFTKPca.js.gz")),
    ("preview-TsODmVBl.js", include_bytes!("preview-TsODmVBl.js.gz")),
    ("run-B0p_ldRh.js", include_bytes!("run-B0p_ldRh.js.gz")),
    ("settings-DhM2_0K7.js", include_bytes!("settings-DhM2_0K7.js.gz")),
    ("style-BkDFNaEL.css", include_bytes!("style-BkDFNaEL.css.gz")),
    ("task-B1paIb5g.js", include_bytes!("task-B1paIb5g.js.gz")),
    ("templates-ByPXe4_X.js", include_bytes!("templates-ByPXe4_X.js.gz")),
];
