//! `kabao serve`, and how both long-running commands end.

use std::path::PathBuf;
use std::process::ExitCode;

use super::check::refuse;
use super::output::{print, report};
use crate::clock;
use crate::config::{Environment, Source, Summary};
use crate::core_dumps::CoreDumps;
use crate::gateway::Gateway;
use crate::reload::Trigger;
use crate::signals::{HangUps, Signals};
use crate::telemetry::Telemetry;

pub(super) async fn run(file: PathBuf) -> Result<ExitCode, ExitCode> {
    // First of all, so that one that comes early does not kill.
    let mut hang_ups = HangUps::install().map_err(|error| report(&error))?;
    // Before anything secret is read.
    let core_dumps = CoreDumps::off();
    let now = clock::unix_seconds();
    let source = Source::new(file, Environment::of_process());
    let loaded = source.load(now).map_err(|mistakes| refuse(&mistakes))?;
    let settings = loaded.settings.clone();
    let telemetry =
        Telemetry::install(&settings.log, &settings.telemetry).map_err(|error| report(&error))?;
    if let Err(error) = core_dumps.and_then(|dumps| dumps.settle(settings.process.core_dumps)) {
        tracing::warn!(%error, "core dumps cannot be switched off; they would hold keys and personal data");
    }
    let mut signals = Signals::install().map_err(|error| report(&error))?;
    for warning in Summary::new(&settings, now).doubts() {
        tracing::warn!("{warning}");
    }
    let gateway = Gateway::start_from(source, loaded)
        .await
        .map_err(|error| report(&error))?;
    gateway.connect().await;
    gateway.ready();
    tracing::info!(grpc = %gateway.grpc(), admin = %gateway.admin(), accounts = settings.accounts.len(), "ready");
    print(&"kabao ready\n");

    let signal = loop {
        tokio::select! {
            signal = signals.next() => break signal,
            () = hang_ups.next() => {
                if let Some(reloader) = gateway.reloader() {
                    // A second one that comes meanwhile waits for its turn.
                    let reloader = reloader.clone();
                    tokio::spawn(async move { reloader.reload(Trigger::Signal).await });
                }
            }
        }
    };
    tracing::info!(signal, "asked to end");
    let code = end(&mut signals, async {
        gateway.drain().await;
        telemetry.flush().await;
    });
    Ok(code.await)
}

/// Ends in order, or at once when a second signal says so.
pub(super) async fn end(signals: &mut Signals, in_order: impl Future<Output = ()>) -> ExitCode {
    tokio::select! {
        () = in_order => ExitCode::SUCCESS,
        signal = signals.next() => {
            tracing::warn!(signal, "asked a second time, ending at once");
            ExitCode::from(128 + signal)
        }
    }
}
