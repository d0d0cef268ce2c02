//! How the values of a store print: subjects, plans and answers hold personal data, and are left out.

use std::fmt;

use super::{ChangeFilter, ChangeUpdate, Lease, NewChange, StoredChange};
use crate::plan::Plan;

impl fmt::Debug for NewChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewChange")
            .field("key", &self.key)
            .field("method", &self.method)
            .field("lease", &self.lease)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ChangeUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeUpdate")
            .field("state", &self.state)
            .field("plan", &self.plan.is_some())
            .field("answer", &self.answer.is_some())
            .field("time", &self.time)
            .finish()
    }
}

impl fmt::Debug for StoredChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredChange")
            .field("ticket", &self.ticket)
            .field("key", &self.key)
            .field("method", &self.method)
            .field("state", &self.state)
            .field("owner", &self.owner)
            .field("answer", &self.answer.is_some())
            .field("create_time", &self.create_time)
            .field("update_time", &self.update_time)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ChangeFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeFilter")
            .field("account", &self.account)
            .field("states", &self.states)
            .field("subject", &self.subject.is_some())
            .field("after", &self.after)
            .field("newest_first", &self.newest_first)
            .field("limit", &self.limit)
            .finish()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("operation", &self.operation)
            .field("number", &self.number)
            .field("value", &self.value)
            .field("member", &self.member)
            .field("doubt", &self.doubt)
            .field("needs_decision", &self.needs_decision)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use kabao_api::ChangeState;

    use super::*;
    use crate::store::{ChangeKey, Fingerprint, Ticket};

    const CODE: &str = "478515832665";

    #[test]
    fn nothing_of_a_member_is_printed() {
        let plan = format!(
            r#"{{"operation":"o","request":"{CODE}","answer":"{CODE}","subject":"member/{CODE}","openid":"{CODE}","member":"accounts/a/templates/t/members/{CODE}","is_safe_to_repeat":true}}"#
        );
        let lease = Lease {
            name: format!("member/{CODE}"),
            fence: 7,
        };
        let key = ChangeKey {
            account: "acme".parse().unwrap(),
            id: "order-1".parse().unwrap(),
        };
        let new = NewChange {
            key: key.clone(),
            method: "AdjustPoints".to_owned(),
            fingerprint: Fingerprint([0; 32]),
            subject: Some(lease.name.clone()),
            lease: Some(lease.clone()),
            plan: plan.clone().into_bytes(),
            time: SystemTime::UNIX_EPOCH,
        };
        let update = ChangeUpdate {
            state: ChangeState::Applied,
            plan: Some(plan.clone().into_bytes()),
            answer: Some(CODE.as_bytes().to_vec()),
            time: SystemTime::UNIX_EPOCH,
        };
        let stored = StoredChange {
            ticket: Ticket {
                sequence: 1,
                fence: 1,
            },
            key,
            method: "AdjustPoints".to_owned(),
            fingerprint: Fingerprint([0; 32]),
            state: ChangeState::Intent,
            owner: "replica".to_owned(),
            plan: plan.clone().into_bytes(),
            answer: Some(CODE.as_bytes().to_vec()),
            create_time: SystemTime::UNIX_EPOCH,
            update_time: SystemTime::UNIX_EPOCH,
        };
        let filter = ChangeFilter {
            subject: Some(lease.name.clone()),
            ..ChangeFilter::default()
        };
        let plan = Plan::read(plan.as_bytes()).unwrap();
        let printed = format!("{new:?} {update:?} {stored:?} {filter:?} {plan:?} {lease:?}");
        assert!(!printed.contains(CODE), "{printed}");
        // Bytes print as numbers, which say the same.
        assert!(!printed.contains("52, 55, 56"), "{printed}");
        assert!(printed.contains("order-1"), "{printed}");
    }
}
