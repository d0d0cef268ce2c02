//! The right to change a subject: its lock in this process, its lease among all processes.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use kabao_api::{CallContext, Error, Reason};
use tokio::time::{Instant, sleep};

use super::Process;
use super::locks::Guard;
use super::wait::wait;
use crate::entry::Standing;
use crate::store::{Acquired, Lease, Leases, StoredChange};
use crate::subject::SubjectKey;

/// The right to change a subject, or nothing where no subject is changed.
pub(crate) struct Right {
    guard: Option<Guard<SubjectKey>>,
    lease: Option<Lease>,
    /// Of this process before it asked for the right.
    standing: Standing,
    leases: Arc<dyn Leases>,
    waited: bool,
    wanted_pause: Duration,
}

impl Right {
    /// What whoever changes no subject needs.
    fn none(leases: &Arc<dyn Leases>, wanted_pause: Duration) -> Self {
        Self {
            guard: None,
            lease: None,
            standing: Standing::new(leases),
            leases: Arc::clone(leases),
            waited: false,
            wanted_pause,
        }
    }

    pub(crate) fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    pub(crate) fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Tells whether others may have changed something since the right was asked for.
    pub(crate) fn waited(&self) -> bool {
        self.waited
    }

    /// Gives it back, first to those who wait in other processes.
    pub(crate) async fn release(mut self) {
        let Some(lease) = self.lease.take() else {
            return;
        };
        match self.leases.release(lease.clone()).await {
            // Those who wait here would be faster every time.
            Ok(true) => sleep(self.wanted_pause).await,
            Ok(false) => {}
            Err(_) => give_back(&self.leases, lease),
        }
    }
}

impl Right {
    /// Gives it back when what is under way has arrived, beside whoever is answered.
    pub(crate) fn release_after(self, pause: Duration) {
        tokio::spawn(async move {
            sleep(pause).await;
            self.release().await;
        });
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            give_back(&self.leases, lease);
        }
    }
}

/// Gives a lease back beside whatever goes on, however long the store fails: a process that lives keeps what it
/// holds, and nobody else could change the subject any more.
fn give_back(leases: &Arc<dyn Leases>, lease: Lease) {
    const FIRST_PAUSE: Duration = Duration::from_millis(100);
    const LONGEST_PAUSE: Duration = Duration::from_secs(5);
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    let leases = Arc::clone(leases);
    runtime.spawn(async move {
        let mut pause = FIRST_PAUSE;
        while leases.release(lease.clone()).await.is_err() {
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    });
}

impl Process {
    /// Waits for the right to change a subject.
    pub(crate) async fn right(
        &self,
        context: &CallContext,
        deadline: Instant,
        subject: Option<SubjectKey>,
    ) -> Result<Right, Error> {
        let mut right = Right::none(&self.leases, self.settings.lease_poll * 2);
        let Some(subject) = subject else {
            return Ok(right);
        };
        right.guard = self.locks.try_lock(&subject);
        if right.guard.is_none() {
            right.waited = true;
            let locked = wait(context, deadline, self.locks.lock(&subject)).await;
            right.guard = Some(locked.ok_or_else(earlier_open)?);
        }
        match self
            .take_lease(context, deadline, &subject, &mut right)
            .await?
        {
            true => Ok(right),
            false => Err(earlier_open()),
        }
    }

    /// Waits for the right among processes alone; `None` if the call has no time for that.
    pub(super) async fn lease(
        &self,
        context: &CallContext,
        deadline: Instant,
        subject: &SubjectKey,
    ) -> Result<Option<Right>, Error> {
        let mut right = Right::none(&self.leases, self.settings.lease_poll * 2);
        let is_held = self.take_lease(context, deadline, subject, &mut right);
        Ok(is_held.await?.then_some(right))
    }

    async fn take_lease(
        &self,
        context: &CallContext,
        deadline: Instant,
        subject: &SubjectKey,
        right: &mut Right,
    ) -> Result<bool, Error> {
        let name = self.lease_name(subject)?;
        let mut pause = self.settings.lease_poll;
        loop {
            match self.leases.acquire(&name).await? {
                Acquired::Held(lease) => {
                    right.lease = Some(lease);
                    return Ok(true);
                }
                Acquired::Busy => {
                    right.waited = true;
                    if wait(context, deadline, sleep(pause)).await.is_none() {
                        return Ok(false);
                    }
                    pause = (pause * 3 / 2).min(Duration::from_millis(200));
                }
            }
        }
    }

    /// Takes the right if nobody has it.
    pub(crate) async fn right_now(
        &self,
        subject: Option<SubjectKey>,
    ) -> Result<Option<Right>, Error> {
        let mut right = Right::none(&self.leases, Duration::ZERO);
        let Some(subject) = subject else {
            return Ok(Some(right));
        };
        right.guard = self.locks.try_lock(&subject);
        if right.guard.is_none() {
            return Ok(None);
        }
        match self.leases.acquire(&self.lease_name(&subject)?).await? {
            Acquired::Held(lease) => {
                right.lease = Some(lease);
                Ok(Some(right))
            }
            Acquired::Busy => Ok(None),
        }
    }

    /// Tells whether nobody runs a change: its process is gone, or it is this one, which would have
    /// found it among the running ones.
    pub(crate) async fn is_abandoned(&self, change: &StoredChange) -> Result<bool, Error> {
        Ok(change.owner == self.leases.replica() || !self.leases.is_alive(&change.owner).await?)
    }

    /// A name that tells nobody the code of the member.
    fn lease_name(&self, (account, subject): &SubjectKey) -> Result<String, Error> {
        let content = format!("lease {account} {subject}");
        let digest = self.store.fingerprint(content.as_bytes())?;
        let mut name = String::with_capacity(2 * digest.0.len());
        for byte in digest.0 {
            // A text takes whatever is written into it.
            let _ = write!(name, "{byte:02x}");
        }
        Ok(name)
    }
}

/// The name of the other change is not told: it may be another caller's.
pub(crate) fn earlier_open() -> Error {
    Error::new(
        Reason::EarlierChangeOpen,
        "an earlier change of the same member or template has not ended",
    )
    .with_retry_after(Duration::from_secs(1))
}
