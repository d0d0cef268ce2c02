//! The backend over an upstream that is none: what it asks for, and what it makes of the answers.

use kabao_api::{AdjustMember, Change, Error, FieldViolation, MockUpstream};
use kabao_models::NoContent;
use kabao_models::merchant::user_card_rights::UpdateUserCardRights;
use kabao_models::merchant::user_cards::{GetUserCard, UpdateUserCard, UserCard};
use mockall::Sequence;

use super::super::*;
use super::{MemberApi, MemberState, Reason, context, level, name, update};
use crate::testing::mocked;

fn backend(upstream: MockUpstream) -> Merchant {
    Merchant {
        ground: mocked(upstream),
        list_offset: ListOffset::Items,
    }
}

#[tokio::test]
async fn a_difference_is_what_was_read_and_what_is_written() {
    for (change, written, repeatable) in [
        (Change::Add(10), (600, 610, 10), false),
        (Change::SetTo(100), (600, 100, -500), true),
    ] {
        let mut upstream = MockUpstream::new();
        let mut order = Sequence::new();
        upstream
            .expect_execute()
            .once()
            .in_sequence(&mut order)
            .returning(|_, request| {
                assert!(request.as_any().is::<GetUserCard>());
                Ok(Box::new(UserCard {
                    bonus_value: Some(600),
                    ..UserCard::default()
                }))
            });
        upstream
            .expect_execute()
            .once()
            .in_sequence(&mut order)
            .returning(move |context, request| {
                let update: &UpdateUserCardRights = request.as_any().downcast_ref().unwrap();
                let (before, after, add) = written;
                assert_eq!(update.before_bonus_value, Some(before));
                assert_eq!(update.bonus_value, Some(after));
                assert_eq!(update.add_bonus_value, Some(add));
                assert_eq!(request.request_number(), Some("n-1"));
                // Whoever adds once more starts from another value.
                assert_eq!(context.is_repeatable(), repeatable);
                Ok(Box::new(NoContent::default()))
            });
        let request = AdjustMember::new(name(), change).with_request_id("n-1".parse().unwrap());
        let done = backend(upstream)
            .adjust_points(&context(), request)
            .await
            .unwrap();
        assert_eq!((done.before, done.after), (Some(written.0), written.1));
    }
}

#[tokio::test]
async fn a_number_of_our_own_is_not_one_that_the_caller_could_repeat_with() {
    for (request_id, repeatable) in [(Some("n-1"), true), (None, false)] {
        let mut upstream = MockUpstream::new();
        upstream
            .expect_execute()
            .once()
            .returning(move |context, request| {
                assert!(request.as_any().is::<UpdateUserCard>());
                assert!(request.is_safe_to_repeat());
                assert_eq!(context.is_repeatable(), repeatable);
                let refused = FieldViolation::new("out_request_no", "is refused");
                Err(Error::field_invalid([refused]))
            });
        let error = backend(upstream)
            .update_member(&context(), update(level(), request_id))
            .await
            .unwrap_err();
        assert_eq!(error.violations()[0].field, "request_id");
    }
}

#[tokio::test]
async fn what_cannot_be_read_back_is_answered_as_written() {
    let mut upstream = MockUpstream::new();
    upstream.expect_execute().times(2).returning(|_, request| {
        if request.as_any().is::<UpdateUserCard>() {
            return Ok(Box::new(NoContent::default()));
        }
        Err(Error::new(Reason::UpstreamUnavailable, "a test"))
    });
    let member = backend(upstream)
        .update_member(&context(), update(level(), None))
        .await
        .unwrap();
    assert!(member.partial);
    assert_eq!(
        (member.level, member.state),
        (level().level, MemberState::Unspecified)
    );
}
