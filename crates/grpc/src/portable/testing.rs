//! Accounts with mocks behind them.

use std::sync::Arc;

use kabao_api::{Account, Accounts, Family, MockMemberApi, MockTemplateApi, MockUpstream};
use tonic::Status;
use tonic_types::StatusExt;

pub(super) fn accounts(members: MockMemberApi, templates: MockTemplateApi) -> Arc<Accounts> {
    let mut accounts = Accounts::new();
    accounts
        .insert(Account {
            id: "demo-brand".parse().unwrap(),
            family: Family::Brand,
            templates: Arc::new(templates),
            members: Arc::new(members),
            upstream: Arc::new(MockUpstream::new()),
        })
        .unwrap();
    Arc::new(accounts)
}

/// Reason and violated fields.
pub(super) fn refusal(status: &Status) -> (String, Vec<String>) {
    let reason = status.get_details_error_info().unwrap().reason;
    let fields = status
        .get_details_bad_request()
        .map(|bad| {
            bad.field_violations
                .into_iter()
                .map(|violation| violation.field)
                .collect()
        })
        .unwrap_or_default();
    (reason, fields)
}
