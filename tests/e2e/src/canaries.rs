//! What stories tell of themselves in the process that is searched for leaks: their personal and secret values, and
//! what their callers and operators saw. In every other process none of it is kept.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, OnceLock};

use kabao_gateway::Telemetry;
use kabao_gateway::config::{LogSettings, TelemetrySettings};
use kabao_sandbox::Running;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Status;
use tonic_types::StatusExt;

/// Names the folder in the process of its own.
pub(crate) const FOLDER: &str = "KABAO_E2E_LEAKS";

/// Names the collector of spans there.
pub(crate) const COLLECTOR: &str = "KABAO_E2E_COLLECTOR";

/// Where a world leaves what is searched; `None` unless that is what the process is for.
pub(crate) fn folder() -> Option<PathBuf> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let root = root()?;
    install();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = root.join(format!("world-{number}"));
    fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

pub(crate) fn root() -> Option<&'static Path> {
    static ROOT: OnceLock<Option<PathBuf>> = OnceLock::new();
    ROOT.get_or_init(|| std::env::var_os(FOLDER).map(PathBuf::from))
        .as_deref()
}

/// Sends spans and lines where `kabao serve` does, with everything that can be told.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // It outlives the runtimes of single tests.
        let runtime = Box::leak(Box::new(tokio::runtime::Runtime::new().unwrap()));
        let _inside = runtime.enter();
        let log = LogSettings {
            level: "trace".to_owned(),
            ..LogSettings::default()
        };
        let telemetry = TelemetrySettings {
            otlp_endpoint: std::env::var(COLLECTOR).ok(),
            ..TelemetrySettings::default()
        };
        std::mem::forget(Telemetry::install(&log, &telemetry).unwrap());
    });
}

/// Notes a personal or secret value.
pub(crate) fn note(value: &Value) {
    if let Some(text) = value.as_str() {
        note_text("value", text);
    }
}

/// Notes the secrets of all accounts.
pub(crate) fn note_secrets(sandbox: &Running) {
    if root().is_none() {
        return;
    }
    for account in sandbox.accounts() {
        let texts = [account.app_secret, account.apiv3_key];
        for secret in texts.into_iter().flatten() {
            note_text("secret", &secret);
        }
        for line in account.private_key_pem.unwrap_or_default().lines() {
            if !line.starts_with("-----") {
                note_text("secret", line);
            }
        }
    }
}

pub(crate) fn note_text(kind: &str, text: &str) {
    // Shorter ones would be found in whatever there is.
    let is_telling = match text.is_ascii() {
        true => text.len() >= 8,
        false => text.chars().count() >= 2,
    };
    if is_telling {
        append("canaries", &format!("{kind} {}\n", Value::from(text)));
    }
}

/// Keeps what a caller was refused with.
pub(crate) fn keep_refusal(status: &Status) {
    if root().is_some() {
        let details = status.get_error_details();
        append("refusals", &format!("{} {details:?}\n", status.message()));
    }
}

/// Keeps the pages of the admin listener.
pub(crate) async fn keep_pages(admin: SocketAddr) {
    if root().is_none() {
        return;
    }
    for path in ["/metrics", "/readyz", "/healthz", "/elsewhere"] {
        let mut stream = TcpStream::connect(admin).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        assert!(page.starts_with("HTTP/1.1 "), "{page}");
        append("pages", &page);
    }
}

fn append(name: &str, text: &str) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let Some(root) = root() else { return };
    let _turn = ONE_AT_A_TIME.lock().unwrap();
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).open(root.join(name));
    file.unwrap().write_all(text.as_bytes()).unwrap();
}
