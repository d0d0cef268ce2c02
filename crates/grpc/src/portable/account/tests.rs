use std::time::{Duration, SystemTime};

use kabao_api::{Accounts, FieldViolation, MockAccountApi, Reason};
use tonic::Code;

use super::super::testing::{account as configured, admitted, refusal};
use super::*;

fn state() -> MockAccountApi {
    let mut state = MockAccountApi::new();
    state.expect_capabilities().returning(|| {
        let capability = |method: &Method| Capability {
            method: *method,
            supported: *method != Method::AdjustBalance,
            limitation: (*method == Method::AdjustBalance)
                .then_some("has no such operation".into()),
        };
        Method::ALL.iter().map(capability).collect()
    });
    state.expect_credentials().returning(|| {
        let mut merchant = CredentialState::new(CredentialKind::Merchant, "1900000001");
        merchant.serial_number = Some("3F2A".to_owned());
        merchant.trusted_keys = vec![TrustedKeyState {
            id: "5157F09EFDC096DE15EBE81A47057A7232F1B8E1".to_owned(),
            is_certificate: true,
            valid_from: Some(SystemTime::UNIX_EPOCH),
            valid_until: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(60)),
            usable: false,
        }];
        let mut token = CredentialState::new(CredentialKind::AccessToken, "wx0123456789abcdef");
        token.access_token = Some(AccessTokenState {
            held: true,
            renews_in: Some(Duration::from_secs(90)),
        });
        vec![merchant, token]
    });
    state
}

fn service(names: &[&str]) -> AccountGrpc {
    let mut accounts = Accounts::new();
    for name in names {
        accounts
            .insert(configured(name, Family::Brand, state()))
            .unwrap();
    }
    AccountGrpc::new(accounts)
}

fn list(page_size: i32, page_token: &str) -> Request<proto::ListAccountsRequest> {
    admitted(proto::ListAccountsRequest {
        page_size,
        page_token: page_token.to_owned(),
    })
}

#[tokio::test]
async fn an_account_tells_what_it_can_do_and_what_it_stands_on() {
    let request = admitted(proto::GetAccountRequest {
        name: "accounts/a".to_owned(),
    });
    let account = service(&["a"]).get_account(request).await.unwrap();
    let account = account.into_inner();
    assert_eq!(account.name, "accounts/a");
    assert_eq!(account.family(), proto::Family::Brand);
    assert_eq!(account.capabilities.len(), Method::ALL.len());
    let balance = account
        .capabilities
        .iter()
        .find(|capability| capability.method == "kabao.v1.MemberService/AdjustBalance")
        .unwrap();
    assert!(!balance.supported);
    assert_eq!(balance.limitation, "has no such operation");
    let [merchant, token] = account.credentials.as_slice() else {
        panic!("two credentials");
    };
    assert_eq!(merchant.kind(), proto::CredentialKind::Merchant);
    assert_eq!(
        merchant.trusted_keys[0].kind(),
        proto::trusted_key::Kind::Certificate
    );
    assert!(!merchant.trusted_keys[0].usable);
    let held = token.access_token.as_ref().unwrap();
    assert_eq!(held.renews_in.map(|left| left.seconds), Some(90));
}

#[tokio::test]
async fn every_method_that_an_account_may_lack_is_an_rpc() {
    use kabao_proto::DESCRIPTOR_SET;
    use prost::Message;
    let files = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET)
        .unwrap()
        .file;
    let served: std::collections::BTreeSet<String> = files
        .iter()
        .filter(|file| file.package() == "kabao.v1")
        .flat_map(|file| &file.service)
        .filter(|service| {
            ["MediaService", "MemberService", "TemplateService"].contains(&service.name())
        })
        .flat_map(|service| {
            let name = service.name();
            service
                .method
                .iter()
                .map(move |method| format!("kabao.v1.{name}/{}", method.name()))
        })
        .collect();
    let known = Method::ALL
        .iter()
        .map(|method| format!("kabao.v1.{}/{method}", method.service()))
        .collect();
    assert_eq!(served, known);
}

#[tokio::test]
async fn accounts_come_in_pages_ordered_by_name() {
    let service = service(&["c", "a", "b"]);
    let first = service
        .list_accounts(list(2, ""))
        .await
        .unwrap()
        .into_inner();
    let names: Vec<_> = first
        .accounts
        .iter()
        .map(|account| account.name.as_str())
        .collect();
    assert_eq!(
        (names, first.total_size),
        (vec!["accounts/a", "accounts/b"], 3)
    );
    let token = &first.next_page_token;
    let second = service
        .list_accounts(list(2, token))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(second.accounts[0].name, "accounts/c");
    assert!(second.next_page_token.is_empty());

    for (size, token, reason, field) in [
        (-1, "", "FIELD_INVALID", "page_size"),
        (0, "x", "PAGE_TOKEN_INVALID", "page_token"),
    ] {
        let status = service.list_accounts(list(size, token)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(
            refusal(&status),
            (reason.to_owned(), vec![field.to_owned()])
        );
    }
}

#[tokio::test]
async fn a_check_says_what_was_proved_or_why_not() {
    let mut state = MockAccountApi::new();
    state.expect_check().once().returning(|context| {
        assert_eq!(context.account.as_str(), "a");
        Ok(vec![Check {
            operation: "brand.cards.list",
            credential: CredentialKind::Merchant,
            signature_verified: true,
        }])
    });
    state.expect_check().returning(|_| {
        Err(Error::new(
            Reason::CredentialRejected,
            "WeChat rejected the account's credentials",
        )
        .with_violations([FieldViolation::new("account", "is rejected")]))
    });
    let mut accounts = Accounts::new();
    accounts
        .insert(configured("a", Family::Brand, state))
        .unwrap();
    let service = AccountGrpc::new(accounts);
    let request = |name: &str| {
        admitted(proto::CheckAccountRequest {
            name: name.to_owned(),
        })
    };
    let answer = service.check_account(request("accounts/a")).await.unwrap();
    let proof = &answer.get_ref().proofs[0];
    assert_eq!(proof.operation, "brand.cards.list");
    assert!(proof.signature_verified);
    let status = service
        .check_account(request("accounts/a"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(
        refusal(&status),
        ("CREDENTIAL_REJECTED".to_owned(), vec!["name".to_owned()])
    );

    for (name, code) in [
        ("accounts/b", Code::NotFound),
        ("b", Code::InvalidArgument),
        ("", Code::InvalidArgument),
    ] {
        let status = service.check_account(request(name)).await.unwrap_err();
        assert_eq!(status.code(), code, "{name}");
    }
}
