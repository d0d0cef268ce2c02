//! Who may read the files that hold private keys and other secrets.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Which files with secrets are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Modes {
    /// Those that nobody else on the machine can read or change. The group may read what root owns: that is how
    /// Kubernetes mounts a secret for a process of another user.
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
        let metadata = fs::metadata(file).ok()?;
        let mode = metadata.mode() & 0o777;
        let who = who_else(mode, metadata.uid())?;
        let file = file.display();
        Some(format!(
            "{file} has mode {mode:04o}, so {who}; `chmod 600 {file}`, or `keys.allow_loose_files = true` where nobody \
             else is"
        ))
    }
}

/// What others can do, who should not.
fn who_else(mode: u32, owner: u32) -> Option<&'static str> {
    let group = if owner == 0 { 0o030 } else { 0o070 };
    if mode & 0o007 != 0 {
        Some("everybody on this machine can use it")
    } else if mode & group != 0 {
        Some("its group can use it")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_may_use_a_secret_and_the_group_may_read_what_root_owns() {
        const ROOT: u32 = 0;
        const USER: u32 = 1000;
        let everybody = Some("everybody on this machine can use it");
        let group = Some("its group can use it");
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
        ] {
            assert_eq!(who_else(mode, owner), expected, "{mode:04o} of {owner}");
        }
    }
}
