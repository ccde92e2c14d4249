//! Settings as others see them.

use api::config::SettingView;

use crate::config::settings::Resolved;

pub(crate) fn view(resolved: &Resolved) -> SettingView {
    let setting = resolved.setting;
    SettingView {
        name: setting.name.to_owned(),
        value: resolved.shown(),
        source: resolved.source.to_string(),
        default: setting.default.map(str::to_owned),
        flag: setting.flag.map(str::to_owned),
        environment: setting.env.iter().map(|name| (*name).to_owned()).collect(),
        file: setting.file,
        doc: setting.doc.to_owned(),
    }
}
