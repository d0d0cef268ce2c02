//! `kabao-sandbox`: WeChat's membership-card servers on your machine.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kabao_sandbox::{AccountConfig, Running, Sandbox};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Runs WeChat's membership-card servers on your machine.
///
/// The sandbox verifies signatures, keeps state, answers and signs as WeChat does, for the three
/// API families: merchant (membercard-open), brand (card-member) and official account (/card/...).
/// It writes keys and credentials for four demo accounts, so that any client can talk to it, takes
/// accounts of your own while it runs, and
/// offers a control API that acts for users and operators and injects faults.
#[derive(Parser)]
#[command(name = "kabao-sandbox", version, after_help = CONTROL_HELP)]
struct Arguments {
    /// Address of the WeChat side (HTTPS with the sandbox's own CA).
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: String,

    /// Address of the control API (plain HTTP without authentication; keep it on loopback).
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8444")]
    control: String,

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

const CONTROL_HELP: &str = "\
Files:
  DIR/sandbox/ca.pem                      trust this for the WeChat side
  DIR/sandbox/ACCOUNT/account.json        mchid, brand_id, appid, serial_no, public_key_id, apiv3_key, app_secret
  DIR/sandbox/ACCOUNT/apiclient_key.pem   the account's private key (PKCS#8)
  DIR/sandbox/ACCOUNT/apiclient_cert.pem  the account's API certificate
  DIR/sandbox/ACCOUNT/pub_key.pem         the WeChat Pay public key
  ACCOUNT is demo-merchant, demo-brand, demo-brand-direct, demo-official-account or one of your own.

Control API (JSON; errors name the field; unknown members and query parameters are errors):
  GET  /healthz                       {\"status\":\"ok\"}
  GET  /state?family=                 templates and members of all families, or of one
  GET  /ledger?account=&operation=&since=
                                      every applied effect
  GET  /requests?account=&operation=&outcome=&since=&bodies=true
                                      every exchange: outcome, duration, checks passed, the one failed and why
                                      outcome is ok, refused, unanswered, a status or a code; secrets are left out
                                      both lists: &limit=N, &cursor=N for what follows; since by the sandbox's clock
  DELETE /requests                    forgets them
  GET  /clock                         the sandbox's time
  POST /clock                         {\"advance_seconds\":7200} or {\"set\":\"2026-12-31T23:59:00+08:00\"}
  GET  /settings                      every choice that WeChat's documents leave open
  PATCH /settings                     the same shape with only what changes
  GET  /faults                        faults that wait for a request
  POST /faults                        {\"operation\":\"merchant.user_cards.update\",\"times\":1,\"fault\":{\"kind\":\"drop_connection\",\"applied\":true}}
                                      conditions: operation, path (prefix), method, account
                                      kinds: hang, drop_connection, delay, status, rate_limited, errcode, redirect,
                                      huge_body, content_type, tamper_body, truncate_body, garbage_body, unsigned,
                                      missing_header, stale_timestamp, wrong_serial, bad_signature, sign_test,
                                      edit_json, replace_body
                                      edit_json changes the answer before it is signed: \"merge\" is a JSON merge patch
                                      (null removes), \"raw\" puts bytes in place of values, also such as are no JSON:
                                      {\"kind\":\"edit_json\",\"merge\":{\"level\":null},
                                       \"raw\":[{\"path\":\"/points\",\"value\":\"12.5\"},{\"path\":\"/a/0\",\"value\":{\"base64\":\"IhQi\"}}]}
                                      replace_body sends another answer, signed on request:
                                      {\"kind\":\"replace_body\",\"status\":202,\"headers\":{},\"body\":\"{}\"|{\"base64\":..},
                                       \"signed\":true,\"applied\":true}
  DELETE /faults                      removes them
  GET  /accounts?family=              credentials, permission, key phase, certificates
  GET  /accounts/ACCOUNT              the same with PEM texts
  POST /accounts                      {\"name\":\"acme\",\"family\":\"merchant|brand|brand_direct|official_account\"}
                                      optional: mchid, brand_id, appid, apiv3_key, app_secret, and certificate_pem or
                                      public_key_pem where the private key stays with you; the rest is made.
                                      Its requests are accepted at once; its folder is written below DIR/sandbox
  DELETE /accounts/ACCOUNT            removes an added account and its folder
  PATCH /accounts/ACCOUNT             {\"permitted\":false} or {\"key_phase\":\"certificates|migrating|stopped|public_key\"}
  POST /cards/claim                   {\"account\":..,\"card_id\":..,\"openid\":..,\"code\":..?,\"activated\":false?}
  POST /members/activate              {\"account\":..,\"card_id\":..,\"code\":..}
  POST /members/delete                the same: the user deletes the card
  POST /templates/approve, /reject    {\"account\":..,\"card_id\":..}
  POST /actions/ACCOUNT/ACTION        what only one family has, such as dynamic-code
  POST /keys/rotate                   {\"account\":..,\"key\":\"platform_certificate|sign_with_newest|public_key|client_certificate\"}
  POST /keys/revoke, /keys/restore    {\"account\":..,\"serial_no\":..?}
  POST /reset                         back to the state at start; {\"keys\":true} brings keys back, too,
                                      {\"accounts\":true} removes added accounts

Tickets (what must be so before an action gives one):
  official account, submit-form       activate_ticket: wx_activate and wx_activate_after_submit are set, the form was
                                      set by activateuserform/set, the member was claimed with \"activated\":false and is
                                      not active, every required field is filled in; good once, for two hours
                                      (wx_activate alone: the form activates; auto_activate: the claim does)
  official account, encrypt-code      encrypt_code: the member exists
  merchant, start-activation          encrypt_code and activate_ticket: the template is approved and valid with stock
                                      left, the user holds no active card of it; REAL_TIME needs \"code\"; each good once
  merchant, open-link                 the same, by a link that was made for JUMP_ACTIVATE
  brand, join / open-payment-code     takes a token that the account's own call made for this user and template,
                                      unused and not expired

Logs: set KABAO_LOG to a level or filter, such as debug or kabao_sandbox=debug (default warn).";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ran = match install_log() {
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

/// Writes log lines to standard error, as many as `KABAO_LOG` says.
fn install_log() -> Result<(), Box<dyn Error>> {
    let filter = match std::env::var("KABAO_LOG") {
        Ok(filter) if !filter.is_empty() => filter
            .parse::<Targets>()
            .map_err(|error| format!("KABAO_LOG {filter:?}: {error}"))?,
        _ => Targets::new().with_default(LevelFilter::WARN),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init()?;
    Ok(())
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let mut sandbox = Sandbox::builder()
        .listen(arguments.listen)
        .control(arguments.control)
        .directory(arguments.dir)
        .demo(!arguments.empty);
    for account in arguments.accounts {
        sandbox = sandbox.account(account);
    }
    let running = sandbox.start().await?;
    announce(&running)?;
    stop_signal().await?;
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

/// Waits for ctrl-c or SIGTERM.
async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
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
