//! Who runs on which core, and that none of them falls asleep.
//!
//! The program under test has the first core for itself; whatever calls it and whatever it calls share the second.
//! A core that idles between two packets takes longer to wake up than a whole call takes, so each is kept awake by
//! a loop that every other program outranks.

use std::ffi::OsStr;
use std::path::Path;

use tokio::process::Command;

use crate::Result;
use crate::process::Program;
use crate::role::Role;

/// Where programs are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Core {
    /// The program under test.
    Tested,
    /// Everything else.
    Rest,
}

/// What this machine allows.
#[derive(Clone, Debug)]
pub(crate) struct Cores {
    pinned: bool,
    /// What cannot be done, in words.
    pub(crate) remarks: Vec<String>,
}

impl Cores {
    pub(crate) fn of_machine() -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let mut remarks = Vec::new();
        let pinned = count > 1 && is_installed("taskset");
        if count == 1 {
            remarks.push("one core: everything shares it".to_owned());
        } else if !pinned {
            remarks
                .push("taskset is not installed: programs are not kept on their cores".to_owned());
        }
        Self { pinned, remarks }
    }

    /// A command for `program` on a core.
    pub(crate) fn command(&self, core: Core, program: impl AsRef<OsStr>) -> Command {
        if !self.pinned {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["-c", number(core)]).arg(program);
        command
    }

    /// Puts this process, which makes the load, on the core of the rest.
    pub(crate) async fn step_aside(&self) -> Result<()> {
        if self.pinned {
            let id = std::process::id().to_string();
            Command::new("taskset")
                .args(["-acp", number(Core::Rest), &id])
                .output()
                .await?;
        }
        Ok(())
    }

    /// Keeps the cores awake until the programs returned are dropped.
    pub(crate) fn keep_awake(&self, executable: &Path, folder: &Path) -> Result<Vec<Program>> {
        if !self.pinned || !is_installed("chrt") {
            return Ok(Vec::new());
        }
        [Core::Tested, Core::Rest]
            .into_iter()
            .map(|core| {
                let mut command = Command::new("chrt");
                command
                    .args(["--idle", "0", "taskset", "-c", number(core)])
                    .arg(executable);
                Program::start(Role::Awake.of(command), folder, "awake")
            })
            .collect()
    }
}

fn number(core: Core) -> &'static str {
    match core {
        Core::Tested => "0",
        Core::Rest => "1",
    }
}

/// Whether a program is found where programs are.
pub(crate) fn is_installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
