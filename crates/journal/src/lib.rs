//! Kabao's memory of changes: a change with a request id happens once, whatever crashes.

mod store;

pub use self::store::{
    Acquired, Begun, ChangeFilter, ChangeKey, ChangeStore, ChangeUpdate, Fingerprint, Held, Lease,
    Leases, NewChange, StoreError, StoredChange, Ticket,
};
