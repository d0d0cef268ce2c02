//! Settings of a running gateway that wait for a restart: which files there are is one of them, what is in them is not.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;

use crate::authority::Authority;
use crate::issuer::Issuer;
use crate::world::{Folder, configuration};

const TLS: &str = "client_ca_file = \"clients.pem\"\ncrl_files = [\"clients.crl\"]\n";
const REST: &str = "[grpc.jwt]\njwks_file = \"jwks.json\"\nissuer = \"https://issuer.example\"\naudience = \"kabao\"\n\
    [audit]\nfile = \"audit.jsonl\"\nkey_file = \"audit.key\"\n";

/// A running `kabao serve`; killed at the end.
struct Served {
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Served {
    fn start(folder: &Folder) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_kabao"))
            .args(["serve", "--config"])
            .arg(folder.path("kabao.toml"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut served = Self { process, log };
        served.until("ready");
        served
    }

    /// Reads the log up to a line with this message.
    fn until(&mut self, message: &str) -> Value {
        let lines = self.log.by_ref().map_while(Result::ok);
        let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        lines
            .find(|line| line["message"] == message)
            .unwrap_or_else(|| panic!("the log ended without `{message}`"))
    }

    fn hang_up(&self) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &id]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_reload_that_names_other_files_says_which_settings_wait_for_a_restart() {
    let folder = Folder::new("restart");
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    folder.put_server(&servers.server());
    folder.put("clients.pem", &clients.pem());
    folder.put("clients.crl", &clients.list(&[]));
    folder.put("jwks.json", &Issuer::new().jwks());
    let before = configuration("", TLS, REST);
    folder.put("kabao.toml", &before);
    let mut served = Served::start(&folder);

    let named = [
        ("cert.pem", "grpc.tls.certificate_file"),
        ("key.pem", "grpc.tls.private_key_file"),
        ("clients.pem", "grpc.tls.client_ca_file"),
        ("clients.crl", "grpc.tls.crl_files"),
        ("jwks.json", "grpc.jwt.jwks_file"),
        ("audit.jsonl", "audit.file"),
        ("audit.key", "audit.key_file"),
    ];
    let mut waiting = |text: &str| {
        folder.put("kabao.toml", text);
        served.hang_up();
        served.until("a new configuration is served");
        let told = served.until("these settings change when the gateway is started again");
        assert_eq!(told["level"], "WARN");
        told["settings"].as_str().unwrap().to_owned()
    };
    for (file, setting) in named {
        let other = format!("other-{file}");
        // The gateway makes those of the audit log itself.
        if let Ok(text) = fs::read_to_string(folder.path(file)) {
            folder.put(&other, &text);
        }
        let text = before.replace(&format!("\"{file}\""), &format!("\"{other}\""));
        assert_ne!(text, before, "{file}");
        assert_eq!(waiting(&text), setting);
    }
    let rest = REST.split("[audit]").next().unwrap();
    let without = configuration("", TLS, rest);
    assert_eq!(waiting(&without), "audit.file, audit.key_file");
    let more = format!("{before}when_full = \"count\"\n");
    assert_eq!(waiting(&more), "audit.when_full");

    // As it was, nothing waits any more.
    folder.put("kabao.toml", &before);
    served.hang_up();
    served.until("a new configuration is served");
    served.hang_up();
    let lines = served.log.by_ref().map_while(Result::ok);
    let lines = lines.take_while(|line| !line.contains("the configuration says what is served"));
    let told: Vec<_> = lines
        .filter(|line| line.contains("started again"))
        .collect();
    assert_eq!(told, Vec::<String>::new());
}
