//! Another process: a program that answers a line with a line, and what it has cost until now.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::Result;

/// Longer than any step takes; ten thousand accounts start within it.
const PATIENCE: Duration = Duration::from_secs(180);

/// Lines of a log that are shown.
const SHOWN: usize = 20;

/// A running program; killed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    log: PathBuf,
    id: u32,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Program {
    /// Starts a program. What it says on standard error goes to a file in `folder`.
    pub(crate) fn start(mut command: Command, folder: &Path, name: &str) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{name} does not start: {error}"))?;
        let (Some(id), Some(stdin), Some(stdout)) =
            (child.id(), child.stdin.take(), child.stdout.take())
        else {
            return Err(format!("{name} ended at once").into());
        };
        Ok(Self {
            name: name.to_owned(),
            log,
            id,
            stdin,
            lines: BufReader::new(stdout).lines(),
            _child: child,
        })
    }

    /// Waits for a line that starts with `word` and returns what follows it.
    pub(crate) async fn wait_for(&mut self, word: &str) -> Result<String> {
        let line = async {
            while let Some(line) = self.lines.next_line().await? {
                if let Some(rest) = line.strip_prefix(word) {
                    return Ok(rest.trim().to_owned());
                }
            }
            let said = fs::read_to_string(&self.log).unwrap_or_default();
            // Some programs say more than anybody reads.
            let said: Vec<&str> = said.lines().take(SHOWN).collect();
            let said = said.join("\n");
            Err(format!("{} ended before it said `{word}`:\n{said}", self.name).into())
        };
        match timeout(PATIENCE, line).await {
            Ok(line) => line,
            Err(_) => Err(format!("{} did not say `{word}` in time", self.name).into()),
        }
    }

    /// Asks one line and returns the answer, which starts with `word`.
    pub(crate) async fn ask(&mut self, question: &str, word: &str) -> Result<String> {
        self.stdin.write_all(question.as_bytes()).await?;
        self.stdin.write_all(b"\n").await?;
        self.stdin.flush().await?;
        self.wait_for(word).await
    }

    /// What the program said on standard error.
    pub(crate) fn said(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    /// The time that its threads have had on a core, in nanoseconds.
    pub(crate) fn on_core(&self) -> Result<u64> {
        let mut sum = 0_u64;
        for task in fs::read_dir(format!("/proc/{}/task", self.id))? {
            // A thread may end while it is looked at.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
                continue;
            };
            sum = sum.saturating_add(first_number(&text));
        }
        Ok(sum)
    }

    /// The memory that it occupies, in KiB.
    pub(crate) fn resident(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that it has occupied, in KiB.
    pub(crate) fn most_resident(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.id))?;
        Ok(kibibytes(&text, name).ok_or_else(|| format!("/proc/ID/status has no {name}"))?)
    }
}

fn first_number(schedstat: &str) -> u64 {
    let first = schedstat.split_ascii_whitespace().next();
    first.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_kernel_are_understood() {
        assert_eq!(first_number("123456789 42 7\n"), 123_456_789);
        let status = "Name:\tkabao\nVmHWM:\t  30000 kB\nVmRSS:\t   20480 kB\n";
        assert_eq!(kibibytes(status, "VmRSS:"), Some(20_480));
        assert_eq!(kibibytes("Name:\tkabao\n", "VmRSS:"), None);
    }
}
