//! The open connections of the admin listener, of which one makes room for the next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::{AbortHandle, JoinSet};

/// Probes and one scraper or two; more is a mistake or an attack.
const CONNECTIONS: usize = 64;

/// The open connections. Dropping them closes them.
#[derive(Debug, Default)]
pub(super) struct Guests {
    serving: JoinSet<()>,
    /// In the order in which they came; also some that have left.
    oldest: VecDeque<Guest>,
}

#[derive(Debug)]
struct Guest {
    /// Whether a request has come.
    asked: Arc<AtomicBool>,
    serving: AbortHandle,
}

impl Guests {
    /// Serves a connection, for which another one may have to go. What it is given to note that a request has come, it
    /// sets.
    pub(super) fn receive<F>(&mut self, serve: impl FnOnce(Arc<AtomicBool>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.make_room();
        let asked = Arc::new(AtomicBool::new(false));
        let serving = self.serving.spawn(serve(Arc::clone(&asked)));
        self.oldest.push_back(Guest { asked, serving });
    }

    /// If there is no place, the one goes that has said nothing for longest, or else the one that has been there for
    /// longest: whoever asks is answered within milliseconds.
    fn make_room(&mut self) {
        while self.serving.try_join_next().is_some() {}
        self.oldest.retain(|guest| !guest.serving.is_finished());
        if self.oldest.len() < CONNECTIONS {
            return;
        }
        let is_silent = |guest: &Guest| !guest.asked.load(Ordering::Relaxed);
        let silent = self.oldest.iter().position(is_silent);
        if let Some(guest) = self.oldest.remove(silent.unwrap_or(0)) {
            guest.serving.abort();
            tracing::debug!("an admin connection made room for another");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// Tells its number when it goes.
    struct Leaving(usize, mpsc::Sender<usize>);

    impl Drop for Leaving {
        fn drop(&mut self) {
            self.1.try_send(self.0).unwrap();
        }
    }

    #[tokio::test]
    async fn the_oldest_goes_that_is_silent_and_then_the_oldest() {
        let (sender, mut gone) = mpsc::channel(1000);
        let mut guests = Guests::default();
        let mut receive = |number: usize, asks: bool| {
            let leaving = Leaving(number, sender.clone());
            guests.receive(|asked| {
                asked.store(asks, Ordering::Relaxed);
                async move {
                    let _leaving = leaving;
                    std::future::pending().await
                }
            });
        };
        for number in 0..CONNECTIONS {
            receive(number, ![2, 5].contains(&number));
        }
        let mut left = Vec::new();
        for number in 0..4 {
            receive(CONNECTIONS + number, true);
            left.push(gone.recv().await.unwrap());
        }
        assert_eq!(left, [2, 5, 0, 1]);
    }

    #[tokio::test]
    async fn whoever_has_left_makes_room() {
        let mut guests = Guests::default();
        for _ in 0..10 * CONNECTIONS {
            guests.receive(|_| async {});
            tokio::task::yield_now().await;
        }
        assert!(guests.oldest.len() <= 2, "{}", guests.oldest.len());
    }
}
