//! `kabao audit`: whether a log is whole, and what stands for a member in it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};

use super::check::refuse;
use super::output::{complain, fail, print, report};
use crate::audit::{AuditKeys, AuditOutput, Flaw, Hash, Verified, files_of, verify};
use crate::clock;
use crate::config::{self, Environment};

const EXAMPLES: &str = "\
Examples:
  kabao audit verify --config /etc/kabao/kabao.toml
  kabao audit hash --config /etc/kabao/kabao.toml accounts/acme/templates/pbLat/members/478515832665

Both only read. A gateway may run meanwhile. docs/audit.md describes the records.";

/// Looks into the audit log: who has changed what, and who was refused.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct AuditArguments {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    Verify(VerifyArguments),
    Hash(HashArguments),
}

/// Where the key is, and the log.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").args(["config", "key_file"]).required(true))]
struct Which {
    /// The configuration of the gateway, whose [audit] names key and files.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The key file, in place of a configuration.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

const VERIFY_EXAMPLES: &str = "\
Every record proves itself with the key and names the one before, so no record can be changed, put in or taken out
without the key unnoticed. What goes unnoticed is that records were cut off at the end: keep the number and the hash of
the last record elsewhere (they are printed here, logged at each start, and the number is a metric), and ask for the
hash with --contains.

Files may come in any order. A gateway that writes meanwhile may leave a line that is not finished.

A log begins with record 1. That its oldest files are not there is right only if the configuration says how many are
kept (`keep`) and as many are, or if --partial says that they are elsewhere.

Examples:
  kabao audit verify --config /etc/kabao/kabao.toml
  kabao audit verify --key-file /safe/audit.key /archive/audit.jsonl.*
  kabao audit verify --key-file /safe/audit.key --partial /archive/audit.jsonl.000000004711
  kabao audit verify --config /etc/kabao/kabao.toml --contains HASH

Exit codes:
  0  nothing is wrong
  1  something is; the first line that is not what was written is named on standard error, with its file
  2  the command line cannot be understood
  3  what is there is what was written, but the beginning is missing";

/// Verifies that a log is what was written.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = VERIFY_EXAMPLES)]
struct VerifyArguments {
    #[command(flatten)]
    which: Which,
    /// The hash of a record that must be in the log.
    #[arg(long, value_name = "HASH", value_parser = hash)]
    contains: Option<Hash>,
    /// Takes it for right that the oldest files are elsewhere.
    #[arg(long)]
    partial: bool,
    /// The files of the log; those of the configuration if none is named.
    #[arg(value_name = "LOG", required_unless_present = "config")]
    logs: Vec<PathBuf>,
}

const HASH_EXAMPLES: &str = "\
A record has the names of what is changed as keyed hashes in `names`: of a member its full name, its code, and its
openid as far as the call had it; of a template its full name. With a key file of several keys there is a line for each.

Examples:
  kabao audit hash --config kabao.toml accounts/acme/templates/pbLat/members/478515832665
  grep -F -f <(kabao audit hash --config kabao.toml 478515832665) /var/log/kabao/audit.jsonl*";

/// Prints what stands for a name in the log.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = HASH_EXAMPLES)]
struct HashArguments {
    #[command(flatten)]
    which: Which,
    /// The full name of a member or a template, a code, or an openid.
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

pub(super) fn run(arguments: AuditArguments) -> ExitCode {
    let (Ok(code) | Err(code)) = match arguments.command {
        AuditCommand::Verify(arguments) => run_verify(arguments),
        AuditCommand::Hash(arguments) => run_hash(arguments),
    };
    code
}

/// The exit code for a log without its beginning.
const WITHOUT_BEGINNING: u8 = 3;

/// The keys, and the file of the log if a configuration names it, with how many old ones stay beside it.
struct Named {
    keys: AuditKeys,
    log: Option<(PathBuf, Option<usize>)>,
}

impl Which {
    fn named(self) -> Result<Named, ExitCode> {
        let (key_file, log) = match (self.key_file, self.config) {
            (Some(key_file), _) => (key_file, None),
            (None, config) => {
                let file = config.unwrap_or_default();
                let environment = Environment::of_process();
                let settings = config::load(&file, &environment, clock::unix_seconds())
                    .map_err(|mistakes| refuse(&mistakes))?;
                let audit = settings.audit.ok_or_else(|| {
                    fail("the configuration has no audit log: [audit] names none")
                })?;
                let log = match audit.output {
                    AuditOutput::File { path, keep, .. } => Some((path, keep)),
                    AuditOutput::Stdout => None,
                };
                (audit.key_file, log)
            }
        };
        let keys = AuditKeys::read(&key_file).map_err(|error| report(&error))?;
        Ok(Named { keys, log })
    }
}

fn run_verify(arguments: VerifyArguments) -> Result<ExitCode, ExitCode> {
    let named = arguments.which.named()?;
    let (files, keep) = match (arguments.logs, named.log) {
        (logs, None) if logs.is_empty() => {
            return Err(fail("name the files: the log goes to standard output"));
        }
        (logs, Some((log, keep))) if logs.is_empty() => {
            (files_of(&log).map_err(|error| report(&error))?, keep)
        }
        (logs, _) => (logs, None),
    };
    if files.is_empty() {
        return Err(fail("there is no file of the audit log yet"));
    }
    match verify(&files, &named.keys, arguments.contains) {
        Ok(verified) if arguments.contains.is_some() && !verified.has_anchor => Err(fail(
            "the log has no record of this hash: records were cut off, or it is another log",
        )),
        Ok(verified) => {
            print(&format_args!("{}", whole(&verified, files.len())));
            let first = verified.records.map_or(1, |(first, _)| first);
            // The present file and as many old ones.
            let is_kept = keep.is_some_and(|keep| files.len() > keep);
            if first == 1 || is_kept || arguments.partial {
                return Ok(ExitCode::SUCCESS);
            }
            complain(&format_args!("kabao: {}", beginning(first, keep)));
            Ok(ExitCode::from(WITHOUT_BEGINNING))
        }
        Err(Flaw {
            file,
            line: 0,
            what,
        }) => Err(fail(&format!("{} {what}", file.display()))),
        Err(Flaw { file, line, what }) => Err(fail(&format!("{}:{line} {what}", file.display()))),
    }
}

/// Says what is not there of a log whose first record has this number.
fn beginning(first: u64, keep: Option<usize>) -> String {
    let missing = first.saturating_sub(1);
    let why = match keep {
        Some(keep) => format!("fewer old files are there than are kept (`keep = {keep}`)"),
        None => "the oldest files are not there, and nothing says that they may go".to_owned(),
    };
    format!("records 1 to {missing} are missing: {why}; if they are elsewhere, say --partial")
}

fn whole(verified: &Verified, files: usize) -> String {
    let files = match files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    let Some((first, last)) = verified.records else {
        return format!("whole: no records in {files}\n");
    };
    let mut text = format!(
        "whole: records {first} to {last} in {files}\nlast   {}\n",
        verified.hash
    );
    if first > 1 {
        text.push_str("note: what was before the first record is not in these files\n");
    }
    for (count, what) in [
        (
            verified.left_out,
            "records were left out for want of room, as the log itself tells",
        ),
        (
            verified.torn,
            "bytes were left by crashes, as the log itself tells",
        ),
        (
            verified.unfinished,
            "bytes at the end are an unfinished line: a crash, or a gateway that writes just now",
        ),
    ] {
        if count > 0 {
            text.push_str(&format!("note: {count} {what}\n"));
        }
    }
    text
}

fn run_hash(arguments: HashArguments) -> Result<ExitCode, ExitCode> {
    let named = arguments.which.named()?;
    for name in &arguments.names {
        for key in named.keys.iter() {
            print(&format_args!("{}\n", key.name(name)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn hash(text: &str) -> Result<Hash, String> {
    Hash::parse(text).ok_or_else(|| "must be 64 lower-case hexadecimal digits".to_owned())
}
