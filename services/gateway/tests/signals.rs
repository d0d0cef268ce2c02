//! How the process ends: in order after the first signal, at once after the second.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;

/// A running `kabao serve`; killed if the test fails.
struct Served {
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Served {
    /// Starts it and waits until it is ready.
    fn start(name: &str, pre_drain: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("signals-{name}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("secret"), "hush-hush").unwrap();
        let file = folder.join("kabao.toml");
        let text = format!(
            "[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[shutdown]\npre_drain = \"{pre_drain}\"\n\
             [[accounts]]\nid = \"wechat\"\nfamily = \"official_account\"\nappid = \"wx1\"\napp_secret_file = \"secret\"\nbase_url = \"https://127.0.0.1:1\"\n"
        );
        fs::write(&file, text).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_kabao"))
            .arg("serve")
            .arg("--config")
            .arg(&file)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        let served = Self { process, log };
        let ready = out
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "kabao ready");
        assert!(ready, "the process ended before it was ready");
        served
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.process.id().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Reads the log up to an event with this message.
    fn wait_for(&mut self, message: &str) {
        let found = self.log.by_ref().map_while(Result::ok).any(|line| {
            let event: Value =
                serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
            assert!(!line.contains("hush"), "{line}");
            event["message"] == message
        });
        assert!(found, "the log ended without `{message}`");
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn either_signal_drains_and_exits_with_0() {
    for name in ["TERM", "INT"] {
        let mut served = Served::start(name, "0");
        served.signal(name);
        served.wait_for("drained");
        assert_eq!(served.exit_code(), Some(0), "{name}");
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    for (second, code) in [("TERM", 143), ("INT", 130)] {
        let mut served = Served::start(&format!("second-{second}"), "5m");
        served.signal("TERM");
        served.wait_for("asked to end");
        served.signal(second);
        assert_eq!(served.exit_code(), Some(code), "{second}");
    }
}
