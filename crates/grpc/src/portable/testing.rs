//! Accounts with mocks behind them.

use std::sync::Arc;

use kabao_api::{
    Account, Accounts, Family, MockAccountApi, MockMediaApi, MockMemberApi, MockTemplateApi,
    MockUpstream,
};
use tonic::Status;
use tonic_types::StatusExt;

use crate::access::Access;

pub(crate) fn accounts(members: MockMemberApi, templates: MockTemplateApi) -> Arc<Accounts> {
    let mut accounts = Accounts::new();
    let mut account = account("demo-brand", Family::Brand, MockAccountApi::new());
    account.members = Arc::new(members);
    account.templates = Arc::new(templates);
    accounts.insert(account).unwrap();
    Arc::new(accounts)
}

pub(crate) fn account(id: &str, family: Family, state: MockAccountApi) -> Account {
    Account {
        id: id.parse().unwrap(),
        family,
        templates: Arc::new(MockTemplateApi::new()),
        members: Arc::new(MockMemberApi::new()),
        media: Arc::new(MockMediaApi::new()),
        state: Arc::new(state),
        upstream: Arc::new(MockUpstream::new()),
        card_signer: None,
        held_credentials: None,
        changes: None,
    }
}

/// A request of somebody who may do everything.
pub(crate) fn admitted<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(Access::free(None));
    request
}

/// Reason and violated fields.
pub(crate) fn refusal(status: &Status) -> (String, Vec<String>) {
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
