//! The other executables of this package, which the run builds for itself when it needs them.
//!
//! They are built in the profile of this one, beside it. That without RSA differs from the others in one
//! configuration of our own crates, which no feature, no manifest and no product sets: `kabao` and `kabao-sandbox`
//! refuse to be compiled with it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::Result;

/// Another executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Counts what it allocates.
    Counting,
    /// Signs and verifies with digests.
    WithoutRsa,
}

/// Where this executable is, and how others come to be beside it.
#[derive(Clone, Debug)]
pub(crate) struct Executables {
    /// This executable.
    pub(crate) own: PathBuf,
    /// The folder of all build output.
    pub(crate) target: PathBuf,
    folder: PathBuf,
    profile: String,
}

impl Executables {
    pub(crate) fn find() -> Result<Self> {
        let own = env::current_exe()?;
        let folder = own.parent().ok_or("this executable has no folder")?;
        let target = folder
            .parent()
            .ok_or("this executable has no target folder")?;
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") => "dev",
            Some(profile) => profile,
            None => return Err("this executable is not where cargo puts it".into()),
        };
        Ok(Self {
            target: target.to_owned(),
            profile: profile.to_owned(),
            folder: folder.to_owned(),
            own,
        })
    }

    /// Whether this is a build for speed.
    pub(crate) fn is_optimised(&self) -> bool {
        self.profile != "dev"
    }

    /// Builds another executable if it is not there, and returns where it is.
    pub(crate) async fn build(&self, variant: Variant) -> Result<PathBuf> {
        let name = match variant {
            Variant::Counting => "kabao-bench-counting",
            Variant::WithoutRsa => "kabao-bench-without-rsa",
        };
        let mut cargo = cargo();
        cargo
            .args([
                "build",
                "--quiet",
                "--package",
                "kabao-bench",
                "--bin",
                name,
            ])
            .args(["--profile", &self.profile])
            .arg("--target-dir")
            .arg(&self.target);
        if variant == Variant::WithoutRsa {
            cargo.env("RUSTC_WORKSPACE_WRAPPER", package().join("without-rsa"));
        }
        let built = cargo
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .await?;
        if !built.success() {
            return Err(format!("{name} cannot be built").into());
        }
        Ok(self.folder.join(name))
    }
}

/// The cargo that has started this run, or the one that is installed.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(package());
    command
}

/// The folder of this package.
pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
