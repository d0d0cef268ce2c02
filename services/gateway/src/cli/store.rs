//! `kabao store`: what an operator does with the memory of changes.

mod backup;
mod check;
mod stats;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use kabao_store::{EmbeddedSettings, Upkeep};

use super::check::refuse;
use crate::clock;
use crate::config::{self, Environment};

const STORE_EXAMPLES: &str = "\
Examples:
  kabao store check --config /etc/kabao/kabao.toml
  kabao store backup --config /etc/kabao/kabao.toml /backup/kabao-2026-03-15.db
  kabao store stats --directory .kabao/store

All of them only read. A gateway may run meanwhile, and may stop; if one starts, check and backup make way for
it and say so.";

/// Looks after the memory of changes, embedded or in a database.
///
/// The store is named as `kabao serve` finds it, by its configuration, or by its folder. `kabao dev` has it
/// in DIR/store. Run these commands as the user that the gateway runs as.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = STORE_EXAMPLES)]
pub(super) struct StoreArguments {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    Check(CheckArguments),
    Backup(BackupArguments),
    Stats(StatsArguments),
}

/// Which store.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").args(["config", "directory"]).required(true))]
struct Which {
    /// The configuration of the gateway, which names the store.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the store, in place of a configuration.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The key file, if it is not store.key in the folder.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    key_file: Option<PathBuf>,
}

const CHECK_EXAMPLES: &str = "\
Looks at the modes of the files, the key file, the version of the tables, the structure of the database, and
opens the payloads of every change. It reads all that there is, and changes nothing. What does not open is listed
by the names of the changes, of which at most 100 are written out.

Examples:
  kabao store check --config /etc/kabao/kabao.toml
  kabao store check --directory /restored --key-file /safe/store.key

Exit codes:
  0  nothing is wrong
  1  something is; each fault is a line on standard error, with remedy";

/// Looks for everything that is wrong with a store.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = CHECK_EXAMPLES)]
struct CheckArguments {
    #[command(flatten)]
    which: Which,
}

const BACKUP_EXAMPLES: &str = "\
The copy is what the store was at one moment, in one file with mode 0600. It has its name once it is complete,
has passed a check of its structure, and is on the disk; a file of that name is never overwritten. The gateway
goes on meanwhile: its log grows until the copy is made, and no call waits.

The key file is not part of the copy, and without it nothing in the copy can be read. Keep it elsewhere:
whoever has both can read personal data. docs/store.md tells how to restore.

Examples:
  kabao store backup --config /etc/kabao/kabao.toml /backup/kabao-$(date +%F).db

Exit codes:
  0  the copy is made
  1  it is not, and nothing of it is left behind";

/// Copies a store into a new file, also while a gateway runs.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = BACKUP_EXAMPLES)]
struct BackupArguments {
    #[command(flatten)]
    which: Which,
    /// The file to make, in a folder that is there.
    #[arg(value_name = "TARGET")]
    target: PathBuf,
}

const STATS_EXAMPLES: &str = "\
Counts changes by account and state, and tells the age of the oldest open one, and sizes. There is no personal
data in it; ids of changes are what callers chose. Times are UTC.

Examples:
  kabao store stats --config /etc/kabao/kabao.toml
  kabao store stats --directory .kabao/store --format json";

/// Tells what is in a store, in numbers.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = STATS_EXAMPLES)]
struct StatsArguments {
    #[command(flatten)]
    which: Which,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = StatsFormat::Text)]
    format: StatsFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StatsFormat {
    /// Lines for people.
    Text,
    /// One JSON object.
    Json,
}

pub(super) async fn run(arguments: StoreArguments) -> Result<ExitCode, ExitCode> {
    match arguments.command {
        StoreCommand::Check(arguments) => check::run(arguments.which.store()?).await,
        StoreCommand::Backup(arguments) => {
            backup::run(arguments.which.store()?, &arguments.target).await
        }
        StoreCommand::Stats(arguments) => {
            stats::run(arguments.which.store()?, arguments.format).await
        }
    }
}

/// A store, and what only its configuration knows.
struct Named {
    upkeep: Upkeep,
    /// How long changes are remembered.
    retention: Option<Duration>,
}

impl Which {
    fn store(self) -> Result<Named, ExitCode> {
        let (settings, retention) = match (self.directory, self.config) {
            (Some(directory), _) => {
                let mut settings = EmbeddedSettings::new(&directory);
                if let Some(key_file) = self.key_file {
                    settings.key_file = key_file;
                }
                (settings.into(), None)
            }
            (None, config) => {
                let file = config.unwrap_or_default();
                let environment = Environment::of_process();
                let settings = config::load(&file, &environment, clock::unix_seconds())
                    .map_err(|mistakes| refuse(&mistakes))?;
                let memory = settings.store.ok_or(ExitCode::FAILURE)?;
                (memory.store, Some(memory.journal.retention))
            }
        };
        Ok(Named {
            upkeep: Upkeep::new(settings),
            retention,
        })
    }
}
