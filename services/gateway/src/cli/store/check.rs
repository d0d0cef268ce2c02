//! `kabao store check`

use std::process::ExitCode;

use super::Named;
use crate::cli::output::{complain, fail, print, report};

pub(super) async fn run(store: Named) -> Result<ExitCode, ExitCode> {
    let found = store.upkeep.check().await.map_err(|error| report(&error))?;
    let store = &found.place;
    if let Some(holder) = found.holder {
        complain(&format_args!(
            "{store} is used by {holder}; it is only read"
        ));
    }
    for fault in &found.faults {
        complain(fault);
    }
    match (found.faults.len(), found.version) {
        (0, Some(version)) => {
            let changes = found.changes;
            print(&format_args!(
                "{store} is good: version {version}, every payload of {changes} changes opens\n"
            ));
            Ok(ExitCode::SUCCESS)
        }
        (1, _) => Ok(fail("the store has 1 fault")),
        (count, _) => Ok(fail(&format!("the store has {count} faults"))),
    }
}
