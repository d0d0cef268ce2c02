//! A batch that is repeated has to be the same list, as far as its items are known by their places.
//!
//! If an item is put in, those behind it get other ids. Each of them would be refused, for its new id belongs to
//! another item, but the last ones have ids that nobody has used: what was done would be done again. So it would be if
//! an item is left out whose refusal nobody remembers: those behind it get ids that are free, and what shows it are the
//! ids of places that the list does not have any more.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use kabao_api::{Account, ChangeApi, Error, FieldViolation, Reason, RequestId};

use super::batch::{Batch, Single};

/// How many items are looked up at once.
const AT_ONCE: usize = 16;

/// Fails if the journal knows an item under an id that follows from its place, and another one stands there now.
pub(super) async fn require_the_same<S: Single>(
    account: &Account,
    batch: &Batch<S>,
) -> Result<(), Error> {
    let Some(changes) = &account.changes else {
        return Ok(());
    };
    let mut lookups = Vec::new();
    for (index, id, item) in batch.placed() {
        let content = S::METHOD.content(item)?;
        lookups.push(look_up(Arc::clone(changes), index, id.clone(), content));
    }
    if lookups.is_empty() {
        return Ok(());
    }
    // In order, so that the first place where the lists differ is told.
    let looked_up = stream::iter(lookups).buffered(AT_ONCE);
    looked_up.try_for_each(|()| async { Ok(()) }).await?;
    match changes.first_known(&batch.vacant()).await? {
        None => Ok(()),
        Some(_) => Err(Error::violated(
            Reason::RequestIdReused,
            [FieldViolation::new(
                "items",
                "lacks an item of an earlier call of this batch: a list that has changed is a new batch",
            )],
        )),
    }
}

async fn look_up(
    changes: Arc<dyn ChangeApi>,
    index: i32,
    id: RequestId,
    content: Vec<u8>,
) -> Result<(), Error> {
    match changes.is_reused(&id, &content).await? {
        false => Ok(()),
        true => Err(Error::violated(
            Reason::RequestIdReused,
            [FieldViolation::new(
                format!("items[{index}]"),
                "is another one than in an earlier call of this batch: a list that has changed is a new batch",
            )],
        )),
    }
}
