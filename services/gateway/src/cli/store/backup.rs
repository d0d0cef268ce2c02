//! `kabao store backup`

use std::path::Path;
use std::process::ExitCode;

use super::Named;
use crate::cli::output::{complain, print, report};

pub(super) async fn run(store: Named, target: &Path) -> Result<ExitCode, ExitCode> {
    let backup = store.upkeep.backup(target).await;
    let backup = backup.map_err(|error| report(&error))?;
    for warning in &backup.warnings {
        complain(&format_args!("warning: {warning}"));
    }
    print(&format_args!(
        "{} is made: {} changes, {} bytes\n\
         It is worth nothing without the keys in {}, which are not in it: keep those elsewhere, apart from it.\n",
        backup.file.display(),
        backup.changes,
        backup.size,
        backup.key_file.display(),
    ));
    Ok(ExitCode::SUCCESS)
}
