//! What lies in the files can be read by nobody without the keys, and moved by nobody at all.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::SystemTime;

use kabao_api::ChangeState;
use kabao_journal::{Begun, ChangeFilter, ChangeUpdate, NewChange};
use kabao_store::{EmbeddedSettings, Store, create_key_file};

use crate::directory::Directory;
use crate::faults::change;

/// A phone number, a code, an openid and a name.
pub(crate) const PERSONAL: [&str; 4] = [
    "13800000417",
    "478515832665",
    "obLatjnx9gnqzS4myYGmLZ7LgLBA",
    "林间",
];

#[tokio::test]
async fn no_personal_data_lies_in_the_files() {
    let directory = Directory::new();
    let settings = EmbeddedSettings::new(directory.path());
    for _ in 0..2 {
        let store = Store::open(&settings.clone().into()).await.unwrap();
        let changes = store.changes();
        let new = NewChange {
            subject: Some(PERSONAL.join(" ")),
            fingerprint: changes.fingerprint(PERSONAL.join(" ").as_bytes()).unwrap(),
            ..change("a", PERSONAL.join(" ").as_bytes())
        };
        if let Begun::Fresh(ticket) = changes.begin(new).await.unwrap() {
            let update = ChangeUpdate {
                state: ChangeState::Applied,
                plan: Some(PERSONAL.join("/").into_bytes()),
                answer: Some(PERSONAL.join("+").into_bytes()),
                time: SystemTime::UNIX_EPOCH,
            };
            changes.update(ticket, update).await.unwrap();
        }
        let mut seen = 0;
        for file in fs::read_dir(directory.path()).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            seen += bytes.len();
            for text in PERSONAL {
                let text = text.as_bytes();
                assert!(!bytes.windows(text.len()).any(|window| window == text));
            }
        }
        assert!(seen > 4096, "something was written");
        // The second time everything has moved from the log into the database.
    }
}

#[tokio::test]
async fn without_its_keys_a_store_does_not_open() {
    let directory = Directory::new();
    let settings = EmbeddedSettings::new(directory.path());
    drop(Store::open(&settings.clone().into()).await.unwrap());
    let (here, away) = (&settings.key_file, directory.path().join("away"));
    fs::rename(here, &away).unwrap();
    let error = Store::open(&settings.clone().into())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("store.key") && error.contains("missing"),
        "{error}"
    );
    assert!(!here.exists(), "no other key takes its place");
    create_key_file(here).unwrap();
    Store::open(&settings.clone().into()).await.unwrap_err();

    // A new key in front of the old one: what was sealed opens, and what comes is sealed with the new one.
    let both = fs::read_to_string(here).unwrap() + &fs::read_to_string(&away).unwrap();
    fs::write(here, both).unwrap();
    let store = Store::open(&settings.clone().into()).await.unwrap();
    assert!(store.warnings().is_empty());
    drop(store);

    fs::set_permissions(here, fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(&settings.clone().into()).await.unwrap();
    let warnings = store.warnings();
    assert!(warnings[0].contains("chmod 600"), "{warnings:?}");
}

/// The ids and plans of all changes, of which there are two.
pub(crate) async fn listed(store: &Store) -> [(String, Vec<u8>); 2] {
    let filter = ChangeFilter {
        limit: 10,
        ..ChangeFilter::default()
    };
    let changes = store.changes().list(&filter).await.unwrap();
    let shown = changes
        .into_iter()
        .map(|change| (change.key.id.into_string(), change.plan));
    shown.collect::<Vec<_>>().try_into().unwrap()
}

/// One that was spoiled does not hide the others.
#[tokio::test]
async fn payloads_cannot_change_places() {
    let directory = Directory::new();
    let settings = EmbeddedSettings::new(directory.path());
    let store = Store::open(&settings.clone().into()).await.unwrap();
    for id in ["a", "b"] {
        store.changes().begin(change(id, b"plan")).await.unwrap();
    }
    drop(store);
    let database = rusqlite::Connection::open(directory.path().join("kabao.db")).unwrap();
    let swap = "UPDATE changes SET plan = (SELECT plan FROM changes WHERE id = 'b') WHERE id = 'a'";
    assert_eq!(database.execute(swap, []).unwrap(), 1);
    drop(database);
    let store = Store::open(&settings.clone().into()).await.unwrap();
    let found = store.changes().find(&change("b", b"").key).await;
    assert_eq!(found.unwrap().unwrap().plan, b"plan");
    let error = store
        .changes()
        .find(&change("a", b"").key)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("plan"), "{error}");
    assert_eq!(
        listed(&store)
            .await
            .each_ref()
            .map(|(id, plan)| (id.as_str(), plan.as_slice())),
        [("a", &b""[..]), ("b", b"plan")]
    );
}
