//! The backend over an upstream that is none: it reads, and writes absolute values.

use kabao_api::{AdjustMember, Change, MockUpstream};
use kabao_models::official_account::member::{
    GetUserInfo, GetUserInfoResponse, UpdateUser, UpdateUserResponse,
};

use super::super::*;
use super::{MemberApi, Reason, context, name};
use crate::testing::mocked;

fn backend(upstream: MockUpstream) -> OfficialAccount {
    OfficialAccount {
        ground: mocked(upstream),
        appid: "wx0123456789abcdef".to_owned(),
        tickets: Tickets::default(),
        expose_tokens: false,
    }
}

fn adjust(change: Change) -> AdjustMember {
    AdjustMember::new(name(), change)
}

#[tokio::test]
async fn a_difference_becomes_an_absolute_value() {
    for (change, after) in [(Change::Add(-50), 200), (Change::SetTo(7), 7)] {
        let mut upstream = MockUpstream::new();
        upstream
            .expect_execute()
            .times(2)
            .returning(move |context, request| {
                if request.as_any().is::<GetUserInfo>() {
                    return Ok(Box::new(GetUserInfoResponse {
                        bonus: Some(250),
                        ..GetUserInfoResponse::default()
                    }));
                }
                let update: &UpdateUser = request.as_any().downcast_ref().unwrap();
                assert_eq!((update.bonus, update.add_bonus), (Some(after), None));
                let adds = matches!(change, Change::Add(_));
                assert_eq!(context.is_repeatable(), !adds);
                Ok(Box::new(UpdateUserResponse {
                    result_bonus: Some(after),
                    ..UpdateUserResponse::default()
                }))
            });
        let done = backend(upstream)
            .adjust_points(&context(), adjust(change))
            .await
            .unwrap();
        assert_eq!((done.before, done.after), (Some(250), after));
    }
}

#[tokio::test]
async fn an_id_that_could_not_keep_its_promise_is_refused_and_nothing_is_asked_for() {
    let request = adjust(Change::Add(1)).with_request_id("n-1".parse().unwrap());
    let error = backend(MockUpstream::new())
        .adjust_points(&context(), request)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::NotSupportedByFamily);
    assert_eq!(error.violations()[0].field, "request_id");
}
