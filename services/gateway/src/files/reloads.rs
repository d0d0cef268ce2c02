//! Looks at files that may have changed, every so often.
//!
//! It looks at what is in them and not at events: mounted secrets are exchanged by a symbolic link, and network file
//! systems tell nobody.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::{Faults, Reload};
use crate::abort::AbortOnDrop;

/// Whatever is made of files. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Reloads(Arc<Mutex<Vec<Watched>>>);

impl Reloads {
    pub(crate) fn new(watched: Vec<Arc<dyn Reload>>) -> Self {
        let watched = watched.into_iter().map(Watched::new).collect();
        Self(Arc::new(Mutex::new(watched)))
    }

    /// Reads everything again, and tells what is new.
    pub(crate) async fn look(&self) {
        for one in self.0.lock().await.iter_mut() {
            one.look().await;
        }
    }

    /// Does so `every` so often, until what is returned is dropped.
    pub(crate) fn follow(&self, every: Duration) -> AbortOnDrop {
        let reloads = self.clone();
        let task = tokio::spawn(async move {
            loop {
                sleep(every).await;
                reloads.look().await;
            }
        });
        AbortOnDrop(task.abort_handle())
    }
}

/// One thing, and what was said of it last.
#[derive(Debug)]
struct Watched {
    reload: Arc<dyn Reload>,
    told: Option<Faults>,
}

impl Watched {
    fn new(reload: Arc<dyn Reload>) -> Self {
        let told = None;
        Self { reload, told }
    }

    /// Reads it again, and tells what is new.
    async fn look(&mut self) {
        let reload = Arc::clone(&self.reload);
        let name = reload.name();
        // A file system may hang.
        let Ok(read) = spawn_blocking(move || reload.reload()).await else {
            tracing::error!(files = name, "looking at files panicked");
            return;
        };
        match read {
            Ok(changed) => {
                if self.told.take().is_some() && changed.is_empty() {
                    tracing::info!(files = name, "the files are again those that are in use");
                }
                if !changed.is_empty() {
                    tracing::info!(files = name, changed = ?changed.0, "changed files are in use");
                }
            }
            Err(faults) => {
                if self.told.as_ref() != Some(&faults) {
                    tracing::error!(
                        files = name,
                        "changed files are refused, and what they were before stays in use: {faults}"
                    );
                    self.told = Some(faults);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::{Arc, Duration, Faults, Reload, Reloads, Watched, sleep};
    use crate::files::Changed;

    /// Says what it is told to say, the last thing for ever.
    #[derive(Debug)]
    struct Scripted(Mutex<Vec<Result<Changed, Faults>>>);

    impl Reload for Scripted {
        fn name(&self) -> &'static str {
            "scripted"
        }

        fn reload(&self) -> Result<Changed, Faults> {
            let mut script = self.0.lock().unwrap();
            match script.len() {
                1 => script[0].clone(),
                _ => script.remove(0),
            }
        }

        fn is_refused(&self) -> bool {
            self.0.lock().unwrap()[0].is_err()
        }
    }

    fn faults(message: &str) -> Result<Changed, Faults> {
        let mut faults = Faults::default();
        faults.add("k", message);
        Err(faults)
    }

    #[tokio::test]
    async fn a_fault_is_told_once_until_it_is_another_one_or_over() {
        let nothing = || Ok(Changed::default());
        let script = vec![
            nothing(),
            faults("a"),
            faults("a"),
            faults("b"),
            nothing(),
            faults("b"),
        ];
        let expected = [None, Some("a"), Some("a"), Some("b"), None, Some("b")];
        let mut watched = Watched::new(Arc::new(Scripted(Mutex::new(script))));
        for expected in expected {
            watched.look().await;
            let told = watched.told.as_ref().map(ToString::to_string);
            assert_eq!(told, expected.map(|message| format!("k: {message}")));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn files_are_looked_at_every_so_often() {
        let script = (0..3).map(|_| Ok(Changed::default())).collect();
        let scripted = Arc::new(Scripted(Mutex::new(script)));
        let watched: Arc<dyn Reload> = Arc::<Scripted>::clone(&scripted);
        let begun = tokio::time::Instant::now();
        let following = Reloads::new(vec![watched]).follow(Duration::from_secs(10));
        while scripted.0.lock().unwrap().len() > 1 {
            sleep(Duration::from_secs(1)).await;
        }
        assert!(begun.elapsed() >= Duration::from_secs(20));
        drop(following);
    }
}
