//! `kabao-sandbox`: WeChat's membership-card servers on your machine.

#[cfg(kabao_bench_without_rsa)]
compile_error!("signatures without RSA prove nothing: they are for benchmarks alone");

mod log;
mod stop;

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kabao_sandbox::{AccountConfig, Running, Sandbox};

use self::stop::Stop;

/// Runs WeChat's membership-card servers on your machine.
///
/// The sandbox verifies signatures, keeps state, answers and signs as WeChat does, for the three
/// API families: merchant (membercard-open), brand (card-member) and official account (/card/...).
/// It writes keys and credentials for four demo accounts, so that any client can talk to it, takes
/// accounts of your own while it runs, and
/// offers a control API that acts for users and operators and injects faults.
#[derive(Parser)]
#[command(name = "kabao-sandbox", version, after_help = FILES_HELP, after_long_help = help())]
struct Arguments {
    /// Address of the WeChat side (HTTPS with the sandbox's own CA).
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: String,

    /// Address of the control API (plain HTTP without authentication; keep it on loopback).
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8444")]
    control: String,

    /// A host name by which the control API is reached, besides addresses and localhost; may be repeated.
    #[arg(long = "control-host", value_name = "NAME")]
    control_hosts: Vec<String>,

    /// Directory for keys and credentials; they survive restarts. Everything goes below DIR/sandbox.
    /// It belongs to one process at a time; DIR/lock holds its id.
    #[arg(long, value_name = "DIR", default_value = ".kabao")]
    dir: PathBuf,

    /// Start without demo templates and members; the demo accounts exist all the same.
    #[arg(long)]
    empty: bool,

    /// Add an account of FAMILY merchant, brand, brand_direct or official_account; may be repeated.
    /// Its numbers are made up from its name; DIR/sandbox/NAME/account.json has them.
    #[arg(long = "account", value_name = "NAME=FAMILY")]
    accounts: Vec<AccountConfig>,
}

const FILES_HELP: &str = "\
Files:
  DIR/sandbox/ca.pem                      trust this for the WeChat side
  DIR/sandbox/ACCOUNT/account.json        mchid, brand_id, appid, serial_no, public_key_id, apiv3_key, app_secret
  DIR/sandbox/ACCOUNT/apiclient_key.pem   the account's private key (PKCS#8)
  DIR/sandbox/ACCOUNT/apiclient_cert.pem  the account's API certificate
  DIR/sandbox/ACCOUNT/pub_key.pem         the WeChat Pay public key
  ACCOUNT is demo-merchant, demo-brand, demo-brand-direct, demo-official-account or one of your own.
";

const LOGS_HELP: &str = "\
Logs: set KABAO_LOG to a level or filter, such as debug or kabao_sandbox=debug (default warn).";

/// What stands behind the options.
fn help() -> String {
    format!(
        "{FILES_HELP}\n{}\n{LOGS_HELP}",
        kabao_sandbox::control_help()
    )
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ran = match log::install() {
        Ok(()) => run(arguments).await,
        Err(error) => Err(error),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    // First of all, so that no signal that comes early kills it.
    let mut stop = Stop::install()?;
    let mut sandbox = Sandbox::builder()
        .listen(arguments.listen)
        .control(arguments.control)
        .directory(arguments.dir)
        .demo(!arguments.empty);
    for name in arguments.control_hosts {
        sandbox = sandbox.control_host(name);
    }
    for account in arguments.accounts {
        sandbox = sandbox.account(account);
    }
    let running = tokio::select! {
        running = sandbox.start() => running?,
        () = stop.asked() => return Ok(()),
    };
    announce(&running)?;
    stop.asked().await;
    running.shutdown().await;
    Ok(())
}

/// Prints where everything is; `kabao-sandbox ready` stands on a line of its own.
fn announce(running: &Running) -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    writeln!(text, "WeChat side   {}", running.base_url())?;
    writeln!(text, "control API   http://{}", running.control_addr())?;
    if let Some(files) = running.files() {
        writeln!(text, "files         {}", files.display())?;
    }
    for account in running.accounts() {
        writeln!(text, "account       {} ({})", account.name, account.family)?;
    }
    writeln!(text, "kabao-sandbox ready")?;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Prints an error with its causes, once.
fn report(error: &dyn Error) {
    let mut text = format!("kabao-sandbox: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text.push('\n');
    // Nothing is left to do if standard error is gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
