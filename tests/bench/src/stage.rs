//! A sandbox, gateways in front of it, and whoever calls them: each a process of its own, on loopback.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;
use tokio_rustls::TlsConnector;

use crate::control::Control;
use crate::cores::{Core, Cores};
use crate::load::Callers;
use crate::pay::Merchant;
use crate::process::Program;
use crate::role::Role;
use crate::{Result, member, tls};

/// A folder with the files of everybody, and a running sandbox.
#[derive(Debug)]
pub(crate) struct Stage {
    executable: PathBuf,
    cores: Cores,
    folder: PathBuf,
    sandbox: String,
    control: Control,
    _sandbox: Program,
}

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) program: Program,
    address: String,
}

impl Stage {
    /// Starts the sandbox of `executable` in an empty folder.
    pub(crate) async fn set(executable: &Path, cores: &Cores, folder: &Path) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        tls::write(folder)?;
        let mut command = cores.command(Core::Rest, executable);
        command.arg(folder);
        let mut sandbox = Program::start(Role::Sandbox.of(command), folder, "sandbox")?;
        let said = sandbox.wait_for("ready").await?;
        let (address, control) = said
            .split_once(' ')
            .ok_or("the sandbox names no control API")?;
        Ok(Self {
            executable: executable.to_owned(),
            cores: cores.clone(),
            folder: folder.to_owned(),
            sandbox: address.to_owned(),
            control: Control::new(control),
            _sandbox: sandbox,
        })
    }

    /// The files of the sandbox.
    fn files(&self) -> PathBuf {
        self.folder.join("sandbox")
    }

    /// The control API of the sandbox.
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// Starts a gateway with so many accounts, all of which have the same keys.
    pub(crate) async fn gateway(&self, accounts: usize) -> Result<Gateway> {
        self.gateway_of(&self.executable, accounts).await
    }

    /// The same from another executable.
    pub(crate) async fn gateway_of(&self, executable: &Path, accounts: usize) -> Result<Gateway> {
        self.gateway_with(executable, &self.configuration(accounts)?)
            .await
    }

    /// Starts a gateway with callers of so many tokens, for the brand and for a merchant whose host is down, so that
    /// the other one has to do.
    pub(crate) async fn gateway_of_callers(&self, callers: usize) -> Result<Gateway> {
        let configuration = self.configuration_of_callers(callers)?;
        self.gateway_with(&self.executable, &configuration).await
    }

    async fn gateway_with(&self, executable: &Path, text: &str) -> Result<Gateway> {
        let configuration = self.folder.join("kabao.toml");
        fs::write(&configuration, text)?;
        let mut command = self.cores.command(Core::Tested, executable);
        command.args(["serve", "--config"]).arg(&configuration);
        let mut program = Program::start(Role::Gateway.of(command), &self.folder, "gateway")?;
        program.wait_for("kabao ready").await?;
        let address = grpc_address(&program.said()?).ok_or("the gateway's log names no address")?;
        Ok(Gateway { program, address })
    }

    /// Starts the bare client.
    pub(crate) async fn bare(&self) -> Result<Program> {
        let mut command = self.cores.command(Core::Tested, &self.executable);
        command
            .arg(self.files())
            .args([member::ACCOUNT, &self.sandbox]);
        self.ready(Role::Bare.of(command), "bare").await
    }

    /// Starts a program that writes members through the client, with a memory in a folder of its own or without one.
    pub(crate) async fn writer(&self, memory: bool) -> Result<Program> {
        let mut command = self.cores.command(Core::Tested, &self.executable);
        command
            .arg(self.files())
            .args([member::ACCOUNT, &self.sandbox]);
        let name = match memory {
            true => {
                command.arg(self.folder.join("memory"));
                "writer-with-memory"
            }
            false => {
                command.arg("-");
                "writer"
            }
        };
        self.ready(Role::Writer.of(command), name).await
    }

    /// Starts a program that holds the keys of so many accounts.
    pub(crate) async fn held_keys(&self, accounts: usize) -> Result<Program> {
        let mut command = self.cores.command(Core::Tested, &self.executable);
        command
            .arg(self.files())
            .args([member::ACCOUNT, &accounts.to_string()]);
        self.ready(Role::HeldKeys.of(command), "held-keys").await
    }

    /// Lets `executable` count what the parts of a call allocate.
    pub(crate) async fn units(&self, executable: &Path) -> Result<String> {
        let command = Role::Units.of(self.cores.command(Core::Tested, executable));
        let mut program = Program::start(command, &self.folder, "units")?;
        program.wait_for("counted").await
    }

    /// Starts a server of one gRPC method and returns its address, too.
    pub(crate) async fn minimal(&self) -> Result<(Program, String)> {
        let mut command = self.cores.command(Core::Tested, &self.executable);
        command.arg(&self.folder);
        let mut program = Program::start(Role::Minimal.of(command), &self.folder, "minimal")?;
        let address = program.wait_for("ready").await?;
        Ok((program, address))
    }

    /// Starts a program of somebody else on the core under test.
    pub(crate) async fn foreign(&self, name: &str, command: &[PathBuf]) -> Result<Program> {
        let [program, arguments @ ..] = command else {
            return Err("no program".into());
        };
        let mut command = self.cores.command(Core::Tested, program);
        command
            .args(arguments)
            .arg(self.files())
            .arg(&self.sandbox)
            // Everything is on this machine.
            .envs(["NO_PROXY", "no_proxy"].map(|name| (name, "*")));
        self.ready(command, name).await
    }

    /// Opens connections of a caller with a certificate.
    pub(crate) async fn callers(&self, address: &str, connections: usize) -> Result<Callers> {
        Callers::connect(&self.caller()?, None, address, connections).await
    }

    /// The same from one of many machines.
    pub(crate) async fn callers_elsewhere(
        &self,
        machine: u8,
        address: &str,
        connections: usize,
    ) -> Result<Callers> {
        let own = IpAddr::from(Ipv4Addr::new(127, 0, 1, machine));
        Callers::connect(&self.caller()?, Some(own), address, connections).await
    }

    fn caller(&self) -> Result<TlsConnector> {
        tls::caller(&self.folder)
    }

    async fn ready(&self, command: Command, name: &str) -> Result<Program> {
        let mut program = Program::start(command, &self.folder, name)?;
        program.wait_for("ready").await?;
        Ok(program)
    }

    fn configuration(&self, accounts: usize) -> Result<String> {
        let mut text = listeners();
        for index in 0..accounts {
            let id = match index {
                0 => member::ACCOUNT.to_owned(),
                index => format!("account-{index}"),
            };
            self.account(&mut text, &id, member::ACCOUNT, "family = \"merchant\"")?;
            writeln!(text, "base_url = \"https://{}\"", self.sandbox)?;
        }
        Ok(text)
    }

    fn configuration_of_callers(&self, callers: usize) -> Result<String> {
        // It runs beside the other one, in the same folder.
        let mut text = listeners() + "[store]\ndirectory = \"kabao-store-of-callers\"\n";
        for number in 0..callers {
            let digest = kabao_auth::sha256_hex(member::token(number).as_bytes());
            write!(
                text,
                "[[callers]]\nname = \"caller-{number}\"\ntoken_sha256 = [\"{digest}\"]\n"
            )?;
        }
        let brand = format!("family = \"brand\"\nbrand_id = \"{}\"", member::BRAND_ID);
        self.account(&mut text, member::BRAND, member::BRAND, &brand)?;
        writeln!(text, "base_url = \"https://{}\"", self.sandbox)?;
        self.account(
            &mut text,
            member::ACCOUNT,
            member::ACCOUNT,
            "family = \"merchant\"",
        )?;
        writeln!(
            text,
            "base_url = \"https://127.0.0.1:1\"\nbackup_base_url = \"https://{}\"",
            self.sandbox
        )?;
        Ok(text)
    }

    /// An account with the keys of one of the sandbox, all but its hosts.
    fn account(&self, text: &mut String, id: &str, of: &str, family: &str) -> Result<()> {
        let merchant = Merchant::read(&self.files().join(of))?;
        write!(
            text,
            "[[accounts]]\nid = \"{id}\"\n{family}\nmchid = \"{}\"\nserial_no = \"{}\"\n\
             private_key_file = \"sandbox/{of}/apiclient_key.pem\"\n\
             public_key_id = \"{}\"\npublic_key_file = \"sandbox/{of}/pub_key.pem\"\n\
             extra_ca_file = \"sandbox/ca.pem\"\n",
            merchant.mchid, merchant.serial_no, merchant.public_key_id,
        )?;
        Ok(())
    }
}

impl Gateway {
    /// `HOST:PORT` of its gRPC listener.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// Nothing is set that need not be: everything else is the default of `kabao serve`.
fn listeners() -> String {
    format!(
        "[grpc]\nlisten = \"127.0.0.1:0\"\n{}[admin]\nlisten = \"127.0.0.1:0\"\n",
        tls::gateway_section()
    )
}

/// The gateway says in its log where it listens.
fn grpc_address(log: &str) -> Option<String> {
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line.get("message").and_then(Value::as_str) == Some("ready"))
        .find_map(|line| Some(line.get("grpc")?.as_str()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_log() {
        let log = "not json\n{\"message\":\"stage\",\"stage\":\"Serving\"}\n\
                   {\"message\":\"ready\",\"grpc\":\"127.0.0.1:4711\",\"accounts\":1}\n";
        assert_eq!(grpc_address(log).as_deref(), Some("127.0.0.1:4711"));
        assert_eq!(grpc_address("{\"message\":\"stage\"}\n"), None);
    }
}
