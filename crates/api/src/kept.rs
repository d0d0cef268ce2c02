//! What a journal keeps is read again as it was, by later versions too: the texts here stay.

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use kabao_models::{Family, brand, merchant, official_account};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    AccountId, ActivateMember, ActivationOutcome, AdjustMember, Adjustment, Change, ChangeName,
    ChangeState, CreateTemplate, Decision, DeleteTemplate, Error, FieldViolation, ImportMember,
    ImportedUser, InvalidateMember, Member, MemberName, MemberState, MemberUpdate, MemberValue,
    NewTemplate, PlannedValue, Precondition, Reason, RequestId, Stock, Template, TemplateId,
    TemplateName, TemplateState, TemplateUpdate, UpdateMember, UpdateTemplate, UploadedImage,
    UpstreamDetail, UpstreamError, UpstreamMember, UpstreamNewTemplate, UpstreamTemplate, Validity,
    View,
};

const NAME: &str = "accounts/a/templates/t/members/4%2F7";

fn name() -> MemberName {
    NAME.parse().unwrap()
}

fn id() -> RequestId {
    "n-1".parse().unwrap()
}

fn moment(seconds: u64, nanos: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos)
}

fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// The value is written as this text, and read from it.
#[track_caller]
fn stays<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, text: &str) {
    assert_eq!(text_of(value), text);
    assert_eq!(&serde_json::from_str::<T>(text).unwrap(), value);
    // What a later version adds is not left out silently.
    if let Some(more) = text.strip_prefix('{') {
        let more = format!("{{\"moon\":1,{more}");
        assert!(serde_json::from_str::<T>(&more).is_err(), "{more}");
    }
}

#[test]
fn names_and_words_stay() {
    stays::<AccountId>(&"a".parse().unwrap(), r#""a""#);
    stays(&TemplateId::new("t").unwrap(), r#""t""#);
    stays::<TemplateName>(name().template(), r#""accounts/a/templates/t""#);
    stays(&name(), &format!("{NAME:?}"));
    stays(&id(), r#""n-1""#);
    stays::<ChangeName>(
        &"accounts/a/changes/n-1".parse().unwrap(),
        r#""accounts/a/changes/n-1""#,
    );
    let wrong = serde_json::from_str::<MemberName>(r#""accounts/a/templates/t/members/会员""#);
    assert!(!wrong.unwrap_err().to_string().contains('会'));
    for state in ChangeState::ALL {
        stays(&state, &format!("\"{state}\""));
    }
    for reason in Reason::ALL {
        stays(reason, &format!("\"{reason}\""));
    }
    assert!(serde_json::from_str::<Reason>(r#""MOON""#).is_err());
    stays(&MemberValue::Points, r#""POINTS""#);
    stays(&MemberValue::Balance, r#""BALANCE""#);
    stays(
        &[
            MemberState::Unspecified,
            MemberState::PendingActivation,
            MemberState::Active,
            MemberState::Expired,
            MemberState::Invalid,
            MemberState::Deleted,
            MemberState::Other,
        ],
        r#"["UNSPECIFIED","PENDING_ACTIVATION","ACTIVE","EXPIRED","INVALID","DELETED","OTHER"]"#,
    );
    stays(
        &[
            TemplateState::Unspecified,
            TemplateState::PendingReview,
            TemplateState::Rejected,
            TemplateState::Active,
            TemplateState::Deleted,
            TemplateState::Other,
        ],
        r#"["UNSPECIFIED","PENDING_REVIEW","REJECTED","ACTIVE","DELETED","OTHER"]"#,
    );
}

#[test]
fn answers_stay() {
    stays(
        &Adjustment::new(Some(-1), i64::MAX),
        r#"{"before":-1,"after":9223372036854775807}"#,
    );
    stays(&Adjustment::new(None, 0), r#"{"before":null,"after":0}"#);
    stays(
        &PlannedValue {
            value: MemberValue::Points,
            before: Some(3),
            after: 13,
            is_difference: true,
        },
        r#"{"value":"POINTS","before":3,"after":13,"is_difference":true}"#,
    );
    stays(
        &Decision {
            applied: true,
            note: "seen \"it\"".into(),
            caller: None,
        },
        r#"{"applied":true,"note":"seen \"it\""}"#,
    );
    stays(
        &Decision {
            applied: false,
            note: "gone".into(),
            caller: Some("spiffe://acme.example/office".parse().unwrap()),
        },
        r#"{"applied":false,"note":"gone","caller":"spiffe://acme.example/office"}"#,
    );
    stays(
        &UploadedImage {
            url: "https://mmbiz.qpic.cn/1".to_owned(),
        },
        r#"{"url":"https://mmbiz.qpic.cn/1"}"#,
    );
}

#[test]
fn members_stay_with_the_answer_of_their_family() {
    let mut card = merchant::user_cards::UserCard {
        level: Some(String::new()),
        ..Default::default()
    };
    card.extra
        .insert_json("level", "[ 1.50 ]".to_owned())
        .unwrap();
    let member = Member {
        openid: Some("o".into()),
        upstream_state: Some("EFFECTIVE".to_owned()),
        level: Some("gold".to_owned()),
        points: Some(9_007_199_254_740_993),
        balance: Some(0),
        membership_number: Some("47".into()),
        nickname: Some("林间".into()),
        background_picture_url: Some(String::new()),
        partial: true,
        upstream: Some(UpstreamMember::Merchant(Box::new(card))),
        ..Member::new(name(), MemberState::Active)
    };
    stays(
        &member,
        r#"{"name":"accounts/a/templates/t/members/4%2F7","openid":"o","state":"ACTIVE","upstream_state":"EFFECTIVE","level":"gold","points":9007199254740993,"balance":0,"membership_number":"47","nickname":"林间","background_picture_url":"","partial":true,"upstream":{"merchant":{"level":"","extra:level":"[ 1.50 ]"}}}"#,
    );

    let upstream = [
        (
            UpstreamMember::Brand(Box::new(brand::UserCard {
                openid: Some("o".into()),
                ..Default::default()
            })),
            r#"{"brand":{"openid":"o"}}"#,
        ),
        (
            UpstreamMember::OfficialAccount(Box::new(
                official_account::member::GetUserInfoResponse {
                    openid: Some("o".into()),
                    ..Default::default()
                },
            )),
            r#"{"official_account":{"openid":"o"}}"#,
        ),
    ];
    for (upstream, text) in upstream {
        stays(&upstream, text);
    }
}

#[test]
fn templates_stay_with_the_answer_of_their_family() {
    let template = Template {
        title: Some("茶港会员卡".to_owned()),
        upstream_state: Some("AUDITED".to_owned()),
        brand_name: Some("b".to_owned()),
        brand_id: Some("1".to_owned()),
        appid: Some("wx1".to_owned()),
        description: Some("d".to_owned()),
        service_phone: Some("s".to_owned()),
        logo_url: Some("l".to_owned()),
        background_picture_url: Some("p".to_owned()),
        validity: Some(Validity::Range {
            begin: Some(moment(1, 5)),
            end: None,
        }),
        stock: Some(Stock {
            total: Some(9),
            remaining: None,
        }),
        create_time: Some(moment(1_790_000_000, 999_999_999)),
        update_time: SystemTime::UNIX_EPOCH.checked_sub(Duration::new(2, 7)),
        upstream: Some(UpstreamTemplate::Merchant(Box::new(
            merchant::cards::Card {
                title: Some("茶港会员卡".to_owned()),
                ..Default::default()
            },
        ))),
        ..Template::new(name().template().clone(), TemplateState::Active)
    };
    stays(
        &template,
        r#"{"name":"accounts/a/templates/t","title":"茶港会员卡","state":"ACTIVE","upstream_state":"AUDITED","brand_name":"b","brand_id":"1","appid":"wx1","description":"d","service_phone":"s","logo_url":"l","background_picture_url":"p","validity":{"range":{"begin":{"after":{"secs":1,"nanos":5}},"end":null}},"stock":{"total":9,"remaining":null},"create_time":{"after":{"secs":1790000000,"nanos":999999999}},"update_time":{"before":{"secs":2,"nanos":7}},"partial":false,"upstream":{"merchant":{"title":"茶港会员卡"}}}"#,
    );
    let rows = [
        (
            Validity::Days {
                valid_days: 30,
                wait_days: 0,
            },
            r#"{"days":{"valid_days":30,"wait_days":0}}"#,
        ),
        (Validity::Permanent, r#""permanent""#),
        (Validity::Other("MOON".to_owned()), r#"{"other":"MOON"}"#),
    ];
    for (validity, text) in rows {
        stays(&validity, text);
    }
    let upstream = [
        (
            UpstreamTemplate::Brand(Box::new(brand::Card {
                card_title: Some("t".to_owned()),
                ..Default::default()
            })),
            r#"{"brand":{"card_title":"t"}}"#,
        ),
        (
            UpstreamTemplate::OfficialAccount(Box::default()),
            r#"{"official_account":{}}"#,
        ),
    ];
    for (upstream, text) in upstream {
        stays(&upstream, text);
    }
}

/// Both errors answer the same to whoever asks them.
fn assert_equal(one: &Error, other: &Error) {
    assert_eq!(one.to_string(), other.to_string());
    assert_eq!(one.message(), other.message());
    assert_eq!(one.reason(), other.reason());
    assert_eq!(one.kind(), other.kind());
    assert_eq!(one.operation(), other.operation());
    assert_eq!(one.upstream(), other.upstream());
    assert_eq!(one.violations(), other.violations());
    assert_eq!(one.preconditions(), other.preconditions());
    assert_eq!(one.remedy(), other.remedy());
    assert_eq!(one.retry_after(), other.retry_after());
    assert_eq!(one.is_retryable(), other.is_retryable());
    assert_eq!(one.may_have_executed(), other.may_have_executed());
}

#[test]
fn errors_stay_but_for_their_source() {
    let error = Error::new(Reason::UpstreamRefused, "WeChat refused it")
        .with_upstream(UpstreamError {
            http_status: 400,
            code: "PARAM_ERROR".to_owned(),
            message: "参数错误".to_owned(),
            request_id: Some("r".to_owned()),
            detail: Some(UpstreamDetail {
                field: "/level".to_owned(),
                issue: "too long".to_owned(),
                location: "body".to_owned(),
            }),
        })
        .with_violations([FieldViolation::new("level", "is too long")])
        .with_precondition(Precondition::new("MINIMUM", "minimum", "it is 3"))
        .with_remedy("use less")
        .with_operation("merchant.user_cards.update")
        .with_retry_after(Duration::new(1, 500))
        .mark_retryable()
        .mark_may_have_executed()
        .with_source("the cause");
    let text = r#"{"reason":"UPSTREAM_REFUSED","message":"WeChat refused it","upstream":{"http_status":400,"code":"PARAM_ERROR","message":"参数错误","request_id":"r","detail":{"field":"/level","issue":"too long","location":"body"}},"violations":[{"field":"level","description":"is too long"}],"preconditions":[{"kind":"MINIMUM","subject":"minimum","description":"it is 3"}],"remedy":"use less","operation":"merchant.user_cards.update","retry_after":{"secs":1,"nanos":500},"retryable":true,"may_have_executed":true}"#;
    assert_eq!(text_of(&error), text);
    let read: Error = serde_json::from_str(text).unwrap();
    assert_equal(&read, &error);
    assert!(std::error::Error::source(&read).is_none());
    let other = text.replace("user_cards.update", "moons.update");
    assert!(serde_json::from_str::<Error>(&other).is_err());
    let more = text.replacen('{', "{\"moon\":1,", 1);
    assert!(serde_json::from_str::<Error>(&more).is_err());
}

#[test]
fn every_reason_keeps_its_predicates_and_what_was_marked_otherwise() {
    let marks: [fn(Error) -> Error; 4] = [
        |error| error,
        Error::mark_retryable,
        Error::mark_not_retryable,
        Error::mark_may_have_executed,
    ];
    for reason in Reason::ALL {
        for mark in marks {
            let error = mark(Error::new(*reason, "a test"));
            assert_equal(&serde_json::from_str(&text_of(&error)).unwrap(), &error);
        }
    }
    for error in [
        Error::not_supported(Family::Brand, &["points", "balance"]),
        Change::Add(-15).apply(Some(10), None).unwrap_err(),
    ] {
        assert_equal(&serde_json::from_str(&text_of(&error)).unwrap(), &error);
    }
}

/// Requests with everything set, and with nothing but what they need; and the texts of both.
#[test]
fn the_content_of_requests_stays_and_leaves_their_id_out() {
    let adjust = AdjustMember::new(name(), Change::Add(-5));
    assert_eq!(
        text_of(&adjust),
        r#"{"name":"accounts/a/templates/t/members/4%2F7","change":{"add":-5}}"#
    );
    assert_eq!(
        text_of(
            &adjust
                .with_openid("o")
                .with_minimum(-1)
                .with_remark("r")
                .with_notify(false)
                .with_request_id(id())
        ),
        r#"{"name":"accounts/a/templates/t/members/4%2F7","openid":"o","change":{"add":-5},"minimum":-1,"remark":"r","notify":false}"#
    );
    let set = AdjustMember::new(name(), Change::SetTo(5));
    assert_eq!(
        text_of(&set),
        r#"{"name":"accounts/a/templates/t/members/4%2F7","change":{"set_to":5}}"#
    );

    let update = MemberUpdate::new().with_level("").with_points(1);
    let update = update.with_membership_number("47").with_balance(2);
    let update = update.with_background_picture_url("p");
    let update_text = r#"{"level":"","membership_number":"47","background_picture_url":"p","points":1,"balance":2}"#;
    let bare = UpdateMember::new(name(), MemberUpdate::new());
    assert_eq!(
        text_of(&bare),
        r#"{"name":"accounts/a/templates/t/members/4%2F7","update":{},"view":"BASIC"}"#
    );
    let full = UpdateMember::new(name(), update.clone()).with_openid("o");
    assert_eq!(
        text_of(&full.with_view(View::Full).with_request_id(id())),
        format!(r#"{{"name":"{NAME}","openid":"o","update":{update_text},"view":"FULL"}}"#)
    );

    for (outcome, word) in [
        (ActivationOutcome::Enrolled, "ENROLLED"),
        (ActivationOutcome::AlreadyMember, "ALREADY_MEMBER"),
        (ActivationOutcome::Refused, "REFUSED"),
    ] {
        let activate = ActivateMember::new(name()).with_openid("o");
        let activate = activate.with_initial(update.clone()).with_outcome(outcome);
        assert_eq!(
            text_of(&activate.with_request_id(id())),
            format!(
                r#"{{"name":"{NAME}","openid":"o","outcome":"{word}","initial":{update_text},"view":"BASIC"}}"#
            )
        );
    }

    let invalidate = InvalidateMember::new(name()).with_openid("o");
    assert_eq!(
        text_of(&invalidate.with_reason("r").with_request_id(id())),
        format!(r#"{{"name":"{NAME}","openid":"o","reason":"r","view":"BASIC"}}"#)
    );

    let import = |user| ImportMember::new(name().template().clone(), user);
    assert_eq!(
        text_of(&import(ImportedUser::Phone("138".into()))),
        r#"{"template":"accounts/a/templates/t","user":{"phone":"138"},"initial":{},"view":"BASIC"}"#
    );
    let full = import(ImportedUser::Openid("o".into()))
        .with_code("47")
        .with_initial(update)
        .with_pickup_time(moment(3, 4))
        .with_validity(Validity::Permanent)
        .with_request_id(id())
        .with_view(View::Full);
    assert_eq!(
        text_of(&full),
        format!(
            r#"{{"template":"accounts/a/templates/t","user":{{"openid":"o"}},"code":"47","initial":{update_text},"pickup_time":{{"after":{{"secs":3,"nanos":4}}}},"validity":"permanent","view":"FULL"}}"#
        )
    );
}

#[test]
fn the_content_of_requests_about_templates_stays_and_leaves_their_id_out() {
    let template = || name().template().clone();
    let update = TemplateUpdate::new().with_title("t").with_description("d");
    let update = update.with_service_phone("s").with_logo_url("");
    let update = update.with_background_picture_url("p");
    assert_eq!(
        text_of(&UpdateTemplate::new(template(), update).with_request_id(id())),
        r#"{"name":"accounts/a/templates/t","update":{"title":"t","description":"d","service_phone":"s","logo_url":"","background_picture_url":"p"},"view":"BASIC"}"#
    );
    assert_eq!(
        text_of(&DeleteTemplate::new(template()).with_request_id(id())),
        r#"{"name":"accounts/a/templates/t"}"#
    );

    let account = || name().account().clone();
    assert_eq!(
        text_of(&CreateTemplate::new(account(), NewTemplate::default())),
        r#"{"account":"a","template":{},"view":"BASIC"}"#
    );
    let text = |text: &str| Some(text.to_owned());
    let full = NewTemplate {
        title: text("t"),
        description: text("d"),
        service_phone: text("s"),
        logo_url: text("l"),
        background_picture_url: text("p"),
        brand_name: text("b"),
        brand_id: text("1"),
        appid: text("wx1"),
        validity: Some(Validity::Permanent),
        total_stock: Some(9),
        upstream: Some(UpstreamNewTemplate::Merchant(Box::default())),
    };
    assert_eq!(
        text_of(&CreateTemplate::new(account(), full).with_request_id(id())),
        r#"{"account":"a","template":{"title":"t","description":"d","service_phone":"s","logo_url":"l","background_picture_url":"p","brand_name":"b","brand_id":"1","appid":"wx1","validity":"permanent","total_stock":9,"upstream":{"merchant":{}}},"view":"BASIC"}"#
    );
    let mut create = brand::cards::CreateCard {
        card_title: text("t"),
        ..Default::default()
    };
    create
        .extra
        .insert_json("moon", "[ 1.50 ]".to_owned())
        .unwrap();
    let of = |upstream| NewTemplate {
        upstream: Some(upstream),
        ..NewTemplate::default()
    };
    assert_eq!(
        text_of(&of(UpstreamNewTemplate::Brand(Box::new(create)))),
        r#"{"upstream":{"brand":{"card_title":"t","extra:moon":"[ 1.50 ]"}}}"#
    );
    let official = UpstreamNewTemplate::OfficialAccount(Box::default());
    assert_eq!(
        text_of(&of(official)),
        r#"{"upstream":{"official_account":{}}}"#
    );
}

proptest! {
    #[test]
    fn every_moment_is_exact(seconds in 0..u64::from(u32::MAX) * 100, nanos in 0..1_000_000_000_u32, before: bool) {
        let distance = Duration::new(seconds, nanos);
        let moment = if before {
            SystemTime::UNIX_EPOCH.checked_sub(distance)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(distance)
        };
        let validity = Validity::Range { begin: moment, end: None };
        let read: Validity = serde_json::from_str(&text_of(&validity)).unwrap();
        prop_assert_eq!(read, validity);
    }
}
