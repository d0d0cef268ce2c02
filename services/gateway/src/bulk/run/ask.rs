//! What a gateway is asked before anything is sent.

use kabao_proto::kabao::v1::GetChangeRequest;
use kabao_proto::kabao::v1::change_service_client::ChangeServiceClient;
use tokio::task::JoinSet;

use crate::bulk::REMEMBERED;
use crate::bulk::failure::Failure;
use crate::bulk::kind::Kind;
use crate::bulk::plan::Plan;
use crate::bulk::server::Connection;
use crate::bulk::state::{Progress, State};
use crate::clock;

/// So many ids are looked up at once.
const LOOKED_UP: usize = 32;

/// So many rows may have been left out of a file whose state is gone, and it shows.
const LEFT_OUT: u32 = 1000;

/// Refuses to go on if the gateway does not know a change that it has done: it is another one, or has lost its store,
/// and what was sent and not answered would be done twice.
pub(super) async fn require_memory<K: Kind>(
    plan: &Plan<K>,
    state: &State,
    channel: &Connection,
) -> Result<(), String> {
    let now = clock::unix_seconds();
    let done = plan.entries.iter().zip(state.rows());
    let done = done.filter_map(|(entry, progress)| match progress {
        Progress::Done(at) if now - at < REMEMBERED => Some((at, entry.as_ref()?)),
        _ => None,
    });
    let Some((_, entry)) = done.max_by_key(|(at, _)| **at) else {
        return Ok(());
    };
    let name = format!("{}/changes/{}", plan.account, entry.id);
    let mut changes = ChangeServiceClient::new(channel.clone());
    let Err(status) = changes.get_change(GetChangeRequest { name }).await else {
        return Ok(());
    };
    let failure = Failure::of_call(&status);
    Err(match failure.reason.as_str() {
        "CHANGE_NOT_FOUND" => "the gateway does not know what it has done by the state beside the file: it is another \
             one, or has lost its store. To begin anew there, give --state with a new file"
            .to_owned(),
        reason => format!("the gateway cannot tell what it remembers: {reason} {}", failure.message),
    })
}

/// Refuses a batch id that the gateway knows though there is no state beside the file: nobody can tell any more
/// whether the file is what was sent.
pub(super) async fn require_unknown<K: Kind>(
    plan: &Plan<K>,
    channel: &Connection,
) -> Result<(), String> {
    let entries = plan.entries.iter().flatten();
    let derived = entries.filter(|entry| entry.is_derived);
    // Rows that were left out may have stood before those that were done, which then have no place any more.
    let end = u32::try_from(plan.entries.len()).unwrap_or(u32::MAX);
    let behind = (end..end.saturating_add(LEFT_OUT)).map(|place| plan.id.item(place));
    let ids = derived.map(|entry| entry.id.clone()).chain(behind);
    let mut names = ids.map(|id| format!("{}/changes/{id}", plan.account));
    let mut looks = JoinSet::new();
    loop {
        while looks.len() < LOOKED_UP
            && let Some(name) = names.next()
        {
            let mut changes = ChangeServiceClient::new(channel.clone());
            looks.spawn(async move { changes.get_change(GetChangeRequest { name }).await });
        }
        let Some(looked) = looks.join_next().await else {
            return Ok(());
        };
        match looked.map_err(|error| error.to_string())? {
            Ok(_) => {
                return Err(format!(
                    "the gateway has done changes under the batch id {}, and the state beside the file is missing, so \
                     nobody can tell whether the file is the same. Put the state back (--state), or give another \
                     --batch-id for changes that are new",
                    plan.id
                ));
            }
            Err(status) => {
                let failure = Failure::of_call(&status);
                if failure.reason != "CHANGE_NOT_FOUND" {
                    return Err(format!(
                        "the gateway cannot tell whether the batch id is new: {} {}",
                        failure.reason, failure.message
                    ));
                }
            }
        }
    }
}
