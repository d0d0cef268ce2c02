//! Who else may write what the configuration is made of.
//!
//! Whoever writes a policy, the keys of an issuer or a certificate authority lets in whom they like, and whoever writes
//! WeChat's keys makes up answers. Such files are pointed out and taken all the same, since they hold no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::files::ROOT;

/// So many files are named; of ten thousand accounts, the others are counted.
const NAMED: usize = 5;

/// In a folder with this bit, nobody exchanges the files of others.
const STICKY: u32 = 0o1000;

/// Files and folders that others may write, and how.
#[derive(Debug, Default)]
pub(super) struct Writers {
    found: BTreeMap<PathBuf, String>,
    folders: BTreeSet<PathBuf>,
}

impl Writers {
    /// Looks at a file, and at its folder, in which another file could be put in its place. What cannot be looked at is
    /// told by whoever reads it.
    pub(super) fn look(&mut self, file: &Path) {
        self.note(file);
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if self.folders.insert(folder.to_owned()) {
            self.note(folder);
        }
    }

    fn note(&mut self, path: &Path) {
        let Ok(metadata) = fs::metadata(path) else {
            return;
        };
        let looked_at = LookedAt {
            mode: metadata.mode(),
            owner: metadata.uid(),
            group: metadata.gid(),
            is_folder: metadata.is_dir(),
        };
        if let Some(why) = looked_at.others(geteuid().as_raw()) {
            self.found.insert(path.to_owned(), why);
        }
    }

    /// Says it of all of them; `None` if there is none.
    pub(super) fn doubt(&self) -> Option<String> {
        let named: Vec<_> = self
            .found
            .iter()
            .take(NAMED)
            .map(|(path, why)| format!("{} {why}", path.display()))
            .collect();
        let others = match self.found.len().saturating_sub(NAMED) {
            0 => String::new(),
            others => format!("; and {others} more"),
        };
        (!named.is_empty()).then(|| {
            format!(
                "others on this machine can change what the gateway goes by: {}{others}; let it belong to root, or to \
                 the user that runs the gateway, and `chmod go-w`",
                named.join("; ")
            )
        })
    }
}

/// What is known of a file or a folder.
#[derive(Clone, Copy, Debug)]
struct LookedAt {
    mode: u32,
    owner: u32,
    group: u32,
    is_folder: bool,
}

impl LookedAt {
    /// Says how others than root and `own`, the user of this process, can write it.
    fn others(self, own: u32) -> Option<String> {
        let mode = self.mode & 0o777;
        if self.owner != ROOT && self.owner != own {
            return Some(format!("belongs to another user ({})", self.owner));
        }
        // Where each user has a group of its own, files are often made for it, and nobody else is in it.
        let is_shared = self.mode & 0o020 != 0 && self.group != self.owner;
        let is_open = self.mode & 0o002 != 0;
        let is_kept = self.is_folder && self.mode & STICKY != 0;
        ((is_shared || is_open) && !is_kept).then(|| format!("has mode {mode:04o}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_user_of_the_process_may_write_and_a_group_of_that_user_alone() {
        const USER: u32 = 1000;
        const OTHER: u32 = 1001;
        for (mode, owner, group, is_folder, expected) in [
            (0o644, USER, USER, false, None),
            (0o664, USER, USER, false, None),
            (0o664, USER, 50, false, Some("has mode 0664")),
            (0o664, 0, USER, false, Some("has mode 0664")),
            (0o666, USER, USER, false, Some("has mode 0666")),
            (0o602, 0, 0, false, Some("has mode 0602")),
            // As Kubernetes mounts it.
            (0o644, 0, USER, false, None),
            (0o440, 0, USER, false, None),
            (0o1777, 0, 0, true, None),
            (0o3777, 0, USER, true, None),
            (0o777, 0, 0, true, Some("has mode 0777")),
            (0o1666, 0, 0, false, Some("has mode 0666")),
            (
                0o600,
                OTHER,
                OTHER,
                false,
                Some("belongs to another user (1001)"),
            ),
            (
                0o1777,
                OTHER,
                OTHER,
                true,
                Some("belongs to another user (1001)"),
            ),
        ] {
            let looked_at = LookedAt {
                mode,
                owner,
                group,
                is_folder,
            };
            let found = looked_at.others(USER);
            assert_eq!(found.as_deref(), expected, "{looked_at:?}");
        }
    }

    #[test]
    fn a_few_are_named_and_the_others_are_counted() {
        let mut writers = Writers::default();
        assert_eq!(writers.doubt(), None);
        let found = (0..7).map(|number| (PathBuf::from(format!("{number}")), "is open".to_owned()));
        writers.found.extend(found);
        let doubt = writers.doubt().unwrap();
        assert!(
            doubt.contains(": 0 is open; 1 is open; 2 is open; 3 is open; 4 is open; and 2 more; "),
            "{doubt}"
        );
    }
}
