use super::*;

fn file(text: &str) -> Result<FileValues, String> {
    crate::config::read::config("config.yaml", text).map(|config| config.settings)
}

fn said(variables: &[(&str, &str)]) -> Said {
    let find = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    Said::with(find)
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
    let text = "server: {listen: \"127.0.0.1:3\", slots: 3}\nlogs: {format: json}\n";
    let file = file(text).unwrap();
    let environment = [("ORCHESTRATE_LISTEN", "127.0.0.1:2"), ("ORCHESTRATE_SLOTS", "2")];
    let said = said(&environment).flag(&LISTEN, Some("127.0.0.1:1"));
    let settings = Settings::resolve(&said, &file).unwrap();
    let found = |setting: &Setting| {
        let resolved = &settings.0[setting.name];
        (resolved.shown().unwrap_or_default(), resolved.source.to_string())
    };
    let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(found(&LISTEN), pair("127.0.0.1:1", "flag"));
    assert_eq!(found(&SLOTS), pair("2", "environment ORCHESTRATE_SLOTS"));
    assert_eq!(found(&LOG_FORMAT), pair("json", "config.yaml"));
    assert_eq!(found(&SHUTDOWN), pair("10s", "default"));
    assert_eq!(found(&KEEP_RUNS), pair("", "default"));
    assert_eq!(settings.whole(&SLOTS), Some(2));
    assert_eq!(settings.time(&SHUTDOWN), Some(Duration::from_secs(10)));
    assert!(settings.is(&LOG_REQUESTS) && !settings.is(&METRICS_PUBLIC));
}

#[test]
fn the_first_variable_that_is_set_counts_and_an_empty_one_is_not_set() {
    let both = said(&[("ORCHESTRATE_DATA_DIR", " "), ("BASE_PIPELINES_PATH", "./pipelines")]);
    let resolved = both.alone(&DATA_DIR).unwrap();
    assert_eq!(resolved.text(), Some("./pipelines"));
    assert_eq!(resolved.source, Source::Environment("BASE_PIPELINES_PATH"));
    assert_eq!(said(&[("LOG_LEVEL", "INFO")]).alone(&LOG_LEVEL).unwrap().text(), Some("INFO"));
}

#[test]
fn a_secret_is_never_shown() {
    let said = said(&[("OPENAI_API_KEY", "sk-hidden"), ("ORCHESTRATE_TOKEN", "t-hidden")]);
    let settings = Settings::resolve(&said, &FileValues::default()).unwrap();
    let shown: Vec<String> = settings.all().filter_map(Resolved::shown).collect();
    assert!(shown.contains(&"(set)".to_owned()));
    assert!(!shown.join(" ").contains("hidden"), "{shown:?}");
    assert!(!format!("{said:?}").contains("hidden"));
}

#[test]
fn every_value_that_cannot_be_understood_is_named() {
    let wrong = [("ORCHESTRATE_LISTEN", "7070"), ("ORCHESTRATE_SLOTS", "0")];
    let problems = Settings::resolve(&said(&wrong), &FileValues::default()).unwrap_err();
    assert_eq!(
        problems,
        "environment variable ORCHESTRATE_LISTEN: `7070` has to be an address with a port, such \
         as `127.0.0.1:7070`\n\
         environment variable ORCHESTRATE_SLOTS: `0` has to be a whole number from 1 to 4096"
    );
    let text = "server: {lissen: x}\nlogs: {format: xml, max_bytes: [1], requests: 3}\n\
                retention: {runs_days: 90d}\n";
    let problems = file(text).unwrap_err();
    for wanted in [
        "config.yaml:1:10: `server` has no key `lissen`; did you mean `listen`?",
        "config.yaml:2:16: `logs.format`: `xml` has to be text, json",
        "config.yaml:2:32: `logs.max_bytes` has to be bytes, such as `500 MiB`, not a list",
        "config.yaml:2:47: `logs.requests` has to be `true` or `false`, not a number",
        "config.yaml:3:24: `retention.runs_days`: `90d` has to be a whole number from 1 to 36500",
    ] {
        assert!(problems.contains(wanted), "{wanted}\nis not in\n{problems}");
    }
}

#[test]
fn the_table_is_in_order() {
    for setting in SETTINGS {
        let name = setting.name;
        if let Some(text) = setting.default {
            assert!(setting.kind.understand(text).is_ok(), "{name}");
        }
        assert!(setting.doc.ends_with('.') && !setting.doc.contains("  "), "{name}");
        let section = name.split_once('.').map_or("", |(section, _)| section);
        assert_eq!(setting.file, setting.file && SECTIONS.contains(&section), "{name}");
        // In the file these are references, which are read apart.
        let apart = name == TRACES_HEADERS.name;
        assert!(!(setting.file && setting.kind == Kind::Secret) || apart, "{name}");
        assert_eq!(SETTINGS.iter().filter(|other| other.name == name).count(), 1, "{name}");
        assert!(page().contains(&format!("### `{name}`")), "{name}");
    }
}

#[test]
fn bytes_and_times_are_written_as_people_do() {
    assert_eq!(bytes("500 MiB"), Some(500 << 20));
    assert_eq!(bytes("2GiB"), Some(2 << 30));
    assert_eq!((bytes("7"), bytes("7 MB"), bytes("MiB")), (Some(7), None, None));
    assert_eq!(bytes("99999999999 TiB"), None);
    assert_eq!(written(Duration::from_millis(93_784_005)), "1d2h3m4s5ms");
    assert_eq!(written(Duration::ZERO), "0s");
}
