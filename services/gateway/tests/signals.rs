//! How the process ends, in order after the first signal, at once after the second; and how it hears of another
//! configuration.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::Value;

/// A running `kabao serve`; killed if the test fails.
struct Served {
    file: PathBuf,
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Served {
    /// Starts it and waits until it is ready.
    fn start(name: &str, pre_drain: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("signals-{name}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("secret"), "hush-hush").unwrap();
        fs::set_permissions(folder.join("secret"), Permissions::from_mode(0o600)).unwrap();
        let file = folder.join("kabao.toml");
        let text = format!(
            "[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[reload]\npoll = \"0\"\n[shutdown]\npre_drain = \"{pre_drain}\"\n\
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
        let served = Self { file, process, log };
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
    fn wait_for(&mut self, message: &str) -> Value {
        let mut events = self.log.by_ref().map_while(Result::ok).map(|line| {
            assert!(!line.contains("hush"), "{line}");
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"))
        });
        let found = events.find(|event: &Value| event["message"] == message);
        found.unwrap_or_else(|| panic!("the log ended without `{message}`"))
    }

    /// Adds an account of this AppID to the configuration.
    fn add(&self, id: &str, appid: &str) {
        let text = fs::read_to_string(&self.file).unwrap();
        let account = format!(
            "[[accounts]]\nid = \"{id}\"\nfamily = \"official_account\"\nappid = \"{appid}\"\napp_secret_file = \"secret\"\nbase_url = \"https://127.0.0.1:1\"\n"
        );
        fs::write(&self.file, format!("{text}{account}")).unwrap();
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

#[test]
fn a_hang_up_has_the_configuration_read_and_kills_nobody() {
    let mut served = Served::start("hang-up", "0");
    served.signal("HUP");
    served.wait_for("the configuration says what is served");
    served.add("more", "wx2");
    served.signal("HUP");
    let event = served.wait_for("a new configuration is served");
    assert_eq!(
        (&event["generation"], &event["added"]),
        (&2.into(), &"more".into())
    );
    // The same once more is a mistake.
    served.add("more", "wx2");
    served.signal("HUP");
    let mistake = served.wait_for("the configuration is refused; the one before is served on");
    assert_eq!(mistake["generation"], 2);
    served.signal("TERM");
    served.wait_for("drained");
    assert_eq!(served.exit_code(), Some(0));
}

fn reload(admin: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kabao"))
        .args(["reload", "--admin", admin])
        .env_clear()
        .output()
        .unwrap()
}

#[test]
fn kabao_reload_tells_what_came_of_it() {
    let mut served = Served::start("command", "0");
    let admin = served.wait_for("ready")["admin"]
        .as_str()
        .unwrap()
        .to_owned();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let said = reload(&admin);
    assert_eq!(
        text(&said.stdout),
        "generation 1 is served, which is what the files say\n"
    );
    served.add("more", "wx2");
    let said = reload(&admin);
    assert_eq!(
        text(&said.stdout),
        "generation 2 is served\nadded    more\n"
    );
    assert!(said.status.success());

    served.add("worse", "no-appid");
    served.add("more", "wx3");
    let said = reload(&admin);
    assert_eq!(said.status.code(), Some(1));
    let err = text(&said.stderr);
    for told in [
        "accounts[worse].appid: is not an appid",
        "accounts[more].id: account #2 has the same id",
        "kabao: the configuration is refused, mistakes: 2; generation 2 is served on",
    ] {
        assert!(err.contains(told), "{told} in {err}");
    }

    served.signal("TERM");
    served.wait_for("drained");
    served.exit_code();
    let said = reload(&admin);
    assert_eq!(said.status.code(), Some(1));
    assert!(text(&said.stderr).contains("cannot be reached"), "{said:?}");
}
