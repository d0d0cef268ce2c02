//! README.md as a newcomer takes it: every command as it stands there, from top to bottom, twice; then the pages for
//! callers.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::gateway::Gateway;
use crate::markdown::{Block, blocks};
use crate::program::{succeed_within, until, variable};

/// Blocks that are not followed here, by their beginning; the file that stands in for them, and where it does.
const ELSEWHERE: [(&str, &str, &str); 4] = [
    // The gateway of this test, in the same build as every other test.
    ("cargo run --release -- dev\n", ".ci/interop", "--bin kabao"),
    (
        "cargo test --workspace\n",
        ".ci/run",
        "cargo test --workspace",
    ),
    // A quarter of an hour of compiling.
    (
        "cargo build --profile dist\n",
        "Cargo.toml",
        "[profile.dist]",
    ),
    // Changes the machine. A program with the official SDK has a redirection of its own.
    (
        "echo \"127.0.0.1 api.mch.weixin.qq.com",
        "tests/interop/java-sdk/src/main/java/dev/kabao/interop/sdk/Sandbox.java",
        "api.mch.weixin.qq.com",
    ),
];

/// What is followed, and the folder that its links start from.
const PAGES: [(&str, &str); 3] = [
    ("README.md", ""),
    ("docs/repeating-calls.md", "docs/"),
    ("docs/clients.md", "docs/"),
];

/// The blocks of a page, with links from the root.
fn page((file, folder): &(&str, &str)) -> Vec<Block> {
    let mut blocks = blocks(&read(file));
    for link in blocks.iter_mut().filter_map(|block| block.link.as_mut()) {
        link.insert_str(0, folder);
    }
    blocks
}

fn is_elsewhere(block: &Block) -> bool {
    ELSEWHERE
        .iter()
        .any(|(command, ..)| block.text.starts_with(command))
}

/// What is different every time: how long an installation took, when something happened, new keys, sizes of files.
const VARIES: [&str; 5] = [
    "npm install",
    "/ledger",
    "/accounts",
    "kabao store stats",
    "kabao audit verify",
];

/// The section with the configuration file, whose commands run where that file is.
const PRODUCTION: &str = "In production";

/// The command whose gateway goes on running for the rest of its page.
const PRACTICE: &str = "kabao serve --config target/practice/kabao.toml\n";

/// What a caller of that gateway sees, in every language.
const KNOWN: &str = "known, and read: STATE_ACTIVE";

/// What the programs about lost answers print, in every language.
const ONCE: [&str; 4] = [
    "added 10 points once: true",
    "spent 10 points once: true",
    "earned 10 points once: True",
    "took 10 points once: true",
];

/// The sections whose program prints what the README promises.
const LANGUAGES: [&str; 5] = ["Go", "Java", "Python", "Node", "Rust"];

/// Maven downloads a world when it is new to a machine.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

#[test]
#[ignore = "needs Go, Java, Node and Python: run .ci/interop"]
fn the_commands_of_the_readme_give_the_same_results_twice() {
    let gateway = Gateway::start("readme");
    let newcomer = Newcomer::new(&gateway);
    let blocks: Vec<Block> = PAGES.iter().flat_map(page).collect();
    let first = newcomer.follow(&blocks);
    assert!(first.len() > 15, "README.md has commands: {first:?}");
    let second = newcomer.follow(&blocks);
    for ((command, before), (_, after)) in first.iter().zip(&second) {
        if !VARIES.iter().any(|text| command.contains(text)) {
            assert_eq!(
                timeless(before),
                timeless(after),
                "the second time, {command}"
            );
        }
    }
}

#[test]
fn what_the_readme_leaves_to_others_is_done_by_them() {
    let blocks = blocks(&read("README.md"));
    assert_eq!(
        blocks.iter().filter(|block| is_elsewhere(block)).count(),
        ELSEWHERE.len()
    );
    for (command, file, trace) in ELSEWHERE {
        assert!(read(file).contains(trace), "{file} stands in for {command}");
    }
}

#[test]
fn the_programs_of_the_readme_are_those_that_run() {
    let mut languages = 0;
    for block in PAGES.iter().flat_map(page) {
        if !["go", "java", "python", "js", "rust"].contains(&&*block.language) {
            continue;
        }
        let path = block.link.unwrap_or_default();
        assert!(
            read(&path).contains(&block.text),
            "the block under {:?} does not stand in {path}:\n{}",
            block.section,
            block.text
        );
        languages += 1;
    }
    assert!(languages >= LANGUAGES.len() + 4 + 4, "{languages} programs");
}

#[test]
fn the_readme_installs_the_tools_that_the_tests_use() {
    let pinned = read(".ci/tools");
    let mut found = 0;
    for block in blocks(&read("README.md")) {
        for line in block.text.lines().filter(|line| line.contains(" install ")) {
            let Some((package, version)) = line.rsplit_once('@') else {
                continue;
            };
            let name = package.rsplit('/').next().unwrap_or(package);
            let variable = name.replace('-', "_");
            let expected = format!("\n{variable}={}\n", version.trim_start_matches('v'));
            assert!(
                pinned.contains(&expected),
                "{line}: .ci/tools says otherwise"
            );
            found += 1;
        }
    }
    assert_eq!(found, 4, "grpcurl, buf and two generators");
}

/// Somebody with a terminal in a clone of this repository, and a gateway that is not on its default ports.
struct Newcomer<'a> {
    gateway: &'a Gateway,
    home: PathBuf,
    path: String,
}

impl<'a> Newcomer<'a> {
    fn new(gateway: &'a Gateway) -> Self {
        let home = gateway.folder().join("home");
        let bin = PathBuf::from(variable("KABAO_BIN"));
        let bin = bin.parent().expect("the binary is in a folder");
        let path = format!(
            "{}:{}:{}:{}",
            home.join("go").display(),
            home.join("npm/bin").display(),
            bin.display(),
            env::var("PATH").unwrap_or_default()
        );
        Self {
            gateway,
            home,
            path,
        }
    }

    /// Runs the commands in their order; returns each with what it printed.
    #[track_caller]
    fn follow(&self, blocks: &[Block]) -> Vec<(String, String)> {
        let promise = blocks.iter().find(|block| block.language == "text");
        let promise = &promise.expect("README.md says what a program prints").text;
        let mut results = Vec::new();
        let mut kept = Vec::new();
        let mut practice = None;
        for block in blocks {
            if block.language == "toml" {
                self.configure(&block.text);
            }
            if block.language != "sh" || is_elsewhere(block) {
                continue;
            }
            if block.text == PRACTICE {
                let command = self.command(&format!("exec {}", block.text), root());
                practice = Some(Practice::start(command));
                continue;
            }
            let secure = practice
                .as_ref()
                .map(|practice: &Practice| &*practice.address);
            let printed = self.run(block, secure);
            if LANGUAGES.contains(&&*block.section) && printed.contains(promise.as_str()) {
                kept.push(block.section.as_str());
            }
            results.push((block.text.clone(), printed));
        }
        assert_eq!(kept, LANGUAGES, "programs that print {promise}");
        let count = |text: &str| {
            let printed = |(_, printed): &&(String, String)| printed.contains(text);
            results.iter().filter(printed).count()
        };
        for once in ONCE {
            assert_eq!(count(once), 1, "{once}");
        }
        assert_eq!(
            count(KNOWN),
            LANGUAGES.len() - 1,
            "{KNOWN}: Rust is not among them"
        );
        results
    }

    #[track_caller]
    fn run(&self, block: &Block, secure: Option<&str>) -> String {
        let runs_on = block.text.starts_with("kabao serve");
        let script = block
            .text
            .replace("localhost:50052", secure.unwrap_or("localhost:50052"));
        let script = match runs_on {
            true => format!("exec {script}"),
            false => script,
        };
        let mut command = self.command(
            &script,
            match block.section == PRODUCTION {
                true => self.production(),
                false => root(),
            },
        );
        match runs_on {
            true => until("kabao ready", PATIENCE, &mut command),
            false => succeed_within(PATIENCE, &mut command),
        }
    }

    /// A script as a command.
    fn command(&self, script: &str, folder: PathBuf) -> Command {
        // The one difference to what stands there: addresses, and the folder of `kabao dev`.
        let dir = self.gateway.dir();
        let script = script
            .replace("localhost:50051", self.gateway.address("grpc"))
            .replace("127.0.0.1:8443", self.gateway.address("sandbox"))
            .replace("127.0.0.1:8444", self.gateway.address("control"))
            .replace("$PWD/.kabao", &dir.display().to_string())
            .replace(" .kabao", &format!(" {}", dir.display()));
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(folder)
            .env("PATH", &self.path)
            .env("GOBIN", self.home.join("go"))
            .env("npm_config_prefix", self.home.join("npm"))
            .env("KABAO__GRPC__LISTEN", "127.0.0.1:0")
            .env("KABAO__ADMIN__LISTEN", "127.0.0.1:0");
        command
    }

    /// Writes the configuration that the README shows, with the demo merchant's keys.
    #[track_caller]
    fn configure(&self, text: &str) {
        let keys = self.production().join("acme");
        fs::create_dir_all(&keys).expect("the target folder is writable");
        fs::write(self.production().join("kabao.toml"), text).expect("a file can be written");
        for name in ["apiclient_key.pem", "apiclient_cert.pem", "pub_key.pem"] {
            let from = self
                .gateway
                .sandbox_files()
                .join("demo-merchant")
                .join(name);
            fs::copy(from, keys.join(name)).expect("the sandbox has written its keys");
        }
    }

    fn production(&self) -> PathBuf {
        self.home.join("production")
    }
}

/// The gateway of the page for callers, on ports of its own; ended when it goes out of scope.
struct Practice {
    child: Child,
    /// Where callers reach it: its certificate is good for that name as well.
    address: String,
}

impl Practice {
    /// Starts it and waits until it says where it is.
    #[track_caller]
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let log = child.stderr.take().expect("stderr is piped");
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::spawn(move || {
            // Reads on after the line, so that the child never blocks on a full pipe.
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                if let (Some("ready"), Some(grpc)) =
                    (line["message"].as_str(), line["grpc"].as_str())
                {
                    let _ = sender.try_send(grpc.to_owned());
                }
            }
        });
        let mut practice = Self {
            child,
            address: String::new(),
        };
        practice.address = receiver
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("{command:?} is not ready"));
        practice
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Without the lines that tell a moment: demo data is as old as the last reset.
fn timeless(printed: &str) -> Vec<&str> {
    let moment = |line: &&str| !line.contains("Time\": \"20");
    printed.lines().filter(moment).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[track_caller]
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
