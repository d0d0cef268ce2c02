//! Files that change while the process runs: what they looked like when they were read, and whether they still do.
//!
//! A look asks the file system and reads nothing, so ten thousand files are looked at in a few dozen milliseconds. Links
//! are followed: where a mounted secret is swapped by its `..data` link, another file stands behind the same path.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// How long files have to stay as they are before they count as written, unless they are looked at more often.
const SETTLED: Duration = Duration::from_secs(1);

/// What a file, or a folder with its list of entries, looked like; `None` if it could not be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(Option<Look>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    /// Nobody can set this time back, unlike that of the modification.
    changed: (i64, i64),
}

/// Files and folders, and what each of them looked like. Their names are compared as they are written, since
/// paths are compared part by part, which is slow for tens of thousands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(BTreeMap<OsString, Mark>);

impl Mark {
    fn of(path: &Path) -> Self {
        let metadata = fs::metadata(path).ok();
        Self(metadata.map(|metadata| Look {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }))
    }
}

impl Marks {
    /// Looks at a file that is about to be read: what happens to it from now on is a change. The first look counts.
    pub(crate) fn note(&mut self, path: &Path) {
        let written = path.as_os_str().to_owned();
        self.0.entry(written).or_insert_with(|| Mark::of(path));
    }

    /// Looks at the same files once more.
    pub(crate) fn renewed(&self) -> Self {
        let mark = |path: &OsString| (path.clone(), Mark::of(Path::new(path)));
        Self(self.0.keys().map(mark).collect())
    }

    /// The same, beside the runtime.
    async fn look(&self) -> Self {
        let known = self.clone();
        // A look that is not finished, because the process ends, shows nothing new.
        let look = spawn_blocking(move || known.renewed()).await;
        look.unwrap_or_else(|_| self.clone())
    }
}

impl<P: AsRef<Path>> FromIterator<P> for Marks {
    fn from_iter<I: IntoIterator<Item = P>>(paths: I) -> Self {
        let mut marks = Self::default();
        for path in paths {
            marks.note(path.as_ref());
        }
        marks
    }
}

/// Looks at files every so often.
///
/// Whoever reads files notes them in [`Marks`] right before, and watches these: so no change is missed between reading
/// and watching.
#[derive(Debug)]
pub(crate) struct Watch {
    every: Duration,
    known: Marks,
}

impl Watch {
    /// Watches files that looked like this when they were read.
    pub(crate) fn new(every: Duration, known: Marks) -> Self {
        Self { every, known }
    }

    /// Watches these files from now on instead.
    pub(crate) fn know(&mut self, known: Marks) {
        self.known = known;
    }

    /// Waits until one of the files does not look as it did, and all have settled: nobody writes them any more, as far
    /// as that shows. What they look like then is known, so the next change is waited for.
    pub(crate) async fn changed(&mut self) {
        loop {
            sleep(self.every).await;
            let mut seen = self.known.look().await;
            if seen == self.known {
                continue;
            }
            loop {
                sleep(self.every.min(SETTLED)).await;
                let again = self.known.look().await;
                if again == seen {
                    break;
                }
                seen = again;
            }
            // One that has come back to what was read is no change.
            if seen != self.known {
                self.known = seen;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use tokio::time::{Instant, timeout};

    use super::*;

    const EVERY: Duration = Duration::from_secs(10);

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("kabao-watch-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    async fn is_quiet(watch: &mut Watch) -> bool {
        timeout(EVERY * 5, watch.changed()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_written_removed_or_made_again_has_changed() {
        let folder = folder("written");
        let file = folder.join("key.pem");
        let mut watch = Watch::new(EVERY, Marks::from_iter([&file]));
        assert!(is_quiet(&mut watch).await);
        for content in [Some("one"), Some("two"), None, Some("two")] {
            match content {
                // Another file in its place, so that the test does not depend on the granularity of times.
                Some(content) => {
                    fs::write(folder.join("next"), content).unwrap();
                    fs::rename(folder.join("next"), &file).unwrap();
                }
                None => fs::remove_file(&file).unwrap(),
            }
            let began = Instant::now();
            watch.changed().await;
            assert_eq!(began.elapsed(), EVERY + SETTLED, "{content:?}");
            assert!(is_quiet(&mut watch).await, "{content:?}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_that_points_elsewhere_is_a_change_of_the_files_behind_it() {
        let folder = folder("link");
        for version in ["..1", "..2"] {
            fs::create_dir(folder.join(version)).unwrap();
            fs::write(folder.join(version).join("key.pem"), version).unwrap();
        }
        symlink("..1", folder.join("..data")).unwrap();
        symlink("..data/key.pem", folder.join("key.pem")).unwrap();
        let mut watch = Watch::new(EVERY, Marks::from_iter([folder.join("key.pem")]));
        symlink("..2", folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        watch.changed().await;
        assert!(is_quiet(&mut watch).await);
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn files_that_are_being_written_are_waited_for() {
        let folder = folder("settled");
        let file = folder.join("kabao.toml");
        fs::write(&file, "").unwrap();
        let mut watch = Watch::new(EVERY, Marks::from_iter([&file]));
        let writing = async {
            // Two pieces before each look until 20 s have passed.
            for piece in 1..=40 {
                fs::write(&file, "x".repeat(piece)).unwrap();
                sleep(SETTLED / 2).await;
            }
        };
        let began = Instant::now();
        let (_, took) = tokio::join!(writing, async {
            watch.changed().await;
            began.elapsed()
        });
        assert!(took >= Duration::from_secs(20), "{took:?}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_happens_between_noting_and_watching_is_a_change() {
        let folder = folder("between");
        let marks = Marks::from_iter([&folder]);
        fs::write(folder.join("acme.toml"), "").unwrap();
        Watch::new(EVERY, marks).changed().await;
        fs::remove_dir_all(folder).unwrap();
    }
}
