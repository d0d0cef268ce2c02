//! The command line: `kabao dev`, `serve`, `check`, `reload`, `policy`, `audit`, `store`, and what works on many
//! members: `import` and its like.

mod audit;
mod bulk;
mod check;
mod dev;
mod output;
mod policy;
mod reload;
mod serve;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};
use kabao_sandbox::AccountConfig;
use tokio::runtime;

use self::audit::AuditArguments;
use self::bulk::{AdjustArguments, ExportArguments, ImportArguments, UpdateArguments};
use self::output::{fail, report};
use self::policy::PolicyArguments;
use self::reload::ReloadArguments;
use self::store::StoreArguments;
use crate::telemetry::filter;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  kabao dev                              try everything on this machine
  kabao check --config kabao.toml        before a deployment
  kabao serve --config kabao.toml        in production
  kabao reload                           after its configuration has changed
  kabao store check --config kabao.toml  whether the memory of changes is sound
  kabao adjust --file points.csv         add points to many members, each once

Exit codes:
  0    ended as asked, or the configuration is good
  1    the configuration, a file or an address cannot be used, or not all is done; standard error says why
  2    the command line cannot be understood
  130  interrupted a second time while draining (143 if terminated)";

/// One typed gRPC API in front of WeChat membership cards.
///
/// Callers of any language use gRPC and never see a WeChat secret; kabao signs, verifies, and speaks all three
/// generations of WeChat's API.
#[derive(Debug, Parser)]
#[command(name = "kabao", version, about, long_about, verbatim_doc_comment, after_help = EXAMPLES, styles = STYLES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dev(DevArguments),
    Serve(ServeArguments),
    Check(CheckArguments),
    Reload(ReloadArguments),
    Policy(PolicyArguments),
    Audit(AuditArguments),
    Store(StoreArguments),
    Import(ImportArguments),
    Adjust(AdjustArguments),
    Update(UpdateArguments),
    Export(ExportArguments),
}

const DEV_EXAMPLES: &str = "\
Examples:
  kabao dev
  kabao dev --dir /tmp/kabao --grpc 127.0.0.1:0      a free port; see /tmp/kabao/ready.json
  kabao dev --empty --account acme=brand             no demo data, and an account of your own

The directory holds, for foreign clients of the sandbox:
  sandbox/ca.pem                      the authority of its TLS certificate
  sandbox/demo-merchant/, ...         keys, certificates and account.json of each account
  ready.json                          the actual addresses, there while kabao is ready
  store/                              the memory of changes, which begins anew with each start, as the sandbox does
  audit.jsonl, audit.key              who has changed what; see kabao audit verify

A directory belongs to one process at a time; DIR/lock holds its id. SIGTERM, SIGINT and a terminal that is closed
end it in order; any other SIGHUP is ignored, since there is no configuration to read again.";

/// Runs the gateway together with a sandbox of WeChat's servers; needs no WeChat account.
///
/// Keys are made up and kept in the directory, the demo accounts have a template and a member each. When
/// everything answers, `kabao ready` is printed on a line of its own.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = DEV_EXAMPLES)]
struct DevArguments {
    /// Where keys and files for clients of the sandbox are kept.
    #[arg(long, value_name = "DIR", default_value = ".kabao")]
    dir: PathBuf,
    /// Starts without templates and members; the demo accounts exist all the same.
    #[arg(long)]
    empty: bool,
    /// Adds an account of FAMILY merchant, brand, brand_direct or official_account; may be repeated. Its numbers are
    /// made up from its name; DIR/sandbox/NAME/account.json has them.
    #[arg(long = "account", value_name = "NAME=FAMILY", verbatim_doc_comment)]
    accounts: Vec<AccountConfig>,
    /// Where callers reach the gateway. Port 0 takes a free one, here and below.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    grpc: SocketAddr,
    /// Lets --grpc be an address that other machines reach: whoever does may use every account and operation.
    #[arg(long)]
    open: bool,
    /// Where /healthz, /readyz and /metrics are.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    admin: SocketAddr,
    /// Where the sandbox plays WeChat, over HTTPS.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    sandbox: SocketAddr,
    /// Where the sandbox takes orders, over plain HTTP: claim a card, move the clock, inject a fault.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8444")]
    control: SocketAddr,
    /// A host name by which --control is reached, besides addresses and localhost; may be repeated.
    #[arg(long = "control-host", value_name = "NAME")]
    control_hosts: Vec<String>,
    /// What is logged to standard error.
    #[arg(long, value_name = "LEVEL", default_value = "warn,kabao_grpc=info", value_parser = level)]
    log: String,
}

/// What `kabao serve` says after its options; with `--help`, the documented configuration follows.
macro_rules! serve_notes {
    () => {
        "\
Environment variables override the file: KABAO__SECTION__KEY, with two underscores between the parts of a
key, such as KABAO__GRPC__LISTEN or KABAO__GRPC__LIMITS__MAX_CONNECTIONS. An account is named by its id:
KABAO__ACCOUNTS__ACME_BRAND__MCHID.

The configuration and every file that it names are read again on SIGHUP, on `kabao reload`, and when one of them
has changed (reload.poll). Accounts, callers and the policy are taken over as a whole, or refused with all mistakes,
which the log lists. What is in the files of [grpc.tls] and [grpc.jwt] is exchanged by itself, without a connection
that drops. Everything else waits for a restart.

On SIGTERM or SIGINT the gateway withdraws its readiness, waits shutdown.pre_drain, accepts no more
connections, lets calls in flight end for at most shutdown.drain_deadline, and exits with 0. A second
signal ends it at once.

Example:
  KABAO__LOG__LEVEL=debug kabao serve --config /etc/kabao/kabao.toml"
    };
}

const SERVE_HELP: &str = concat!(
    serve_notes!(),
    "\n\nConfiguration:\n\n",
    include_str!("../kabao.example.toml")
);

/// Runs the gateway with a configuration file.
///
/// Prints `kabao ready` on a line of its own when calls are welcome. Log lines go to standard error.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = serve_notes!(), after_long_help = SERVE_HELP)]
struct ServeArguments {
    /// The configuration in TOML.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

const CHECK_EXAMPLES: &str = "\
Looks at everything that `kabao serve` would stumble over, and at all of it in one go: syntax, unknown keys,
addresses, files, whether keys and certificates belong together and are still valid. It opens no port, and
sends nothing unless --online says so. What is good is summed up without secrets.

Examples:
  kabao check --config kabao.toml
  kabao check --config kabao.toml --online      finds a replaced key before callers do

Exit codes:
  0  the configuration is good, and so is every account if --online was given
  1  it has mistakes, or WeChat does not take an account; each is a line on standard error, with a remedy";

/// Lists everything that is wrong with a configuration file.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = CHECK_EXAMPLES)]
struct CheckArguments {
    /// The configuration in TOML.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Also asks WeChat whether it takes each account's credentials and keys: a read call or two, a download of
    /// platform certificates, a token. Nothing that a running gateway holds becomes invalid.
    #[arg(long, verbatim_doc_comment)]
    online: bool,
}

/// Runs the command line of this process and returns its exit code.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        return fail("another TLS provider is installed already");
    }
    match cli.command {
        Command::Check(arguments) => block_on(check::run(arguments.config, arguments.online)),
        Command::Serve(arguments) => block_on(serve::run(arguments.config)),
        Command::Dev(arguments) => block_on(dev::run(arguments)),
        Command::Reload(arguments) => block_on(reload::run(arguments)),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Store(arguments) => block_on(store::run(arguments)),
        Command::Import(arguments) => block_on(bulk::import(arguments)),
        Command::Adjust(arguments) => block_on(bulk::adjust(arguments)),
        Command::Update(arguments) => block_on(bulk::update(arguments)),
        Command::Export(arguments) => block_on(bulk::export(arguments)),
    }
}

fn level(text: &str) -> Result<String, String> {
    filter(text).map(|_| text.to_owned())
}

fn block_on(command: impl Future<Output = Result<ExitCode, ExitCode>>) -> ExitCode {
    match runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let (Ok(code) | Err(code)) = runtime.block_on(Box::pin(command));
            // Blocking work that still runs must not hold up the end.
            runtime.shutdown_background();
            code
        }
        Err(error) => report(&error),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_every_command_explains_itself() {
        Cli::command().debug_assert();
        let mut command = Cli::command();
        command.build();
        let mut names = Vec::new();
        explains_itself(&mut command, &mut names);
        assert_eq!(
            names,
            [
                "kabao dev",
                "kabao serve",
                "kabao check",
                "kabao reload",
                "kabao policy explain",
                "kabao policy",
                "kabao audit verify",
                "kabao audit hash",
                "kabao audit",
                "kabao store check",
                "kabao store backup",
                "kabao store stats",
                "kabao store",
                "kabao import",
                "kabao adjust",
                "kabao update",
                "kabao export",
                "kabao"
            ]
        );
    }

    fn explains_itself(command: &mut clap::Command, names: &mut Vec<String>) {
        let name = |command: &clap::Command| command.get_name() == "help";
        for command in command
            .get_subcommands_mut()
            .filter(|command| !name(command))
        {
            explains_itself(command, names);
        }
        let help = command.render_long_help().to_string();
        assert!(help.contains("Example"), "{help}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 120),
            "{help}"
        );
        let name = command.get_bin_name().unwrap_or(command.get_name());
        names.push(name.to_owned());
    }

    #[test]
    fn serve_has_no_default_configuration() {
        let error = Cli::try_parse_from(["kabao", "serve"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
