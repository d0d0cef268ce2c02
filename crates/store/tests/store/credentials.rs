//! What every store has to do with credentials: one suite over the trait, which each backend runs.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{CredentialStore, StoredCredential};
use kabao_store::{EmbeddedSettings, Store};

use crate::directory::Directory;

/// A store under test.
#[async_trait]
pub(crate) trait Fixture: Send + Sync {
    /// Opens it as one more process does; what was opened before is dropped by then, unless it is shared.
    async fn open(&self) -> Store;
    fn is_shared(&self) -> bool;
}

/// Makes a test of each function of the suite; attributes in brackets are those of each.
macro_rules! suite {
    (@each $attributes:tt $fixture:expr; $($name:ident)*) => {
        $($crate::credentials::suite! { @one $attributes $fixture; $name })*
    };
    (@one [$($attributes:tt)*] $fixture:expr; $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $($attributes)*
        async fn $name() {
            $crate::credentials::$name(&$fixture).await;
        }
    };
    ($attributes:tt $fixture:expr) => {
        $crate::credentials::suite! {
            @each $attributes $fixture;
            what_is_put_last_is_found_also_after_a_restart
            the_right_has_one_holder_and_its_fence_grows
            only_who_holds_the_right_writes
            of_many_at_once_one_gets_the_right
        }
    };
}

pub(crate) use suite;

const NAME: &str = "access_token/stable/wx0123456789abcdef";

async fn found(store: &Arc<dyn CredentialStore>, name: &str) -> Option<StoredCredential> {
    store.find(name).await.unwrap()
}

pub(crate) async fn what_is_put_last_is_found_also_after_a_restart(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let credentials = store.credentials();
    assert_eq!(found(&credentials, NAME).await, None);
    for payload in ["first", "second"] {
        let right = credentials.acquire(NAME).await.unwrap().unwrap();
        assert!(credentials.put(&right, payload.as_bytes()).await.unwrap());
        let stored = found(&credentials, NAME).await.unwrap();
        assert_eq!(
            (stored.payload, stored.fence),
            (payload.into(), right.fence)
        );
        credentials.release(right).await.unwrap();
    }
    assert_eq!(found(&credentials, "another").await, None);
    drop((store, credentials));
    let store = fixture.open().await;
    let stored = found(&store.credentials(), NAME).await.unwrap();
    assert_eq!(stored.payload, b"second");
}

pub(crate) async fn the_right_has_one_holder_and_its_fence_grows(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let credentials = store.credentials();
    let first = credentials.acquire(NAME).await.unwrap().unwrap();
    assert_eq!(credentials.acquire(NAME).await.unwrap(), None);
    let other = match fixture.is_shared() {
        true => fixture.open().await.credentials(),
        false => store.credentials(),
    };
    assert_eq!(other.acquire(NAME).await.unwrap(), None);
    let else_ = other.acquire("another").await.unwrap();
    assert!(else_.is_some(), "names are apart");
    credentials.release(first.clone()).await.unwrap();
    let second = other.acquire(NAME).await.unwrap().unwrap();
    assert!(second.fence > first.fence);
    assert!(other.put(&second, b"by the second").await.unwrap());
    let stored = found(&credentials, NAME).await.unwrap();
    assert_eq!(stored.payload, b"by the second");
}

pub(crate) async fn only_who_holds_the_right_writes(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let credentials = store.credentials();
    let first = credentials.acquire(NAME).await.unwrap().unwrap();
    assert!(credentials.put(&first, b"first").await.unwrap());
    credentials.release(first.clone()).await.unwrap();
    assert!(
        !credentials.put(&first, b"late").await.unwrap(),
        "given back"
    );
    let second = credentials.acquire(NAME).await.unwrap().unwrap();
    assert!(credentials.put(&second, b"second").await.unwrap());
    assert!(
        !credentials.put(&first, b"late").await.unwrap(),
        "taken over"
    );
    let stored = found(&credentials, NAME).await.unwrap();
    assert_eq!(
        (stored.payload, stored.fence),
        (b"second".to_vec(), second.fence)
    );
    // One right is none to another name.
    let foreign = kabao_api::CredentialRight {
        name: "another".to_owned(),
        ..second
    };
    assert!(!credentials.put(&foreign, b"x").await.unwrap());
    assert_eq!(found(&credentials, "another").await, None);
}

pub(crate) async fn of_many_at_once_one_gets_the_right(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let tasks = (0..16).map(|_| {
        let credentials = store.credentials();
        tokio::spawn(async move { credentials.acquire(NAME).await.unwrap().is_some() })
    });
    let mut taken = 0;
    for task in tasks.collect::<Vec<_>>() {
        taken += usize::from(task.await.unwrap());
    }
    assert_eq!(taken, 1);
}

struct Embedded(Directory);

#[async_trait]
impl Fixture for Embedded {
    async fn open(&self) -> Store {
        let settings = EmbeddedSettings::new(self.0.path());
        Store::open(&settings.into()).await.unwrap()
    }

    fn is_shared(&self) -> bool {
        false
    }
}

mod sqlite {
    use super::{Directory, Embedded};

    super::suite!([] Embedded(Directory::new()));
}

/// Puts a secret under each name.
async fn put(credentials: &Arc<dyn CredentialStore>, name: &str, payload: &[u8]) {
    let right = credentials.acquire(name).await.unwrap().unwrap();
    assert!(credentials.put(&right, payload).await.unwrap());
    credentials.release(right).await.unwrap();
}

#[tokio::test]
async fn a_credential_is_sealed_and_opens_under_its_own_name_only() {
    let directory = Directory::new();
    let settings = EmbeddedSettings::new(directory.path());
    let store = Store::open(&settings.clone().into()).await.unwrap();
    let secret = b"80_a-live-access-token-of-an-account";
    put(&store.credentials(), "a", secret).await;
    put(&store.credentials(), "b", b"another").await;
    drop(store);
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
    let database = rusqlite::Connection::open(directory.path().join("kabao.db")).unwrap();
    let swap = "UPDATE credentials SET payload = (SELECT payload FROM credentials WHERE name = 'b') \
                WHERE name = 'a'";
    assert_eq!(database.execute(swap, []).unwrap(), 1);
    drop(database);
    let store = Store::open(&settings.into()).await.unwrap();
    let error = store.credentials().find("a").await.unwrap_err();
    assert_eq!(error.reason(), kabao_api::Reason::Store);
    let other = found(&store.credentials(), "b").await.unwrap();
    assert_eq!(other.payload, b"another");
}

#[tokio::test]
async fn what_is_lent_keeps_no_store_open() {
    let directory = Directory::new();
    let settings = EmbeddedSettings::new(directory.path());
    let store = Store::open(&settings.clone().into()).await.unwrap();
    let lent = store.lent_credentials();
    put(&lent, NAME, b"token").await;
    drop(store);
    for _ in 0..2 {
        let error = lent.find(NAME).await.unwrap_err();
        assert_eq!(error.reason(), kabao_api::Reason::Store);
        // The file is free for the next one.
        let next = Store::open(&settings.clone().into()).await.unwrap();
        let stored = found(&next.lent_credentials(), NAME).await.unwrap();
        assert_eq!(stored.payload, b"token");
    }
}

/// A store that an earlier version of the program has made.
#[tokio::test]
async fn a_store_of_the_first_version_gets_the_table_and_keeps_its_changes() {
    let directory = Directory::new();
    let settings = EmbeddedSettings::new(directory.path());
    let store = Store::open(&settings.clone().into()).await.unwrap();
    let changes = store.changes();
    changes
        .begin(crate::faults::change("a", b"plan"))
        .await
        .unwrap();
    drop((changes, store));
    crate::versions::back_to(directory.path(), 1);
    let store = Store::open(&settings.into()).await.unwrap();
    put(&store.credentials(), NAME, b"token").await;
    let key = crate::faults::change("a", b"").key;
    let change = store.changes().find(&key).await.unwrap().unwrap();
    assert_eq!(change.plan, b"plan");
}
