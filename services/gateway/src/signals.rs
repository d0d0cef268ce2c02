//! SIGTERM, SIGINT and SIGHUP.

use std::io::{self, IsTerminal as _};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The two signals that ask a process to end.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// The signal that asks a process to read its configuration again.
#[derive(Debug)]
pub(crate) struct HangUps(Signal);

impl HangUps {
    /// From here on the signal no longer kills the process.
    pub(crate) fn install() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for the next one; several that come at once may be one.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // There will be no other one.
            std::future::pending::<()>().await;
        }
    }
}

/// Whether the process has a terminal. Whoever closes it means to end what runs in it, and the system says so by the very
/// signal by which an operator has a configuration read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    was_there: bool,
}

impl Terminal {
    /// The one that standard input or one of the outputs is.
    pub(crate) fn of_process() -> Self {
        Self {
            was_there: is_there(),
        }
    }

    /// Tells whether it was closed.
    pub(crate) fn is_gone(self) -> bool {
        self.was_there && !is_there()
    }
}

/// One that was closed is none any more.
fn is_there() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}

impl Signals {
    /// From here on the signals no longer kill the process.
    pub(crate) fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next signal and returns its number.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 15,
            _ = self.interrupt.recv() => 2,
        }
    }
}
