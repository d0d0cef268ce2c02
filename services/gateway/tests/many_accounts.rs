//! What ten thousand accounts cost: at the start, at rest, and when one of them changes.
//!
//! It measures, so it is for a machine that does nothing else:
//! `cargo test --release -p kabao --test many_accounts -- --ignored --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::as_conversions,
    reason = "a step that fails fails the test, times are measured by the clock, and sizes are printed"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use kabao_auth::PrivateKey;
use serde_json::Value;

const ACCOUNTS: usize = 10_000;
/// Accounts have files of their own, but not keys of their own: to make so many takes an hour.
const KEYS: usize = 8;

/// The promise.
const START: Duration = Duration::from_secs(5);
const EACH: u64 = 64 * 1024;

struct Served {
    process: Child,
    /// The lines that tell of a new configuration.
    news: Receiver<Value>,
    took: Duration,
}

impl Served {
    fn start(file: &Path) -> Self {
        let began = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_kabao"))
            .args(["serve", "--config"])
            .arg(file)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        let (tell, news) = sync_channel(8);
        // Somebody has to read it, or the process waits.
        thread::spawn(move || {
            for line in log.map_while(Result::ok) {
                if line.contains("a new configuration is served") {
                    let _ = tell.send(serde_json::from_str(&line).unwrap());
                }
            }
        });
        let mut out = BufReader::new(process.stdout.take().unwrap()).lines();
        assert_eq!(out.next().unwrap().unwrap(), "kabao ready");
        Self {
            process,
            news,
            took: began.elapsed(),
        }
    }

    /// Bytes that the process occupies.
    fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: u64 = line
            .unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap();
        kib * 1024
    }

    fn hang_up(&self) -> (Value, Duration) {
        let began = Instant::now();
        let id = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-HUP", &id])
                .status()
                .unwrap()
                .success()
        );
        let event = self.news.recv_timeout(Duration::from_secs(60));
        (event.expect("a new configuration"), began.elapsed())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A configuration with a file for each of so many accounts.
fn configured(name: &str, accounts: usize) -> (Folder, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("many-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("accounts")).unwrap();
    let keys: Vec<_> = (0..KEYS)
        .map(|_| {
            let pem = PrivateKey::generate_pem().unwrap();
            let pem = pem.to_str().unwrap().to_owned();
            let public = PrivateKey::from_pem(&pem).unwrap().public_key().to_pem();
            (pem, public)
        })
        .collect();
    for number in 0..accounts {
        let (private, public) = &keys[number % KEYS];
        let name = format!("shop-{number:05}");
        let write = |end: &str, content: &str| {
            fs::write(
                folder.join("accounts").join(format!("{name}{end}")),
                content,
            )
            .unwrap();
        };
        write("-key.pem", private);
        write("-pub.pem", public);
        let mut entry = String::new();
        writeln!(entry, "family = \"merchant\"\nmchid = \"19{number:08}\"").unwrap();
        writeln!(entry, "private_key_file = \"{name}-key.pem\"").unwrap();
        writeln!(
            entry,
            "serial_no = \"5157F09EFDC096DE15EBE81A47057A72{number:08}\""
        )
        .unwrap();
        writeln!(
            entry,
            "public_key_id = \"PUB_KEY_ID_01190000000120250101000000{number:08}\""
        )
        .unwrap();
        writeln!(entry, "public_key_file = \"{name}-pub.pem\"").unwrap();
        write(".toml", &entry);
    }
    let file = folder.join("kabao.toml");
    let text = "accounts_dir = \"accounts\"\n[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[reload]\npoll = \"0\"\n[keys]\nallow_loose_files = true\n";
    fs::write(&file, text).unwrap();
    (Folder(folder), file)
}

#[test]
#[ignore = "measures, so it wants the machine for itself"]
fn ten_thousand_accounts_start_within_5_s_and_take_64_kib_each() {
    let (_one, file) = configured("one", 1);
    let one = Served::start(&file);
    let alone = one.resident();
    println!("one account: {:?}, {} KiB", one.took, alone / 1024);
    drop(one);

    let (folder, file) = configured("all", ACCOUNTS);
    let all = Served::start(&file);
    let each = all.resident().saturating_sub(alone) / ACCOUNTS as u64;
    println!(
        "{ACCOUNTS} accounts: {:?}, {:.1} KiB each",
        all.took,
        each as f64 / 1024.0
    );

    let entry = folder.0.join("accounts/shop-00007.toml");
    let text = fs::read_to_string(&entry).unwrap();
    fs::write(
        &entry,
        format!("{text}base_url = \"https://127.0.0.1:1\"\n"),
    )
    .unwrap();
    let (event, took) = all.hang_up();
    println!("one of them changed: {took:?}");
    assert_eq!(event["changed"], "shop-00007");
    let grown = all.resident().saturating_sub(alone) / ACCOUNTS as u64;
    println!("after that: {:.1} KiB each", grown as f64 / 1024.0);
    // Without optimisation a key takes five times as long to check.
    let most = if cfg!(debug_assertions) {
        START * 5
    } else {
        START
    };
    assert!(all.took < most, "{:?}", all.took);
    assert!(each < EACH, "{each} bytes");
    assert!(grown < 2 * EACH, "{grown} bytes");
}
