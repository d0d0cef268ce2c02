//! Who gets through to an account: every method, for those who may and for those who may not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use futures_util::future::join_all;
use kabao_api::{
    Account, Accounts, Error, Family, MockAccountApi, MockCardSigner, MockChangeApi,
    MockHeldCredentials, MockMediaApi, MockMemberApi, MockTemplateApi, MockUpstream, Reason,
    RequestId,
};
use kabao_grpc::{Group, Methods, Policy, Rule, Server, group_of, methods};
use kabao_proto::kabao::v1 as proto;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use tonic::Code;

use crate::support::{Answer, Names, Running, frame, start};

const ACCOUNTS: [(&str, Family); 3] = [
    ("acme-brand", Family::Brand),
    ("acme-merchant", Family::Merchant),
    ("acme-page", Family::OfficialAccount),
];

/// An account that tells whoever gets to it: by an error that nothing else makes, or by a panic, since the other mocks
/// expect nothing.
fn account(id: &str, family: Family) -> Account {
    let mut changes = MockChangeApi::new();
    changes
        .expect_new_request_id()
        .returning(|| "made".parse::<RequestId>().ok());
    let mut upstream = MockUpstream::new();
    upstream
        .expect_execute()
        .returning(|_, _| Err(Error::new(Reason::UserNotEligible, "reached")));
    Account {
        id: id.parse().unwrap(),
        family,
        templates: Arc::new(MockTemplateApi::new()),
        members: Arc::new(MockMemberApi::new()),
        media: Arc::new(MockMediaApi::new()),
        state: Arc::new(MockAccountApi::new()),
        upstream: Arc::new(upstream),
        card_signer: Some(Arc::new(MockCardSigner::new())),
        held_credentials: Some(Arc::new(MockHeldCredentials::new())),
        changes: Some(Arc::new(changes)),
    }
}

fn rule(caller: &str, account: &str, methods: impl IntoIterator<Item = Methods>) -> Rule {
    Rule {
        caller: caller.parse().unwrap(),
        accounts: vec![account.parse().unwrap()],
        methods: methods.into_iter().collect(),
        weight: 1,
        place: String::new(),
    }
}

/// `right` may do everything for the accounts that there are, `wrong-account` for others; `not-GROUP` what is in the
/// other groups; `wrong-caller` nothing.
async fn gateway() -> Running {
    let all = || Group::ALL.map(Methods::Group);
    let mut rules = vec![
        rule("right", "acme-*", all()),
        rule("wrong-account", "other-*", all()),
    ];
    for group in Group::ALL {
        let others = all().into_iter();
        let others = others.filter(|methods| *methods != Methods::Group(group));
        rules.push(rule(&format!("not-{}", group.as_str()), "**", others));
    }
    let mut accounts = Accounts::new();
    for (id, family) in ACCOUNTS {
        accounts.insert(account(id, family)).unwrap();
    }
    let server = Server::builder(Arc::new(accounts))
        .tokens(Arc::<Names>::default())
        .policy(Arc::new(Policy::new(rules)));
    start(server).await
}

/// A request that names `account` where the method looks for it, and is good enough to get there.
fn request(method: &str, account: &str) -> Vec<u8> {
    let (template, member) = (
        format!("accounts/{account}/templates/card"),
        format!("accounts/{account}/templates/card/members/1"),
    );
    let (account, change) = (
        format!("accounts/{account}"),
        format!("accounts/{account}/changes/order-1"),
    );
    let adjust = proto::AdjustPointsRequest {
        name: member.clone(),
        change: Some(proto::adjust_points_request::Change::Add(1)),
        ..Default::default()
    };
    let update = proto::UpdateMemberRequest {
        member: Some(proto::Member {
            name: member.clone(),
            points: Some(1),
            ..Default::default()
        }),
        ..Default::default()
    };
    let import = proto::ImportMemberRequest {
        parent: template.clone(),
        user: Some(proto::import_member_request::User::Openid("o".to_owned())),
        ..Default::default()
    };
    let get = proto::GetMemberRequest {
        name: member.clone(),
        ..Default::default()
    };
    match method {
        "kabao.v1.AccountService/ListAccounts" => Vec::new(),
        "kabao.v1.MediaService/UploadImage" => proto::UploadImageRequest {
            account,
            filename: "a.png".to_owned(),
            ..Default::default()
        }
        .encode_to_vec(),
        "kabao.officialaccount.v1.ClientSignatureService/SignClientCall" => {
            use kabao_proto::kabao::officialaccount::v1 as page;
            page::SignClientCallRequest {
                account,
                call: Some(page::sign_client_call_request::Call::AddCard(
                    page::AddCard {
                        card_id: "card".to_owned(),
                        ..Default::default()
                    },
                )),
            }
            .encode_to_vec()
        }
        "kabao.v1.ChangeService/ListChanges" => proto::ListChangesRequest {
            parent: account,
            ..Default::default()
        }
        .encode_to_vec(),
        "kabao.v1.ChangeService/ResolveChange" => proto::ResolveChangeRequest {
            name: change,
            outcome: proto::resolve_change_request::Outcome::Applied.into(),
            note: "seen".to_owned(),
        }
        .encode_to_vec(),
        "kabao.v1.MemberService/UpdateMember" => update.encode_to_vec(),
        "kabao.v1.MemberService/AdjustBalance" => proto::AdjustBalanceRequest {
            name: member,
            change: Some(proto::adjust_balance_request::Change::Add(1)),
            ..Default::default()
        }
        .encode_to_vec(),
        "kabao.v1.MemberService/AdjustPoints" => adjust.encode_to_vec(),
        "kabao.v1.MemberService/ListMembers" => proto::ListMembersRequest {
            parent: template,
            openid: "o".to_owned(),
            ..Default::default()
        }
        .encode_to_vec(),
        "kabao.v1.MemberService/ImportMember" => import.encode_to_vec(),
        "kabao.v1.MemberService/BatchGetMembers" => proto::BatchGetMembersRequest {
            requests: vec![get],
        }
        .encode_to_vec(),
        "kabao.v1.MemberService/BatchAdjustPoints" => proto::BatchAdjustPointsRequest {
            parent: account,
            request_id: "batch-1".to_owned(),
            items: vec![adjust],
            ..Default::default()
        }
        .encode_to_vec(),
        "kabao.v1.MemberService/BatchUpdateMembers" => proto::BatchUpdateMembersRequest {
            parent: account,
            request_id: "batch-1".to_owned(),
            items: vec![update],
            ..Default::default()
        }
        .encode_to_vec(),
        "kabao.v1.MemberService/BatchImportMembers" => proto::BatchImportMembersRequest {
            parent: account,
            request_id: "batch-1".to_owned(),
            items: vec![import],
            ..Default::default()
        }
        .encode_to_vec(),
        "kabao.v1.TemplateService/ListTemplates" => proto::ListTemplatesRequest {
            parent: account,
            ..Default::default()
        }
        .encode_to_vec(),
        "kabao.v1.TemplateService/CreateTemplate" => proto::CreateTemplateRequest {
            parent: account,
            template: Some(proto::Template::default()),
            ..Default::default()
        }
        .encode_to_vec(),
        "kabao.v1.TemplateService/UpdateTemplate" => proto::UpdateTemplateRequest {
            template: Some(proto::Template {
                name: template,
                title: "t".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }
        .encode_to_vec(),
        method => {
            let name = match method.split_once('/').unwrap().0 {
                "kabao.v1.AccountService" => account.clone(),
                "kabao.v1.ChangeService" => change,
                "kabao.v1.MemberService" => member,
                "kabao.v1.TemplateService" => template,
                _ => String::new(),
            };
            named(method, &[("account", &account), ("name", &name)])
        }
    }
}

/// The request of a method with a text in the first of these fields that it has.
fn named(method: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| DescriptorPool::decode(kabao_proto::DESCRIPTOR_SET).unwrap());
    let (service, method) = method.split_once('/').unwrap();
    let service = POOL.get_service_by_name(service).unwrap();
    let input = service.methods().find(|found| found.name() == method);
    let input = input.unwrap().input();
    let mut message = DynamicMessage::new(input.clone());
    let (field, value) = fields
        .iter()
        .find(|(field, _)| input.get_field_by_name(field).is_some())
        .unwrap_or_else(|| panic!("{method} names no account"));
    message.set_field_by_name(field, Value::String((*value).to_owned()));
    if method == "GetTicket" {
        message.set_field_by_name("type", Value::EnumNumber(1));
    }
    if input.get_field_by_name("content").is_some() {
        message.set_field_by_name("filename", Value::String("a.png".to_owned()));
        message.set_field_by_name(
            "content",
            Value::Bytes(Bytes::from_static(b"\x89PNG\r\n\x1a\n0000")),
        );
    }
    message.encode_to_vec()
}

impl Running {
    async fn as_caller(&self, token: Option<&str>, method: &str, body: Vec<u8>) -> Answer {
        let request = self.request(&format!("/{method}"));
        let request = match token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        self.send(request, frame(&body)).await
    }
}

/// An account of the family that the method belongs to.
fn account_of(method: &str) -> &'static str {
    match method.split('.').nth(1).unwrap() {
        "brand" => "acme-brand",
        "officialaccount" => "acme-page",
        _ => "acme-merchant",
    }
}

fn outcome(answer: &Answer) -> (Code, String) {
    (answer.code(), answer.reason())
}

#[tokio::test]
async fn nobody_but_the_right_caller_gets_to_the_account_by_any_method() {
    let gateway = gateway().await;
    let checks: Vec<_> = methods().map(|method| check(&gateway, method)).collect();
    assert!(checks.len() > 100, "{}", checks.len());
    join_all(checks).await;
}

/// Calls a method as those who may not, and as the one who may.
async fn check(gateway: &Running, method: &'static str) {
    let unauthenticated = (Code::Unauthenticated, "UNAUTHENTICATED".to_owned());
    let denied = (Code::PermissionDenied, "PERMISSION_DENIED".to_owned());
    let body = || request(method, account_of(method));
    for token in [None, Some("nobody"), Some("")] {
        let answer = gateway.as_caller(token, method, body()).await;
        assert_eq!(outcome(&answer), unauthenticated, "{method} {token:?}");
    }
    let not = format!("not-{}!", group_of(method).unwrap().as_str());
    for token in ["wrong-caller!", &not] {
        let answer = gateway.as_caller(Some(token), method, body()).await;
        assert_eq!(outcome(&answer), denied, "{method} {token}");
    }
    let answer = gateway
        .as_caller(Some("wrong-account!"), method, body())
        .await;
    if method == "kabao.v1.AccountService/ListAccounts" {
        let list: proto::ListAccountsResponse = answer.message();
        assert_eq!((list.accounts.len(), list.total_size), (0, 0));
    } else if method == "kabao.v1.MemberService/BatchGetMembers" {
        // Each member has an outcome of its own.
        let body = String::from_utf8_lossy(&answer.body);
        assert!(body.contains("PERMISSION_DENIED"), "{body}");
        assert!(!body.contains("PANIC"), "{body}");
    } else {
        assert_eq!(outcome(&answer), denied, "{method}");
        let missing = request(method, "missing-one");
        let missing = gateway
            .as_caller(Some("wrong-account!"), method, missing)
            .await;
        let told = |answer: &Answer, account: &str| {
            let status = answer.status();
            let info = answer.metadata("account");
            (
                status.code(),
                status.message().replace(account, "?"),
                info.map(|info| info.replace(account, "?")),
            )
        };
        assert_eq!(
            told(&answer, account_of(method)),
            told(&missing, "missing-one"),
            "{method}"
        );
    }
    let answer = gateway.as_caller(Some("right!"), method, body()).await;
    let in_an_item = String::from_utf8_lossy(&answer.body).contains("PANIC");
    assert!(
        ["PANIC", "USER_NOT_ELIGIBLE"].contains(&answer.reason().as_str()) || in_an_item,
        "{method}: {:?}",
        outcome(&answer)
    );
}

#[tokio::test]
async fn a_caller_hears_of_no_account_but_its_own() {
    let gateway = gateway().await;
    let method = "kabao.v1.AccountService/GetAccount";
    let ask = |token: &'static str| {
        let gateway = &gateway;
        async move {
            let body = request(method, "other-1");
            gateway.as_caller(Some(token), method, body).await
        }
    };
    let answer = ask("wrong-account!").await;
    assert_eq!(answer.reason(), "ACCOUNT_NOT_FOUND");
    assert_eq!(
        answer.status().message(),
        "account other-1 is not configured; no account is configured"
    );
    assert_eq!(ask("right!").await.reason(), "PERMISSION_DENIED");
}

#[tokio::test]
async fn a_method_that_nobody_has_and_health_are_as_without_a_policy() {
    let gateway = gateway().await;
    gateway.health.serving();
    let none = "kabao.v1.NoService/None";
    let answer = gateway.as_caller(Some("right!"), none, Vec::new()).await;
    assert_eq!(answer.reason(), "METHOD_NOT_FOUND");
    let answer = gateway.as_caller(None, none, Vec::new()).await;
    assert_eq!(answer.reason(), "UNAUTHENTICATED");
    let health = "grpc.health.v1.Health/Check";
    let answer = gateway.as_caller(None, health, Vec::new()).await;
    assert_eq!(answer.code(), Code::Ok);
}

#[tokio::test]
async fn one_token_in_the_form_of_bearers_is_read_and_nothing_else() {
    let gateway = gateway().await;
    let method = "kabao.v1.AccountService/ListAccounts";
    for (headers, known) in [
        (&["Bearer wrong-account!"][..], true),
        (&["bearer  wrong-account! "], true),
        (&["wrong-account!"], false),
        (&["Basic wrong-account!"], false),
        (&["Bearer "], false),
        (&["Bearer"], false),
        (&["Bearer wrong-account!", "Bearer wrong-account!"], false),
    ] {
        let request = headers
            .iter()
            .fold(gateway.request(&format!("/{method}")), |request, value| {
                request.header("authorization", *value)
            });
        let answer = gateway.send(request, frame(&Bytes::new())).await;
        let code = if known {
            Code::Ok
        } else {
            Code::Unauthenticated
        };
        assert_eq!(answer.code(), code, "{headers:?}");
    }
}
