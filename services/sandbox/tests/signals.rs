//! How `kabao-sandbox` ends, and what does not end it.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running `kabao-sandbox` on free ports; killed at the end.
struct Sandbox(Child);

impl Sandbox {
    /// Starts it and waits until it is ready.
    fn start(name: &str, input: Stdio) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("signals-{name}"));
        let _ = fs::remove_dir_all(&folder);
        let mut process = Command::new(env!("CARGO_BIN_EXE_kabao-sandbox"))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--control",
                "127.0.0.1:0",
                "--dir",
            ])
            .arg(folder)
            .env_clear()
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        let is_ready = said
            .map_while(Result::ok)
            .any(|line| line == "kabao-sandbox ready");
        assert!(is_ready, "it ended before it was ready");
        Self(process)
    }

    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(id)
            .status()
            .unwrap();
        assert!(sent.success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_hang_up_is_ignored_with_a_line_and_the_others_end_it_in_order() {
    for name in ["TERM", "INT"] {
        let mut sandbox = Sandbox::start(name, Stdio::null());
        sandbox.signal("HUP");
        let log = BufReader::new(sandbox.0.stderr.take().unwrap()).lines();
        let is_told = log
            .map_while(Result::ok)
            .any(|line| line.contains("SIGHUP is ignored"));
        assert!(is_told, "it ended without a line");
        sandbox.signal(name);
        assert_eq!(sandbox.exit_code(), Some(0), "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_is_closed_ends_it_in_order() {
    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let window = openpt(flags).unwrap();
    grantpt(&window).unwrap();
    unlockpt(&window).unwrap();
    let terminal = ioctl_tiocgptpeer(&window, flags).unwrap();
    let mut sandbox = Sandbox::start("terminal", terminal.into());
    drop(window);
    sandbox.signal("HUP");
    assert_eq!(sandbox.exit_code(), Some(0));
}
