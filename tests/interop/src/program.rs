//! Child processes with a limit on their time.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Longer than any client program needs on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A file that `.ci/interop` has built.
#[track_caller]
pub(crate) fn built(path: &str) -> PathBuf {
    let path = PathBuf::from(variable("KABAO_INTEROP")).join(path);
    assert!(
        path.exists(),
        "{} is missing: run .ci/interop, which builds the client programs",
        path.display()
    );
    path
}

/// What `.ci/interop` hands over.
#[track_caller]
pub(crate) fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run these tests through .ci/interop"))
}

/// Runs a program that must succeed; returns what it printed.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> String {
    // Everything is on this machine.
    command.envs(["NO_PROXY", "no_proxy"].map(|name| (name, "*")));
    succeed_within(LIMIT, command)
}

/// Does the same for a program that may take long, and may need the network.
#[track_caller]
pub(crate) fn succeed_within(limit: Duration, command: &mut Command) -> String {
    let output = run(limit, command);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{stdout}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}

/// Runs a program until it prints `expected` on a line of its own, ends it, and returns that line.
#[track_caller]
pub(crate) fn until(expected: &'static str, limit: Duration, command: &mut Command) -> String {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let printed = line(expected, &mut child).recv_timeout(limit);
    let _ = child.kill();
    let _ = child.wait();
    assert!(printed.is_ok(), "{command:?} did not print `{expected}`");
    format!("{expected}\n")
}

/// Tells when a child has printed `expected` on a line of its own.
#[track_caller]
pub(crate) fn line(expected: &'static str, child: &mut Child) -> mpsc::Receiver<()> {
    let stdout = child.stdout.take().expect("stdout is piped");
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        // Reads on after the line, so that the child never blocks on a full pipe.
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if line == expected {
                let _ = sender.try_send(());
            }
        }
    });
    receiver
}

/// Runs a program that must succeed and print JSON.
#[track_caller]
pub(crate) fn json(command: &mut Command) -> Value {
    let printed = succeed(command);
    serde_json::from_str(&printed)
        .unwrap_or_else(|error| panic!("{command:?} printed no JSON: {error}\n{printed}"))
}

#[track_caller]
fn run(limit: Duration, command: &mut Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let id = child.id();
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(limit) {
        Ok(output) => output.expect("the output of a child can be read"),
        Err(_) => {
            let _ = Command::new("kill")
                .args(["-KILL", &id.to_string()])
                .status();
            panic!("{command:?} is still running after {limit:?}")
        }
    }
}
