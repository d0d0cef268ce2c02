mod batch;
mod batch_changes;
mod changes;
mod slow;

use std::sync::Arc;

use kabao_api::{
    Accounts, Error, Family, FieldViolation, Member, MemberState, MemberUpdate, MockAccountApi,
    MockChangeApi, MockMemberApi, MockTemplateApi, PageToken, RequestId, UpstreamMember, View,
};
use prost_types::FieldMask;
use tonic::Code;

use super::super::testing::{account, accounts, admitted, refusal};
use super::*;

const NAME: &str = "accounts/demo-brand/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/a%2Fb";

fn service(members: MockMemberApi) -> MemberGrpc {
    MemberGrpc::new(accounts(members, MockTemplateApi::new()))
}

fn journalled(members: MockMemberApi, mut journal: MockChangeApi) -> MemberGrpc {
    let made = || "made-by-the-journal".parse().ok();
    journal.expect_new_request_id().returning(made);
    let begun = |context: &CallContext, _: &RequestId, _: &[u8]| Ok(context.clone());
    journal.expect_begin_batch().returning(begun);
    let mut account = account("demo-brand", Family::Brand, MockAccountApi::new());
    account.members = Arc::new(members);
    account.changes = Some(Arc::new(journal));
    let mut accounts = Accounts::new();
    accounts.insert(account).unwrap();
    MemberGrpc::new(accounts)
}

fn member() -> Member {
    let mut member = Member::new(NAME.parse().unwrap(), MemberState::Active);
    member.openid = Some("obLatjnx9gnqzS4myYGmLZ7LgLBA".into());
    member.level = Some("黄金".to_owned());
    member.points = Some(0);
    member
}

fn get_request(name: &str) -> Request<proto::GetMemberRequest> {
    admitted(proto::GetMemberRequest {
        name: name.to_owned(),
        ..Default::default()
    })
}

fn update_request(member: proto::Member, paths: &[&str]) -> proto::UpdateMemberRequest {
    proto::UpdateMemberRequest {
        member: Some(proto::Member {
            name: NAME.to_owned(),
            ..member
        }),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        }),
        ..Default::default()
    }
}

async fn refused(request: proto::UpdateMemberRequest) -> (String, Vec<String>) {
    let status = service(MockMemberApi::new())
        .update_member(admitted(request))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    refusal(&status)
}

#[tokio::test]
async fn get_hands_the_parsed_arguments_over_and_the_member_back() {
    let mut members = MockMemberApi::new();
    members
        .expect_get_member()
        .withf(|context, request| {
            context.account.as_str() == "demo-brand"
                && request.name.code().expose() == "a/b"
                && request
                    .openid
                    .as_ref()
                    .is_some_and(|openid| openid.expose() == "o-1")
                && request.view == View::Full
        })
        .once()
        .returning(|_, _| Ok(member()));
    let request = proto::GetMemberRequest {
        name: NAME.to_owned(),
        openid: "o-1".to_owned(),
        view: proto::View::Full.into(),
    };
    let answer = service(members)
        .get_member(admitted(request))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.name, NAME);
    assert_eq!(answer.state().as_str_name(), "STATE_ACTIVE");
    assert_eq!(answer.level, "黄金");
    assert_eq!(answer.openid, "obLatjnx9gnqzS4myYGmLZ7LgLBA");
    // Zero points are points; an unknown balance is none.
    assert_eq!((answer.points, answer.balance), (Some(0), None));
}

#[tokio::test]
async fn wechats_own_word_for_a_state_is_always_there() {
    for (state, word, portable) in [
        (MemberState::Active, "EFFECTIVE", "STATE_ACTIVE"),
        (MemberState::Other, "GIFTING", "STATE_UNSPECIFIED"),
    ] {
        let mut members = MockMemberApi::new();
        members.expect_get_member().returning(move |_, _| {
            let mut member = Member::new(NAME.parse().unwrap(), state);
            member.upstream_state = Some(word.to_owned());
            Ok(member)
        });
        let answer = service(members)
            .get_member(get_request(NAME))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.state().as_str_name(), portable);
        assert_eq!(answer.upstream_state, word);
    }
}

#[tokio::test]
async fn an_unknown_account_is_not_found_and_named() {
    let name = NAME.replace("demo-brand", "nobody");
    let status = service(MockMemberApi::new())
        .get_member(get_request(&name))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(refusal(&status).0, "ACCOUNT_NOT_FOUND");
    assert!(status.message().contains("nobody"));
}

#[tokio::test]
async fn a_wrong_name_is_refused_at_its_field() {
    for name in [
        "",
        "members/1",
        "accounts/demo-brand/templates/t/members/",
        "accounts/A/templates/t/members/1",
    ] {
        let status = service(MockMemberApi::new())
            .get_member(get_request(name))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(
            refusal(&status),
            ("NAME_INVALID".to_owned(), vec!["name".to_owned()]),
            "{name}"
        );
    }
}

#[tokio::test]
async fn faults_that_the_family_finds_come_back_in_the_callers_words() {
    let mut members = MockMemberApi::new();
    members.expect_update_member().returning(|_, _| {
        Err(Error::field_invalid([
            FieldViolation::new("level", "has 11 characters, at most 10 are allowed"),
            FieldViolation::new("openid", "is required"),
            FieldViolation::new(
                "user_card_code",
                "has 33 characters, at most 32 are allowed",
            ),
        ]))
    });
    let request = update_request(
        proto::Member {
            level: "x".repeat(11),
            ..Default::default()
        },
        &[],
    );
    let status = service(members)
        .update_member(admitted(request))
        .await
        .unwrap_err();
    let (reason, fields) = refusal(&status);
    assert_eq!(reason, "FIELD_INVALID");
    assert_eq!(fields, ["member.level", "openid", "member.name"]);
    assert!(
        status
            .message()
            .starts_with("member.level has 11 characters"),
        "{}",
        status.message()
    );
}

#[tokio::test]
async fn what_the_family_cannot_change_is_unimplemented_and_named() {
    let mut members = MockMemberApi::new();
    members
        .expect_update_member()
        .returning(|_, _| Err(Error::not_supported(Family::Brand, &["membership_number"])));
    let member = proto::Member {
        membership_number: "1".to_owned(),
        ..Default::default()
    };
    let status = service(members)
        .update_member(admitted(update_request(member, &[])))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    let (reason, fields) = refusal(&status);
    assert_eq!(
        (reason.as_str(), fields),
        (
            "NOT_SUPPORTED_BY_FAMILY",
            vec!["member.membership_number".to_owned()]
        )
    );
}

#[tokio::test]
async fn a_mask_decides_and_an_empty_value_is_a_value() {
    let mut members = MockMemberApi::new();
    members
        .expect_update_member()
        .withf(|_, request| {
            let expected = MemberUpdate {
                level: Some(String::new()),
                points: Some(0),
                ..MemberUpdate::default()
            };
            request.update == expected && request.request_id == Some("r-1".parse().unwrap())
        })
        .once()
        .returning(|_, _| Ok(member()));
    let changes = proto::Member {
        points: Some(0),
        background_picture_url: "not named by the mask".to_owned(),
        ..Default::default()
    };
    let request = proto::UpdateMemberRequest {
        request_id: "r-1".to_owned(),
        ..update_request(changes, &["points", "level"])
    };
    service(members)
        .update_member(admitted(request))
        .await
        .unwrap();
}

#[tokio::test]
async fn every_portable_field_has_its_place_in_an_update() {
    let mut members = MockMemberApi::new();
    members
        .expect_update_member()
        .withf(|_, request| request.update.fields() == MemberUpdate::FIELDS)
        .once()
        .returning(|_, _| Ok(member()));
    let changes = proto::Member {
        level: "金".to_owned(),
        membership_number: "1".to_owned(),
        background_picture_url: "https://mmbiz.qpic.cn/1".to_owned(),
        points: Some(1),
        balance: Some(2),
        ..Default::default()
    };
    service(members)
        .update_member(admitted(update_request(changes, &["*"])))
        .await
        .unwrap();
}

#[tokio::test]
async fn wrong_updates_are_refused_with_every_fault_at_once() {
    let request = proto::UpdateMemberRequest {
        member: None,
        request_id: "x".repeat(33),
        view: 9,
        ..update_request(proto::Member::default(), &["nickname", "points"])
    };
    let (reason, fields) = refused(request).await;
    assert_eq!(reason, "NAME_INVALID");
    assert_eq!(
        fields,
        [
            "member.name",
            "update_mask",
            "member.points",
            "request_id",
            "view"
        ]
    );

    let (reason, fields) = refused(update_request(proto::Member::default(), &[])).await;
    assert_eq!(
        (reason.as_str(), fields),
        ("FIELD_MASK_INVALID", vec!["update_mask".to_owned()])
    );
}

#[tokio::test]
async fn the_full_view_holds_the_familys_own_message() {
    use kabao_models::{brand, merchant, official_account};
    use kabao_proto::kabao::{brand::v1 as b, merchant::v1 as m, officialaccount::v1 as o};
    use proto::member::Upstream;

    type IsRight = fn(&Upstream) -> bool;

    let phone = "13800000417";
    let rows: [(UpstreamMember, IsRight); 3] = [
        (
            UpstreamMember::Merchant(Box::new(merchant::user_cards::UserCard {
                balance: Some(888),
                ..Default::default()
            })),
            |upstream| {
                matches!(upstream, Upstream::Merchant(card)
                if card.decode::<m::UserCard>().unwrap().balance == Some(888))
            },
        ),
        (
            UpstreamMember::Brand(Box::new(brand::UserCard {
                attach: Some("a".into()),
                ..Default::default()
            })),
            |upstream| {
                matches!(upstream, Upstream::Brand(card)
                if card.decode::<b::UserCard>().unwrap().attach == Some("a".into()))
            },
        ),
        (
            UpstreamMember::OfficialAccount(Box::new(
                official_account::member::GetUserInfoResponse {
                    has_active: Some(true),
                    ..Default::default()
                },
            )),
            |upstream| {
                matches!(upstream, Upstream::OfficialAccount(answer)
                if answer.decode::<o::GetUserInfoResponse>().unwrap().has_active == Some(true))
            },
        ),
    ];
    for (model, is_right) in rows {
        let mut members = MockMemberApi::new();
        members.expect_get_member().once().return_once(move |_, _| {
            let mut member = member();
            member.nickname = Some(phone.into());
            member.upstream = Some(model);
            Ok(member)
        });
        let answer = service(members)
            .get_member(get_request(NAME))
            .await
            .unwrap()
            .into_inner();
        assert!(answer.upstream.as_ref().is_some_and(is_right));
        // Messages do not print what they carry.
        assert!(!format!("{answer:?}").contains(phone));
    }
}

#[tokio::test]
async fn a_list_hands_parent_and_page_over_and_the_next_token_back() {
    let mut members = MockMemberApi::new();
    members
        .expect_list_members()
        .withf(|context, request| {
            context.account.as_str() == "demo-brand"
                && request.account.as_str() == "demo-brand"
                && request.template.is_none()
                && request.openid.expose() == "o-1"
                && request.page.size == Some(7)
                && request.page.token == Some(PageToken::new("t-1"))
        })
        .once()
        .returning(|_, _| {
            Ok(Page {
                items: vec![member(), member()],
                next: Some(PageToken::new("t-2")),
                total: None,
            })
        });
    let request = proto::ListMembersRequest {
        parent: "accounts/demo-brand/templates/-".to_owned(),
        openid: "o-1".to_owned(),
        page_size: 7,
        page_token: "t-1".to_owned(),
        view: 0,
    };
    let answer = service(members)
        .list_members(admitted(request))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((answer.members.len(), answer.total_size), (2, None));
    assert_eq!(answer.next_page_token, "t-2");

    let wrong = proto::ListMembersRequest {
        parent: "accounts/demo-brand".to_owned(),
        page_size: -1,
        ..Default::default()
    };
    let status = service(MockMemberApi::new())
        .list_members(admitted(wrong))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(refusal(&status).1, ["parent", "openid", "page_size"]);
}

#[tokio::test]
async fn a_reading_says_if_a_change_of_the_member_is_known_to_run() {
    let mut members = MockMemberApi::new();
    members.expect_get_member().returning(|_, _| Ok(member()));
    members
        .expect_update_member()
        .returning(|_, _| Ok(member()));
    members.expect_list_members().returning(|_, _| {
        let other = Member::new(
            NAME.replace("a%2Fb", "c").parse().unwrap(),
            MemberState::Active,
        );
        Ok(Page {
            items: vec![member(), other],
            next: None,
            total: None,
        })
    });
    let mut journal = MockChangeApi::new();
    journal
        .expect_is_changing()
        .returning(|name| name.resource_name() == NAME);
    let service = journalled(members, journal);
    let read = service.get_member(get_request(NAME)).await.unwrap();
    assert!(read.into_inner().change_in_progress);
    // The answer of a change is what it came to.
    let level = proto::Member {
        level: "黄金".to_owned(),
        ..Default::default()
    };
    let request = admitted(update_request(level, &["level"]));
    let written = service.update_member(request).await.unwrap();
    assert!(!written.into_inner().change_in_progress);
    let list = proto::ListMembersRequest {
        parent: "accounts/demo-brand/templates/-".to_owned(),
        openid: "o-1".to_owned(),
        ..Default::default()
    };
    let listed = service.list_members(admitted(list)).await.unwrap();
    let members = listed.into_inner().members.into_iter();
    let told: Vec<_> = members.map(|member| member.change_in_progress).collect();
    assert_eq!(told, [true, false]);
    let requests = vec![get_request(NAME).into_inner()];
    let batch = proto::BatchGetMembersRequest { requests };
    let read = service.batch_get_members(admitted(batch)).await.unwrap();
    let result = read.into_inner().results.remove(0).result.unwrap();
    let result::Result::Member(member) = result else {
        panic!("{result:?}")
    };
    assert!(member.change_in_progress);
}

#[tokio::test]
async fn a_change_that_ends_during_the_reading_is_told_of_too() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let running = Arc::new(AtomicBool::new(true));
    let (seen, ended) = (Arc::clone(&running), running);
    let mut members = MockMemberApi::new();
    members.expect_get_member().returning(move |_, _| {
        ended.store(false, Ordering::SeqCst);
        Ok(member())
    });
    let mut journal = MockChangeApi::new();
    journal
        .expect_is_changing()
        .returning(move |_| seen.load(Ordering::SeqCst));
    let service = journalled(members, journal);
    for expected in [true, false] {
        let read = service.get_member(get_request(NAME)).await.unwrap();
        assert_eq!(read.into_inner().change_in_progress, expected);
    }
}
