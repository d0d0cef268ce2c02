//! The embedded store.

mod conformance {
    use async_trait::async_trait;
    use kabao_journal::Leases;
    use kabao_journal::conformance::{Fixture, Opened};
    use kabao_store::{EmbeddedSettings, Store};

    use crate::directory::Directory;

    struct Embedded(Directory);

    #[async_trait]
    impl Fixture for Embedded {
        async fn open(&self) -> Opened {
            let settings = EmbeddedSettings::new(self.0.path());
            let store = Store::open(&settings.clone().into()).await.unwrap();
            Opened {
                changes: store.changes(),
                leases: store.leases(),
            }
        }

        fn is_shared(&self) -> bool {
            false
        }

        async fn bury(&self, _replica: &str, _witness: &dyn Leases) {}
    }

    kabao_journal::conformance!(Embedded(Directory::new()));
}

/// Before the ids of earlier processes are read into memory as well as afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_of_before_is_found_from_the_first_moment_on() {
    use kabao_store::{Store, StoreSettings};

    use crate::faults::change;

    let directory = crate::directory::Directory::new();
    let settings = StoreSettings::embedded(directory.path());
    let store = Store::open(&settings).await.unwrap();
    let ids: Vec<String> = (0..3_000).map(|id| id.to_string()).collect();
    for ids in ids.chunks(500) {
        let mut tasks = tokio::task::JoinSet::new();
        for id in ids {
            let (changes, new) = (store.changes(), change(id, b"plan"));
            tasks.spawn(async move { changes.begin(new).await.unwrap() });
        }
        tasks.join_all().await;
    }
    drop(store);
    let store = Store::open(&settings).await.unwrap();
    let changes = store.changes();
    for id in &ids {
        let found = changes.find(&change(id, b"").key).await.unwrap();
        assert!(found.is_some(), "{id}");
    }
    let found = changes.find(&change("another", b"").key).await.unwrap();
    assert_eq!(found, None);
}

/// Moving them is the work of another thread, which is asked for it.
#[tokio::test]
async fn what_changes_have_written_moves_from_the_log_into_the_file() {
    use kabao_store::{Store, StoreSettings};

    use crate::faults::change;

    let directory = crate::directory::Directory::new();
    let store = Store::open(&StoreSettings::embedded(directory.path()))
        .await
        .unwrap();
    let size = |name: &str| directory.path().join(name).metadata().unwrap().len();
    let empty = size("kabao.db");
    let changes = store.changes();
    let plan = vec![b'p'; 1 << 18];
    for id in 0..1_000 {
        let new = change(&id.to_string(), &plan);
        changes.begin(new).await.unwrap();
        if size("kabao.db") > empty {
            assert!(size("kabao.db-wal") >= 16 << 20, "not for every change");
            return;
        }
    }
    panic!("the log has {} bytes", size("kabao.db-wal"));
}

#[test]
fn whoever_writes_is_answered_though_the_runtime_that_opened_the_store_is_gone() {
    use kabao_store::{Store, StoreSettings};
    use tokio::runtime::Runtime;

    use crate::faults::change;

    let directory = crate::directory::Directory::new();
    let settings = StoreSettings::embedded(directory.path());
    let first = Runtime::new().unwrap();
    let store = first.block_on(Store::open(&settings)).unwrap();
    drop(first);
    let second = Runtime::new().unwrap();
    let begun = second.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for id in 0..100 {
            let (changes, new) = (store.changes(), change(&id.to_string(), b"plan"));
            tasks.spawn(async move { changes.begin(new).await.unwrap() });
        }
        tasks.join_all().await
    });
    assert_eq!(begun.len(), 100);
    drop(store);
}
