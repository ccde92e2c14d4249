use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;
use store::port::{AccountChange, Change, Write as _};

use super::*;

struct Place {
    folder: tempfile::TempDir,
    writer: store::memory::MemoryWriter,
    vault: Vault,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (writer, reader) = store::memory::open();
        let vault = Vault::of(folder.path(), Arc::new(reader));
        Self { folder, writer, vault }
    }

    fn put(&mut self, scope: &Scope, name: &str, value: &str) -> SecretRow {
        let Sealed { key, bytes } = self.vault.seal(scope, name, value).unwrap();
        let secret = SecretRow {
            scope: scope.text(),
            name: name.to_owned(),
            key,
            sealed: bytes,
            created_at: Timestamp::UNIX_EPOCH,
            created_by: "ana".to_owned(),
            updated_at: Timestamp::UNIX_EPOCH,
            updated_by: "ana".to_owned(),
        };
        self.store(secret.clone());
        secret
    }

    fn store(&mut self, secret: SecretRow) {
        let change = Change::Account(Box::new(AccountChange::PutSecret { secret }));
        self.writer.commit(&[change]).unwrap();
    }

    fn value(&self, pipeline: Option<&str>, environment: Option<&str>) -> Option<String> {
        let found = self.vault.stored("KEY", pipeline, environment).unwrap();
        found.map(|value| value.expose().to_owned())
    }
}

#[test]
fn a_reference_gives_its_value_or_says_what_is_missing() {
    let mut place = Place::new();
    let stored = SecretRef::Stored("HOOK".into());
    assert_eq!(place.vault.resolve(&stored), Err(SecretProblem::Unknown("HOOK".into())));
    let secrets = place.folder.path().join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    std::fs::write(secrets.join("HOOK"), "of a file\n").unwrap();
    assert_eq!(place.vault.resolve(&stored).unwrap().expose(), "of a file");
    place.put(&Scope::Global, "HOOK", "of the store");
    assert_eq!(place.vault.resolve(&stored).unwrap().expose(), "of the store");
    let file = SecretRef::File("secrets/HOOK".into());
    assert_eq!(place.vault.resolve(&file).unwrap().expose(), "of a file");
    std::fs::write(secrets.join("HOOK"), "\n").unwrap();
    assert!(matches!(place.vault.resolve(&file), Err(SecretProblem::Empty(_))));
    let missing = SecretRef::Env("ORCHESTRATE_NOT_SET_ANYWHERE".into());
    assert!(matches!(place.vault.resolve(&missing), Err(SecretProblem::NoVariable(_))));
}

#[test]
fn the_nearest_scope_wins_and_a_sealed_value_opens_only_in_its_place() {
    let mut place = Place::new();
    assert_eq!(place.value(None, None), None);
    let global = place.put(&Scope::Global, "KEY", "all");
    place.put(&Scope::Pipeline("ci".into()), "KEY", "of ci");
    place.put(&Scope::Environment("prod".into()), "KEY", "of prod");
    let of = |pipeline, environment| place.value(pipeline, environment).unwrap();
    assert_eq!(of(Some("ci"), Some("prod")), "of prod");
    assert_eq!(of(Some("ci"), Some("test")), "of ci");
    assert_eq!(of(Some("cd"), None), "all");
    assert!(!String::from_utf8_lossy(&global.sealed).contains("all"));
    // Moved to another scope it does not open, and nothing else takes its place.
    place.store(SecretRow { scope: "environment:prod".into(), ..global.clone() });
    let moved = place.vault.stored("KEY", Some("ci"), Some("prod"));
    assert!(matches!(moved, Err(SecretProblem::Sealed { .. })), "{moved:?}");
    let mut changed = global;
    *changed.sealed.last_mut().unwrap() ^= 1;
    place.store(changed);
    assert!(place.vault.stored("KEY", None, None).is_err());
}

#[test]
fn a_key_that_others_may_read_is_refused_and_a_lost_one_is_not_made_anew() {
    let mut place = Place::new();
    place.put(&Scope::Global, "KEY", "v");
    let path = place.folder.path().join("secret.key");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let problem = place.vault.stored("KEY", None, None).unwrap_err().to_string();
    assert!(problem.contains("chmod 600"), "{problem}");
    assert!(place.vault.seal(&Scope::Global, "B", "v").is_err());
    std::fs::remove_file(&path).unwrap();
    let problem = place.vault.stored("KEY", None, None).unwrap_err().to_string();
    assert!(problem.contains("put the one back"), "{problem}");
    assert!(!path.exists());
}

#[test]
fn a_new_key_opens_everything_also_when_the_change_stops_half_way() {
    let mut place = Place::new();
    let old = place.put(&Scope::Global, "KEY", "v");
    let (key, again) = place.vault.seal_again().unwrap();
    assert_ne!(key, old.key);
    assert_eq!(place.value(None, None).as_deref(), Some("v"), "stopped before the commit");
    let at = Timestamp::UNIX_EPOCH;
    let change = AccountChange::SealAgain { secrets: again, by: "ana".into(), at };
    place.writer.commit(&[Change::Account(Box::new(change))]).unwrap();
    assert_eq!(place.value(None, None).as_deref(), Some("v"), "stopped after it");
    place.vault.rekeyed().unwrap();
    assert_eq!(place.value(None, None).as_deref(), Some("v"));
    place.store(old);
    assert!(place.vault.stored("KEY", None, None).is_err(), "the old key is gone");
}
