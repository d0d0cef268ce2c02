//! How far a command is: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

/// A line so often where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// Tells on standard error how far a command is.
pub(crate) struct Meter {
    name: &'static str,
    bar: Option<ProgressBar>,
    total: usize,
    ended: usize,
    next: Instant,
}

impl Meter {
    pub(crate) fn new(name: &'static str, total: usize, ended: usize) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let length = u64::try_from(total).unwrap_or(u64::MAX);
            let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
            let style = "{msg} [{bar:40}] {pos} of {len}, {eta} left";
            bar.set_style(
                ProgressStyle::with_template(style)
                    .unwrap_or_else(|_| ProgressStyle::default_bar())
                    .progress_chars("=> "),
            );
            bar.set_message(name);
            bar
        });
        let meter = Self {
            name,
            bar,
            total,
            ended,
            next: Instant::now() + EVERY,
        };
        meter.show();
        meter
    }

    /// One more row has ended.
    pub(crate) fn step(&mut self) {
        self.ended += 1;
        match self.bar {
            Some(_) => self.show(),
            None if Instant::now() >= self.next => {
                self.next = Instant::now() + EVERY;
                self.say(&format!("{}: {} of {}", self.name, self.ended, self.total));
            }
            None => {}
        }
    }

    /// Prints a line, above the bar if there is one.
    pub(crate) fn say(&self, line: &str) {
        let print = || {
            // A reader that has gone away is no failure.
            let _ = writeln!(io::stderr().lock(), "{line}");
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&self) {
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(self.ended).unwrap_or(u64::MAX));
        }
    }
}
