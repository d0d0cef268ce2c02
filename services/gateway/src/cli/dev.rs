//! `kabao dev`

use std::process::ExitCode;

use super::DevArguments;
use super::output::{print, report};
use super::serve::end;
use crate::config::{LogFormat, LogSettings, TelemetrySettings};
use crate::dev::{Content, Dev, DevOptions};
use crate::signals::{HangUps, Signals, Terminal};
use crate::telemetry::Telemetry;

pub(super) async fn run(arguments: DevArguments) -> Result<ExitCode, ExitCode> {
    let log = LogSettings {
        format: LogFormat::Text,
        level: arguments.log,
    };
    let telemetry =
        Telemetry::install(&log, &TelemetrySettings::default()).map_err(|error| report(&error))?;
    let terminal = Terminal::of_process();
    let mut hang_ups = HangUps::install().map_err(|error| report(&error))?;
    let mut signals = Signals::install().map_err(|error| report(&error))?;
    let options = DevOptions {
        directory: Some(arguments.dir),
        accounts: arguments.accounts,
        content: match arguments.empty {
            true => Content::Empty,
            false => Content::Demo,
        },
        grpc: arguments.grpc,
        open: arguments.open,
        admin: arguments.admin,
        sandbox: arguments.sandbox,
        control: arguments.control,
        control_hosts: arguments.control_hosts,
    };
    let dev = tokio::select! {
        started = Dev::start(options) => started.map_err(|error| report(&error))?,
        signal = signals.next() => return Ok(ExitCode::from(128 + signal)),
    };
    print(&format_args!("{}\nkabao ready\n", dev.banner()));

    loop {
        tokio::select! {
            _ = signals.next() => break,
            () = hang_ups.next() => {
                if terminal.is_gone() {
                    break;
                }
                tracing::warn!("SIGHUP is ignored: there is no configuration to read again");
            }
        }
    }
    let code = end(&mut signals, async {
        dev.stop().await;
        telemetry.flush().await;
    });
    Ok(code.await)
}
