//! `kabao.v1.AccountService`.

use kabao_api::{
    AccessTokenState, Account, AccountId, Capability, Check, CredentialKind, CredentialProblem,
    CredentialState, Cursor, Error, Family, Method, PageScope, TrustedKeyState,
};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::account_service_server::AccountService;
use tonic::{Request, Response, Status};

use super::arguments::Arguments;
use super::text;
use crate::call::Call;
use crate::generation::Generations;

/// How many accounts a page has at most, and unless the caller says otherwise.
const PAGE: u32 = 100;

/// Describes and checks the configured accounts.
#[derive(Clone, Debug)]
pub struct AccountGrpc {
    generations: Generations,
}

impl AccountGrpc {
    /// Serves `accounts`.
    pub fn new(generations: impl Into<Generations>) -> Self {
        Self {
            generations: generations.into(),
        }
    }

    fn list(
        &self,
        call: &Call,
        request: proto::ListAccountsRequest,
    ) -> Result<proto::ListAccountsResponse, Error> {
        let mut arguments = Arguments::default();
        let page = arguments.page(request.page_size, request.page_token);
        let page = arguments.finish(Some(page))?;
        let scope = PageScope::list_accounts();
        let Cursor { offset, size } = scope.cursor(&page, PAGE, PAGE)?;
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        let wanted = usize::try_from(size).unwrap_or(usize::MAX);
        let all = call.accounts(&self.generations);
        let generation = call.generation(&self.generations);
        let accounts: Vec<_> = all
            .iter()
            .skip(skipped)
            .take(wanted)
            .map(|account| answer(account, generation))
            .collect();
        let more = all.len() > skipped.saturating_add(accounts.len());
        let next = more.then(|| {
            scope.token(Cursor {
                offset: offset.saturating_add(u64::from(size)),
                size,
            })
        });
        Ok(proto::ListAccountsResponse {
            accounts,
            next_page_token: text(next.as_ref().map(|token| token.as_str())),
            total_size: i64::try_from(all.len()).unwrap_or(i64::MAX),
        })
    }
}

#[tonic::async_trait]
impl AccountService for AccountGrpc {
    async fn list_accounts(
        &self,
        request: Request<proto::ListAccountsRequest>,
    ) -> Result<Response<proto::ListAccountsResponse>, Status> {
        let call = Call::of(&request);
        self.list(&call, request.into_inner())
            .map(Response::new)
            .map_err(|error| call.refuse(&error))
    }

    async fn get_account(
        &self,
        request: Request<proto::GetAccountRequest>,
    ) -> Result<Response<proto::Account>, Status> {
        let mut call = Call::of(&request).renaming(in_name);
        let id = name(&request.into_inner().name).map_err(|error| call.refuse(&error))?;
        let (account, _) = call.account(&self.generations, &id)?;
        let generation = call.generation(&self.generations);
        Ok(Response::new(answer(&account, generation)))
    }

    async fn check_account(
        &self,
        request: Request<proto::CheckAccountRequest>,
    ) -> Result<Response<proto::CheckAccountResponse>, Status> {
        let mut call = Call::of(&request).renaming(in_name);
        let id = name(&request.into_inner().name).map_err(|error| call.refuse(&error))?;
        let (account, mut context) = call.account(&self.generations, &id)?;
        call.write_down(&mut context, None, Vec::new)?;
        match account.state.check(&context).await {
            Ok(checks) => Ok(Response::new(proto::CheckAccountResponse {
                proofs: checks.into_iter().map(proof).collect(),
            })),
            Err(error) => Err(call.refuse(&error)),
        }
    }
}

fn name(text: &str) -> Result<AccountId, Error> {
    let mut arguments = Arguments::default();
    let id = arguments.account("name", text);
    arguments.finish(id)
}

fn answer(account: &Account, generation: u64) -> proto::Account {
    proto::Account {
        name: format!("accounts/{}", account.id),
        family: family(account.family).into(),
        capabilities: account
            .state
            .capabilities()
            .into_iter()
            .map(capability)
            .collect(),
        credentials: account
            .state
            .credentials()
            .into_iter()
            .map(credential)
            .collect(),
        generation: i64::try_from(generation).unwrap_or(i64::MAX),
    }
}

fn family(family: Family) -> proto::Family {
    match family {
        Family::Merchant => proto::Family::Merchant,
        Family::Brand => proto::Family::Brand,
        Family::OfficialAccount => proto::Family::OfficialAccount,
    }
}

fn capability(capability: Capability) -> proto::Capability {
    let method: Method = capability.method;
    proto::Capability {
        method: format!("kabao.v1.{}/{method}", method.service()),
        supported: capability.supported,
        limitation: capability.limitation.unwrap_or_default().into_owned(),
    }
}

fn kind(kind: CredentialKind) -> proto::CredentialKind {
    match kind {
        CredentialKind::Merchant => proto::CredentialKind::Merchant,
        CredentialKind::Brand => proto::CredentialKind::Brand,
        CredentialKind::AccessToken => proto::CredentialKind::AccessToken,
        _ => proto::CredentialKind::Unspecified,
    }
}

fn credential(state: CredentialState) -> proto::Credential {
    proto::Credential {
        kind: kind(state.kind).into(),
        number: state.number,
        serial_number: text(state.serial_number),
        trusted_keys: state.trusted_keys.into_iter().map(trusted_key).collect(),
        access_token: state.access_token.map(access_token),
        problem: state.problem.map(problem),
        certificate_expire_time: state.certificate_ends.map(Into::into),
    }
}

fn problem(problem: CredentialProblem) -> proto::CredentialProblem {
    proto::CredentialProblem {
        reason: problem.reason.as_str().to_owned(),
        message: problem.message,
        since_time: Some(problem.since.into()),
    }
}

fn trusted_key(key: TrustedKeyState) -> proto::TrustedKey {
    use proto::trusted_key::Kind;
    let kind = if key.is_certificate {
        Kind::Certificate
    } else {
        Kind::PublicKey
    };
    proto::TrustedKey {
        id: key.id,
        kind: kind.into(),
        valid_from_time: key.valid_from.map(Into::into),
        valid_until_time: key.valid_until.map(Into::into),
        usable: key.usable,
    }
}

fn access_token(token: AccessTokenState) -> proto::AccessToken {
    proto::AccessToken {
        held: token.held,
        // Only a duration of more than 10,000 years does not fit.
        renews_in: token.renews_in.and_then(|left| left.try_into().ok()),
    }
}

fn proof(check: Check) -> proto::check_account_response::Proof {
    proto::check_account_response::Proof {
        credential: kind(check.credential).into(),
        operation: check.operation.to_owned(),
        signature_verified: check.signature_verified,
    }
}

fn in_name(field: &str) -> Option<String> {
    (field == "account").then(|| "name".to_owned())
}

#[cfg(test)]
mod tests;
