//! A gateway process that is killed and started again.

use std::fs::Permissions;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use kabao_sandbox::Running;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The process, and what it is started with.
pub(super) struct Gateway {
    executable: PathBuf,
    configuration: PathBuf,
    address: SocketAddr,
    child: Child,
    kills: u32,
    is_bounded: bool,
    is_stopped: bool,
}

impl Gateway {
    /// Starts it with the demo accounts of the sandbox, in a folder of its own, with more in its configuration.
    pub(super) async fn start(
        executable: &Path,
        folder: &Path,
        sandbox: &Running,
        more: &str,
    ) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let address = free_address()?;
        let configuration = folder.join("kabao.toml");
        let configured = configured(sandbox, folder, address)?;
        std::fs::write(&configuration, configured + more)?;
        let child = spawn(executable, &configuration).await?;
        Ok(Self {
            executable: executable.to_owned(),
            configuration,
            address,
            child,
            kills: 0,
            is_bounded: false,
            is_stopped: false,
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) const fn kills(&self) -> u32 {
        self.kills
    }

    /// Ends the process without a word: SIGKILL.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.kills += 1;
        self.child.kill().await
    }

    /// Starts it again.
    pub(super) async fn restart(&mut self) -> io::Result<()> {
        self.child = spawn(&self.executable, &self.configuration).await?;
        self.is_bounded = false;
        self.is_stopped = false;
        Ok(())
    }

    /// Lets it stand still, as a machine without time for it does, or go on.
    pub(super) async fn stand_still(&mut self, is_stopped: bool) -> io::Result<()> {
        let id = self.id()?;
        let signal = if is_stopped { "-STOP" } else { "-CONT" };
        let status = Command::new("kill").args([signal, &id]).status().await?;
        self.is_stopped = is_stopped;
        match status.success() {
            true => Ok(()),
            false => Err(io::Error::other("the gateway takes no signals")),
        }
    }

    fn id(&self) -> io::Result<String> {
        let gone = || io::Error::other("the gateway is gone");
        Ok(self.child.id().ok_or_else(gone)?.to_string())
    }

    /// Takes its store away.
    pub(super) fn forget(&self) -> io::Result<()> {
        std::fs::remove_dir_all(self.configuration.with_file_name("kabao-store"))
    }

    /// Lets it write nothing beyond the first KiB of a file, as on a full disk, or lets it grow again.
    pub(super) async fn fill_disk(&mut self, is_full: bool) -> io::Result<()> {
        let id = self.id()?;
        let limit = match is_full {
            true => "--fsize=1024:unlimited".to_owned(),
            false => "--fsize=unlimited:unlimited".to_owned(),
        };
        let status = Command::new("prlimit")
            .args(["--pid", &id, &limit])
            .status()
            .await?;
        self.is_bounded = is_full;
        match status.success() {
            true => Ok(()),
            false => Err(io::Error::other("prlimit has failed")),
        }
    }

    /// Ends all that was done to it. A process that lives recovers by itself.
    pub(super) async fn heal(&mut self) -> io::Result<()> {
        if self.child.try_wait()?.is_some() {
            return self.restart().await;
        }
        if self.is_bounded {
            self.fill_disk(false).await?;
        }
        if self.is_stopped {
            self.stand_still(false).await?;
        }
        Ok(())
    }

    pub(super) async fn stop(mut self) -> io::Result<()> {
        self.child.kill().await
    }
}

/// Starts a process and waits until it is ready.
async fn spawn(executable: &Path, configuration: &Path) -> io::Result<Child> {
    // A write above the limit is an error then, and not the end of the process.
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" serve --config \"$1\""])
        .arg(executable)
        .arg(configuration)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let out = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("no standard output"))?;
    let mut lines = BufReader::new(out).lines();
    while let Some(line) = lines.next_line().await? {
        if line == "kabao ready" {
            return Ok(child);
        }
    }
    Err(io::Error::other(format!(
        "the gateway does not start: {} serve --config {}",
        executable.display(),
        configuration.display()
    )))
}

/// An address that nobody has at the moment, and that a process can have again when it is restarted.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn configured(sandbox: &Running, folder: &Path, address: SocketAddr) -> io::Result<String> {
    let missing = || io::Error::other("the sandbox has no such account");
    let files = sandbox.files().ok_or_else(missing)?;
    let merchant = sandbox.account("demo-merchant").ok_or_else(missing)?;
    let official = sandbox
        .account("demo-official-account")
        .ok_or_else(missing)?;
    let secret = folder.join("app_secret");
    std::fs::write(&secret, official.app_secret.ok_or_else(missing)?)?;
    std::fs::set_permissions(&secret, Permissions::from_mode(0o600))?;
    let (authority, keys) = (files.join("ca.pem"), files.join("demo-merchant"));
    Ok(format!(
        r#"
[grpc]
listen = "{address}"
[admin]
listen = "127.0.0.1:0"
[[accounts]]
id = "demo-merchant"
family = "merchant"
mchid = {mchid:?}
private_key_file = {key:?}
certificate_file = {certificate:?}
public_key_id = {public_id:?}
public_key_file = {public:?}
base_url = {base:?}
extra_ca_file = {authority:?}
[[accounts]]
id = "demo-official-account"
family = "official_account"
appid = {appid:?}
app_secret_file = {secret:?}
base_url = {base:?}
extra_ca_file = {authority:?}
"#,
        mchid = merchant.mchid.ok_or_else(missing)?,
        key = keys.join("apiclient_key.pem"),
        certificate = keys.join("apiclient_cert.pem"),
        public_id = merchant.public_key_id.ok_or_else(missing)?,
        public = keys.join("pub_key.pem"),
        base = sandbox.base_url(),
        appid = official.appid.ok_or_else(missing)?,
    ))
}
