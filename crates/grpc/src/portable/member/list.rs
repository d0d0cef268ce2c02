//! A batch that is repeated has to be the same list, as far as its items are known by their places.
//!
//! If an item is put in, those behind it get other ids. Each of them would be refused, for its new id belongs to
//! another item, but the last ones have ids that nobody has used: what was done would be done again. So it would be if
//! an item is left out whose refusal nobody remembers: those behind it get ids that are free, and what shows it are the
//! ids of places that the list does not have any more.
//!
//! What is not remembered cannot be compared. So another list under the same id waits until this one has ended.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use kabao_api::{Account, CallContext, ChangeApi, Error, FieldViolation, Reason, RequestId};

use super::batch::{Batch, Single};

/// How many items are looked up at once.
const AT_ONCE: usize = 16;

/// Takes the right to run the list under the id of its batch, and returns the context of its items. Fails if the journal
/// knows an item under an id that follows from its place, and another one stands there now.
pub(super) async fn begin<S: Single>(
    account: &Account,
    context: CallContext,
    batch: &Batch<S>,
) -> Result<CallContext, Error> {
    let Some(changes) = &account.changes else {
        return Ok(context);
    };
    let mut list = Vec::new();
    let mut lookups = Vec::new();
    for (index, id, item) in batch.placed() {
        let content = S::METHOD.content(item)?;
        list.extend_from_slice(id.as_str().as_bytes());
        list.push(b' ');
        list.extend_from_slice(&content);
        // No content has one, being JSON on one line.
        list.push(b'\n');
        lookups.push(look_up(Arc::clone(changes), index, id.clone(), content));
    }
    if lookups.is_empty() {
        return Ok(context);
    }
    let context = changes.begin_batch(&context, batch.id(), &list).await?;
    drop(list);
    // In order, so that the first place where the lists differ is told.
    let looked_up = stream::iter(lookups).buffered(AT_ONCE);
    looked_up.try_for_each(|()| async { Ok(()) }).await?;
    match changes.first_known(&batch.vacant()).await? {
        None => Ok(context),
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
