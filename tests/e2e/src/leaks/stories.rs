//! Stories that no other file has: callers with tokens, and what callers write into odd places.

use std::fs;
use std::path::Path;

use kabao_auth::TokenDigest;
use kabao_gateway::Gateway;
use kabao_gateway::config::{AuditSettings, CallerSettings, Settings};
use kabao_proto::kabao::v1::account_service_client::AccountServiceClient;
use kabao_proto::kabao::v1::activate_member_request::Outcome;
use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::import_member_request::User;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::v1::{
    ActivateMemberRequest, AdjustPointsRequest, BatchImportMembersRequest,
    BatchUpdateMembersRequest, CheckAccountRequest, CreateTemplateRequest, ImportMemberRequest,
    InvalidateMemberRequest, Member, Template, UpdateMemberRequest,
};
use prost_types::FieldMask;
use serde_json::Value;
use tonic::transport::Endpoint;
use tonic::{Request, Response, Status};

use crate::canaries;
use crate::demo::MERCHANT;
use crate::world::World;

const TOKEN: &str = "canary-token-5d41402abc4b2a76b9719d911017c592";
const WRONG: &str = "canary-wrong-7d793037a0760186574b0282f2f435e7";

/// Every kind of personal value, where a caller can put it.
const NICKNAME: &str = "王金丝雀";
const PHONE: &str = "13900417884";
const OPENID: &str = "obLatCanaryCanaryCanary_0417";
const CODE: &str = "903175284460";
const EMAIL: &str = "canary.member@mail.example";
const ID_NUMBER: &str = "110101199003074178";
const ADDRESS: &str = "上海市金丝雀路41号";

fn adjust(code: &str) -> AdjustPointsRequest {
    AdjustPointsRequest {
        name: format!("{}/members/{code}", MERCHANT.template()),
        change: Some(Change::Add(1)),
        remark: ADDRESS.to_owned(),
        ..AdjustPointsRequest::default()
    }
}

fn with_token<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

/// Whatever is said about it is looked at.
fn keep<T>(result: Result<Response<T>, Status>) {
    if let Err(refused) = result {
        canaries::keep_refusal(&refused);
    }
}

fn records(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("audit.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn tokens_of_callers_stay_where_they_are_and_refusals_are_recorded_without_them() {
    for token in [TOKEN, WRONG] {
        canaries::note_text("secret", token);
    }
    let folder = canaries::folder().unwrap_or_else(|| {
        let name = format!("kabao-tokens-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    });
    let mut settings = Settings::default();
    settings.grpc.listen.set_port(0);
    settings.admin.listen.set_port(0);
    settings.audit = Some(AuditSettings::to_file(
        folder.join("audit.jsonl"),
        folder.join("audit.key"),
    ));
    settings.callers = vec![CallerSettings {
        name: "till-7".parse().unwrap(),
        tokens: vec![TokenDigest::of(TOKEN.as_bytes())],
    }];
    let gateway = Gateway::start(&settings).await.unwrap();
    gateway.ready();
    let endpoint = Endpoint::from_shared(format!("http://{}", gateway.grpc())).unwrap();
    let mut members = MemberServiceClient::new(endpoint.connect().await.unwrap());
    for token in [TOKEN, WRONG] {
        let refused = members.adjust_points(with_token(adjust(CODE), token)).await;
        canaries::keep_refusal(&refused.unwrap_err());
    }
    gateway.drain().await;
    let records = records(&folder);
    let refusals: Vec<_> = records
        .iter()
        .filter(|record| record["kind"] == "refusal")
        .collect();
    assert_eq!(refusals.len(), 1, "{records:#?}");
    assert_eq!(refusals[0]["reason"], "UNAUTHENTICATED");
    assert_eq!(refusals[0]["method"], "kabao.v1.MemberService/AdjustPoints");
    if canaries::root().is_none() {
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[tokio::test]
async fn personal_values_in_every_field_that_takes_them_are_seen_by_nobody_else() {
    for value in [NICKNAME, PHONE, OPENID, CODE, EMAIL, ID_NUMBER, ADDRESS] {
        canaries::note_text("value", value);
    }
    let world = World::start().await;
    let mut members = world.members();
    let member = Member {
        name: format!("{}/members/{CODE}", MERCHANT.template()),
        openid: OPENID.to_owned(),
        nickname: NICKNAME.to_owned(),
        membership_number: ID_NUMBER.to_owned(),
        ..Member::default()
    };
    for path in ["nickname", "membership_number", "points", EMAIL, PHONE] {
        let request = UpdateMemberRequest {
            member: Some(member.clone()),
            update_mask: Some(FieldMask {
                paths: vec![path.to_owned()],
            }),
            openid: OPENID.to_owned(),
            ..UpdateMemberRequest::default()
        };
        keep(members.update_member(request).await);
    }
    keep(members.adjust_points(adjust(CODE)).await);
    keep(members.adjust_points(adjust(MERCHANT.code)).await);
    for user in [
        User::PhoneNumber(PHONE.to_owned()),
        User::Openid(OPENID.to_owned()),
    ] {
        let import = ImportMemberRequest {
            parent: MERCHANT.template(),
            user: Some(user),
            code: CODE.to_owned(),
            ..ImportMemberRequest::default()
        };
        keep(members.import_member(import).await);
    }
    canaries::keep_pages(world.gateway().admin()).await;
}

/// What is refused in the end has a record as well.
#[tokio::test]
async fn methods_that_no_other_story_calls_are_called_here() {
    for value in [OPENID, CODE, ADDRESS, NICKNAME] {
        canaries::note_text("value", value);
    }
    let world = World::start().await;
    let (mut members, mut templates) = (world.members(), world.templates());
    let name = format!("{}/members/{CODE}", MERCHANT.template());
    let mut accounts = AccountServiceClient::new(world.channel());
    let check = CheckAccountRequest {
        name: MERCHANT.account(),
    };
    keep(accounts.check_account(check).await);
    let activate = ActivateMemberRequest {
        name: name.clone(),
        outcome: Outcome::Enrolled.into(),
        openid: OPENID.to_owned(),
        ..ActivateMemberRequest::default()
    };
    keep(members.activate_member(activate).await);
    let invalidate = InvalidateMemberRequest {
        name: name.clone(),
        reason: ADDRESS.to_owned(),
        openid: OPENID.to_owned(),
        ..InvalidateMemberRequest::default()
    };
    keep(members.invalidate_member(invalidate).await);
    let create = CreateTemplateRequest {
        parent: MERCHANT.account(),
        template: Some(Template {
            title: NICKNAME.to_owned(),
            ..Template::default()
        }),
        ..CreateTemplateRequest::default()
    };
    keep(templates.create_template(create).await);
    let import = ImportMemberRequest {
        parent: MERCHANT.template(),
        user: Some(User::Openid(OPENID.to_owned())),
        code: CODE.to_owned(),
        ..ImportMemberRequest::default()
    };
    let imports = BatchImportMembersRequest {
        parent: MERCHANT.account(),
        request_id: "import-story".to_owned(),
        items: vec![import],
        ..BatchImportMembersRequest::default()
    };
    let update = UpdateMemberRequest {
        member: Some(Member {
            name,
            level: "gold".to_owned(),
            ..Member::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["level".to_owned()],
        }),
        openid: OPENID.to_owned(),
        ..UpdateMemberRequest::default()
    };
    let updates = BatchUpdateMembersRequest {
        parent: MERCHANT.account(),
        request_id: "update-story".to_owned(),
        items: vec![update],
        ..BatchUpdateMembersRequest::default()
    };
    let mut imported = members.batch_import_members(imports).await.unwrap();
    while imported.get_mut().message().await.unwrap().is_some() {}
    let mut updated = members.batch_update_members(updates).await.unwrap();
    while updated.get_mut().message().await.unwrap().is_some() {}
    canaries::keep_pages(world.gateway().admin()).await;
}
