//! What lies in the database can be read by nobody without the keys, and moved by nobody at all.

use std::time::SystemTime;

use kabao_api::ChangeState;
use kabao_journal::{Begun, ChangeUpdate, NewChange};
use kabao_store::Store;

use super::{Database, server};
use crate::faults::change;
use crate::sealed::{PERSONAL, listed};

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn no_personal_data_lies_in_the_tables() {
    let database = Database::new().await;
    let store = Store::open(&database.settings().into()).await.unwrap();
    let changes = store.changes();
    let new = NewChange {
        subject: Some(PERSONAL.join(" ")),
        fingerprint: changes.fingerprint(PERSONAL.join(" ").as_bytes()).unwrap(),
        ..change("a", PERSONAL.join(" ").as_bytes())
    };
    let Begun::Fresh(ticket) = changes.begin(new).await.unwrap() else {
        panic!("nothing is in its way");
    };
    let update = ChangeUpdate {
        state: ChangeState::Applied,
        plan: Some(PERSONAL.join("/").into_bytes()),
        answer: Some(PERSONAL.join("+").into_bytes()),
        time: SystemTime::UNIX_EPOCH,
    };
    changes.update(ticket, update).await.unwrap();
    // Bytes are printed in hexadecimal.
    for text in PERSONAL {
        let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let check = format!(
            "DO $$ BEGIN \
             ASSERT (SELECT count(*) FROM kabao.changes WHERE length(plan) > 30 AND length(answer) > 30) = 1; \
             ASSERT NOT EXISTS (SELECT FROM kabao.changes c WHERE c::text LIKE '%{bytes}%' OR c::text LIKE '%{text}%'); \
             END $$"
        );
        server().execute(&database.url, &check).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn payloads_cannot_change_places() {
    let database = Database::new().await;
    let store = Store::open(&database.settings().into()).await.unwrap();
    for id in ["a", "b"] {
        store.changes().begin(change(id, b"plan")).await.unwrap();
    }
    let swap = "UPDATE kabao.changes SET plan = (SELECT plan FROM kabao.changes WHERE id = 'b') WHERE id = 'a'";
    server().execute(&database.url, swap).await.unwrap();
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
