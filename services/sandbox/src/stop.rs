//! How the process is asked to end.

#[cfg(unix)]
pub(crate) use self::unix::Stop;

#[cfg(unix)]
mod unix {
    use std::io::{self, IsTerminal as _};

    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// The signals that would kill it otherwise.
    pub(crate) struct Stop {
        interrupt: Signal,
        terminate: Signal,
        hang_up: Signal,
        had_terminal: bool,
    }

    impl Stop {
        /// From here on none of them kills the process.
        pub(crate) fn install() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
                had_terminal: has_terminal(),
            })
        }

        /// Waits until somebody asks for the end: by SIGINT, by SIGTERM, or by closing the terminal. Any other SIGHUP asks
        /// for a configuration to be read again, and there is none.
        pub(crate) async fn asked(&mut self) {
            loop {
                tokio::select! {
                    _ = self.interrupt.recv() => return,
                    _ = self.terminate.recv() => return,
                    _ = self.hang_up.recv() => {
                        if self.had_terminal && !has_terminal() {
                            return;
                        }
                        tracing::warn!("SIGHUP is ignored: there is no configuration to read again");
                    }
                }
            }
        }
    }

    /// One that was closed is none any more.
    fn has_terminal() -> bool {
        io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
    }
}

/// Elsewhere there is ctrl-c alone.
#[cfg(not(unix))]
pub(crate) struct Stop;

#[cfg(not(unix))]
impl Stop {
    pub(crate) fn install() -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn asked(&mut self) {
        // Without it nobody could ask.
        let _ = tokio::signal::ctrl_c().await;
    }
}
