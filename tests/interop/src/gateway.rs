//! `kabao dev` as a child process with ports and a folder of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::program::{line, variable};

/// Making keys and starting is slow in a debug build on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(90);

const LISTENERS: [&str; 4] = ["grpc", "admin", "sandbox", "control"];

/// A running gateway with its sandbox; killed when it goes out of scope.
pub(crate) struct Gateway {
    child: Child,
    folder: PathBuf,
    addresses: Value,
}

impl Gateway {
    /// Starts a gateway for the test `name` and waits until everything answers.
    #[track_caller]
    pub(crate) fn start(name: &str) -> Self {
        let folder = PathBuf::from(variable("KABAO_INTEROP"))
            .join("run")
            .join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the target folder is writable");
        let log = folder.join("kabao.log");

        let mut command = Command::new(variable("KABAO_BIN"));
        command.arg("dev").arg("--dir").arg(folder.join("dir"));
        for listener in LISTENERS {
            command.arg(format!("--{listener}")).arg("127.0.0.1:0");
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("the target folder is writable"))
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));

        let ready = line("kabao ready", &mut child);
        let mut gateway = Self {
            child,
            folder,
            addresses: Value::Null,
        };
        if ready.recv_timeout(READY_WITHIN).is_err() {
            panic!(
                "`kabao ready` did not come within {READY_WITHIN:?}:\n{}",
                fs::read_to_string(&log).unwrap_or_default()
            );
        }
        let ready = gateway.folder.join("dir/ready.json");
        let ready = fs::read(&ready)
            .unwrap_or_else(|error| panic!("{} after `kabao ready`: {error}", ready.display()));
        gateway.addresses = serde_json::from_slice(&ready).expect("ready.json is JSON");
        gateway
    }

    /// `HOST:PORT` of one listener.
    #[track_caller]
    pub(crate) fn address(&self, listener: &str) -> &str {
        self.addresses
            .get(listener)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("ready.json names no {listener}: {}", self.addresses))
    }

    /// A folder for whatever a test writes.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The directory of `kabao dev`.
    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.join("dir")
    }

    /// The folder of files for foreign clients.
    pub(crate) fn sandbox_files(&self) -> PathBuf {
        self.dir().join("sandbox")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // After a failure the files help to find out why.
        if !thread::panicking() {
            let _ = fs::remove_dir_all(Path::new(&self.folder));
        }
    }
}
