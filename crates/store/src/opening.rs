//! Opening a store, now or later.

use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use kabao_journal::StoreError;
use tokio::time::{sleep, timeout};

use crate::observer::StoreObserver;
use crate::opened::Opened;
use crate::report::chain;
use crate::settings::StoreSettings;
use crate::slot::Slot;
use crate::unopened::Unopened;
use crate::{postgres, sqlite};

/// No start of a process waits longer: a disk or a server may take its time, or never answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause after the first failure; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(30);

/// A try to open a store, which goes on for as long as it is polled.
type Try = Pin<Box<dyn Future<Output = Result<Opened, Unopened>> + Send>>;

/// A store to open.
#[derive(Clone)]
pub(crate) struct Opening {
    pub(crate) settings: StoreSettings,
    pub(crate) observer: Arc<dyn StoreObserver>,
}

impl Opening {
    /// The place of the store, which is not open yet.
    pub(crate) fn slot(&self) -> Slot {
        match &self.settings {
            StoreSettings::Embedded(settings) => Slot::new(sqlite::closed(settings), None),
            StoreSettings::Postgres(settings) => {
                Slot::new(postgres::closed(settings), Some(postgres::rhythm(settings)))
            }
        }
    }

    /// Tries once.
    pub(crate) async fn open(&self) -> Result<Opened, Unopened> {
        let observer = Arc::clone(&self.observer);
        match self.settings.clone() {
            StoreSettings::Embedded(settings) => sqlite::open(settings, observer).await,
            StoreSettings::Postgres(settings) => postgres::open(settings, observer).await,
        }
    }

    /// A try of its own.
    fn again(&self) -> Try {
        let opening = self.clone();
        Box::pin(async move { opening.open().await })
    }

    /// Tries once, and if that fails or takes too long, goes on beside whoever has the slot.
    ///
    /// # Errors
    /// A mistake.
    pub(crate) async fn begin(self, slot: &Arc<Slot>) -> Result<(), StoreError> {
        let mut first = self.again();
        match timeout(PATIENCE, &mut first).await {
            Ok(Ok(opened)) => slot.fill(opened),
            Ok(Err(Unopened::Mistake(error))) => return Err(error),
            Ok(Err(Unopened::Outage(failure))) => self.go_on(slot, None, chain(&failure)),
            Err(_) => {
                let why = "its disk or its database is slow, or does not answer".to_owned();
                self.go_on(slot, Some(first), why);
            }
        }
        Ok(())
    }

    /// Tries again and again, after the try that is under way, and as long as somebody has the slot.
    fn go_on(self, slot: &Arc<Slot>, under_way: Option<Try>, why: String) {
        tracing::error!("no changes are taken until the store is open: {why}");
        let opening = tokio::spawn(self.run(Arc::downgrade(slot), under_way, why));
        slot.opened_by(opening.abort_handle());
    }

    async fn run(self, slot: Weak<Slot>, mut under_way: Option<Try>, mut told: String) {
        let mut pause = FIRST;
        let opened = loop {
            let next = match under_way.take() {
                Some(under_way) => under_way,
                None => {
                    sleep(spread(pause)).await;
                    pause = (pause * 2).min(LONGEST);
                    self.again()
                }
            };
            match next.await {
                Ok(opened) => break opened,
                // What was wrong at first may have been mended in the wrong way: only a restart makes a mistake final.
                Err(unopened) => {
                    let error = chain(&unopened.into_error());
                    if told != error {
                        tracing::error!("the store is still not open: {error}");
                        told = error;
                    }
                }
            }
        };
        for warning in &opened.warnings {
            tracing::warn!("{warning}");
        }
        if let Some(slot) = slot.upgrade() {
            slot.fill(opened);
            tracing::info!("the store is open, and takes changes");
        }
    }
}

/// Up to a quarter less, so that replicas do not try all at once.
fn spread(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(pause) % 1000;
    pause - pause / 4 * u32::try_from(random).unwrap_or_default() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_over_their_last_quarter() {
        let pauses: Vec<_> = (0..100).map(|_| spread(LONGEST)).collect();
        let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!(*least >= LONGEST * 3 / 4 && *most <= LONGEST, "{pauses:?}");
        assert!(*most - *least > LONGEST / 10, "{pauses:?}");
    }
}
