//! Made by `cargo xtask ui`: what the page is made of, compressed.

/// Of the sources in `ui/` that this was built of.
pub(super) const SOURCES: &str = "20ecc3b828215c90";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
    ("audit-DiVs8Kv9.js", include_bytes!("audit-DiVs8Kv9.js.gz")),
    ("cascade-Bo6fZhKW.js", include_bytes!("cascade-Bo6fZhKW.js.gz")),
    ("compare-zD1WBRDC.js", include_bytes!("compare-zD1WBRDC.js.gz")),
    ("editor-BZPjXrKm.js", include_bytes!("editor-BZPjXrKm.js.gz")),
    ("fleet-BoCND4dc.js", include_bytes!("fleet-BoCND4dc.js.gz")),
    ("hello-D6wdD-PH.js", include_bytes!("hello-D6wdD-PH.js.gz")),
    ("inbox-WdkiuS0x.js", include_bytes!("inbox-WdkiuS0x.js.gz")),
    ("index-BouPgoZM.js", include_bytes!("index-BouPgoZM.js.gz")),
    ("item-BM7XqUtz.js", include_bytes!("item-BM7XqUtz.js.gz")),
    ("list-WPD-PTgS.js", include_bytes!("list-WPD-PTgS.js.gz")),
    ("markdown-CkcHyNZt.js", include_bytes!("markdown-CkcHyNZt.js.gz")),
    ("marks-CRO_GdbC.js", include_bytes!("marks-CRO_GdbC.js.gz")),
    ("metrics-BToRB2Do.js", include_bytes!("metrics-BToRB2Do.js.gz")),
    ("model-DCkex_qu.js", include_bytes!("model-DCkex_qu.js.gz")),
    ("model-DhFTKPca.js", include_bytes!("model-DhFTKPca.js.gz")),
    ("preview-BbGQaoeu.js", include_bytes!("preview-BbGQaoeu.js.gz")),
    ("run-BifZeQn6.js", include_bytes!("run-BifZeQn6.js.gz")),
    ("settings-8AAYs-R4.js", include_bytes!("settings-8AAYs-R4.js.gz")),
    ("style-_Yzc6tku.css", include_bytes!("style-_Yzc6tku.css.gz")),
    ("task-C2n1mwL8.js", include_bytes!("task-C2n1mwL8.js.gz")),
    ("templates-rupLa9kD.js", include_bytes!("templates-rupLa9kD.js.gz")),
];
