//! Who may read the files that hold private keys and other secrets.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;

/// The number of the user who may do everything anyway.
pub(crate) const ROOT: u32 = 0;

/// Which files with secrets are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Modes {
    /// Those that nobody else on the machine can read or change: of root or of the user of this process. The group may
    /// read what root owns: that is how Kubernetes mounts a secret for a process of another user. That is PostgreSQL's
    /// rule.
    ///
    /// A process of root, which PostgreSQL does not have, also takes what another user keeps for itself, as ssh does:
    /// a container is given such files by whoever started it. That the owner can change them is told in a warning.
    Strict,
    /// All: whoever says so has the machine, or its container, for the gateway alone.
    Any,
}

impl Modes {
    /// Returns what is wrong with the mode of a file. One that cannot be looked at is told by whoever reads it.
    pub(crate) fn fault(self, file: &Path) -> Option<String> {
        if self == Self::Any {
            return None;
        }
        let fault = loose(file)?;
        Some(format!(
            "{fault}, or `keys.allow_loose_files = true` where nobody else is"
        ))
    }
}

/// Returns what is wrong with the mode of a file, and what puts it right.
pub(crate) fn loose(file: &Path) -> Option<String> {
    let metadata = fs::metadata(file).ok()?;
    let (mode, owner) = (metadata.mode() & 0o777, metadata.uid());
    let who = who_else(mode, owner, geteuid().as_raw())?;
    let file = file.display();
    let (what, remedy) = match who {
        Who::Everybody => (
            format!("has mode {mode:04o}, so everybody on this machine can use it"),
            "chmod 600",
        ),
        Who::Group => (
            format!("has mode {mode:04o}, so its group can use it"),
            "chmod 600",
        ),
        Who::Owner => (
            format!("belongs to another user ({owner}), who can use it"),
            "chown root",
        ),
    };
    Some(format!("{file} {what}; `{remedy} {file}`"))
}

/// Others who can use a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Everybody,
    Group,
    Owner,
}

/// Who can use a file and should not; `own` is the user of this process.
fn who_else(mode: u32, owner: u32, own: u32) -> Option<Who> {
    let group = if owner == ROOT { 0o030 } else { 0o070 };
    if mode & 0o007 != 0 {
        Some(Who::Everybody)
    } else if owner != ROOT && owner != own && own != ROOT {
        // Whoever may put files into the folder could put one of its own there.
        Some(Who::Owner)
    } else if mode & group != 0 {
        Some(Who::Group)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_may_use_a_secret_and_the_group_may_read_what_root_owns() {
        const USER: u32 = 1000;
        const OTHER: u32 = 1001;
        let (everybody, group) = (Some(Who::Everybody), Some(Who::Group));
        for (mode, owner, expected) in [
            (0o600, USER, None),
            (0o400, USER, None),
            (0o700, USER, None),
            (0o640, USER, group),
            (0o440, USER, group),
            (0o620, USER, group),
            (0o644, USER, everybody),
            (0o604, USER, everybody),
            (0o602, USER, everybody),
            (0o600, ROOT, None),
            (0o640, ROOT, None),
            // As Kubernetes mounts it with `fsGroup` and `defaultMode: 0400`.
            (0o440, ROOT, None),
            (0o660, ROOT, group),
            (0o644, ROOT, everybody),
            (0o444, ROOT, everybody),
            (0o600, OTHER, Some(Who::Owner)),
            (0o440, OTHER, Some(Who::Owner)),
            (0o644, OTHER, everybody),
        ] {
            assert_eq!(
                who_else(mode, owner, USER),
                expected,
                "{mode:04o} of {owner}"
            );
        }
        // A container whose process is root, and a secret that belongs to a user of the host.
        for (mode, expected) in [
            (0o600, None),
            (0o400, None),
            (0o440, group),
            (0o444, everybody),
        ] {
            assert_eq!(who_else(mode, USER, ROOT), expected, "{mode:04o}");
        }
    }
}
