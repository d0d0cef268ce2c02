//! `kabao import`, `adjust`, `update` and `export`: many members at once, from files.

mod help;
mod outcome;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, value_parser};
use kabao_api::{RequestId, TemplateName};

use self::outcome::{changed, exported, refused};
use super::output::report;
use crate::bulk::{Adjust, Changes, Export, Format, Import, Kind, Server, Update};
use crate::signals::Signals;

/// Adds or sets points of the members in a file.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = help::ADJUST)]
pub(super) struct AdjustArguments {
    #[command(flatten)]
    changes: ChangesArguments,
}

/// Changes fields of the members in a file.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = help::UPDATE)]
pub(super) struct UpdateArguments {
    #[command(flatten)]
    changes: ChangesArguments,
}

/// Makes cards for the users in a file, who are members already.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = help::IMPORT)]
pub(super) struct ImportArguments {
    #[command(flatten)]
    changes: ChangesArguments,
}

/// Reads the members in a list, and writes them into a file.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = help::EXPORT)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    common: CommonArguments,
    /// The file to write, CSV or JSON lines as its name ends; made with mode 0600. One that is there goes on.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

/// What all commands have.
#[derive(Debug, Args)]
struct CommonArguments {
    /// The rows: CSV with a header row, or JSON lines.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// How they are written, if the name does not end in .csv or .jsonl.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The template of all rows that name none: accounts/ACCOUNT/templates/CARD_ID.
    #[arg(long, value_name = "TEMPLATE", value_parser = template)]
    parent: Option<TemplateName>,
    /// The gateway.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50051", value_parser = address)]
    server: String,
    /// The authority of the gateway's certificate, in PEM. Without it, plain text is spoken.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The certificate to show to a gateway that wants one, in PEM.
    #[arg(long, value_name = "FILE", requires = "key", requires = "ca")]
    cert: Option<PathBuf>,
    /// Its private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// A file with the bearer token to show, and nothing else. It is sent over TLS (--ca) or to this machine.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Rows a second. A row of the family brand makes one call of WeChat, which allows 10 a second and merchant
    /// number, and 5 of updates and reads where a brand calls directly. In the other families it makes up to three,
    /// and no such limit is documented.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(1..=10_000), verbatim_doc_comment)]
    rate: u32,
    /// How often a row is tried that may pass, with growing waits.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = value_parser!(u32).range(1..=100))]
    tries: u32,
    /// Leaves rows with faults out, and writes them into the error file, instead of doing nothing at all.
    #[arg(long)]
    skip_invalid: bool,
    /// Where refused rows are written; beside the file if not given: points.errors.csv for points.csv.
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
}

/// What commands have that change something.
#[derive(Debug, Args)]
struct ChangesArguments {
    #[command(flatten)]
    common: CommonArguments,
    /// The id of the file as a whole, from which those of its rows follow: a UUID, or at most 32 letters, digits,
    /// - and _. Follows from what the rows say if not given.
    #[arg(long, value_name = "ID", value_parser = request_id, verbatim_doc_comment)]
    batch_id: Option<RequestId>,
    /// Where it is kept what became of each row; FILE.state beside the file if not given.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

pub(super) async fn adjust(arguments: AdjustArguments) -> Result<ExitCode, ExitCode> {
    change::<Adjust>(arguments.changes).await
}

pub(super) async fn update(arguments: UpdateArguments) -> Result<ExitCode, ExitCode> {
    change::<Update>(arguments.changes).await
}

pub(super) async fn import(arguments: ImportArguments) -> Result<ExitCode, ExitCode> {
    change::<Import>(arguments.changes).await
}

pub(super) async fn export(arguments: ExportArguments) -> Result<ExitCode, ExitCode> {
    let mut signals = Signals::install().map_err(|error| report(&error))?;
    let ExportArguments { common, output } = arguments;
    let server = common.server();
    let export = Export {
        file: common.file,
        format: common.format,
        output,
        server,
        parent: common.parent,
        rate: common.rate,
        tries: common.tries,
        skips_invalid: common.skip_invalid,
        errors: common.errors,
    };
    let summary = export.run(&mut signals).await;
    let summary = summary.map_err(|error| refused(&export.file, &error))?;
    Ok(exported(&export, &summary))
}

async fn change<K: Kind>(arguments: ChangesArguments) -> Result<ExitCode, ExitCode> {
    let mut signals = Signals::install().map_err(|error| report(&error))?;
    let ChangesArguments {
        common,
        batch_id,
        state,
    } = arguments;
    let server = common.server();
    let changes = Changes {
        file: common.file,
        format: common.format,
        server,
        parent: common.parent,
        batch_id,
        rate: common.rate,
        tries: common.tries,
        skips_invalid: common.skip_invalid,
        state,
        errors: common.errors,
    };
    if changes.file == Path::new("-") {
        let text = "--file - is standard input, which cannot be resumed; put the rows into a file";
        return Err(super::output::fail(text));
    }
    let summary = changes.run::<K>(&mut signals).await;
    let summary = summary.map_err(|error| refused(&changes.file, &error))?;
    Ok(changed(K::NAME, &changes, &summary))
}

impl CommonArguments {
    fn server(&self) -> Server {
        Server {
            address: self.server.clone(),
            authority: self.ca.clone(),
            identity: self.cert.clone().zip(self.key.clone()),
            token: self.token_file.clone(),
        }
    }
}

fn template(text: &str) -> Result<TemplateName, String> {
    text.parse()
        .map_err(|_| "must be accounts/{account}/templates/{card_id}".to_owned())
}

fn request_id(text: &str) -> Result<RequestId, String> {
    RequestId::new(text).map_err(|_| {
        "must be a UUID, or at most 32 letters, digits, hyphens and underscores".to_owned()
    })
}

fn address(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port))
            if !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok() =>
        {
            Ok(text.to_owned())
        }
        _ => Err("must be HOST:PORT, such as 127.0.0.1:50051; --ca makes it TLS".to_owned()),
    }
}
