//! What is changed without a member: one that is sent again never undoes a later one.

use kabao_models::official_account::card::{BaseInfoChange, MemberCardChange, UpdateCard};
use kabao_models::{Effect, Record, Ref, Repeat, Value, operations};

use super::*;
use crate::subject;

const CARD: &str = "p1";

impl Gateway {
    /// Gives the template a title, by the operation of the family.
    async fn title(&self, id: &str, title: &str) -> Result<(), Error> {
        let base = BaseInfoChange {
            title: Some(title.to_owned()),
            ..BaseInfoChange::default()
        };
        let card = MemberCardChange {
            base_info: Some(base),
            ..MemberCardChange::default()
        };
        let context = context().with_request_id(id.parse().unwrap());
        let update = UpdateCard::new(CARD, card);
        let done = kabao_api::call(self.upstream.as_ref(), &context, update).await;
        done.map(|_| ())
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_never_undoes_a_later_change_of_the_template() {
    for fate in [Fate::LostBefore, Fate::LostAfter] {
        let world = World::new(Family::OfficialAccount);
        let gateway = world.gateway();
        world.wechat.fates([fate]);
        let error = gateway.title("a", "old").await.unwrap_err();
        assert_eq!(error.reason(), Reason::OutcomeUnknown);
        gateway.title("b", "new").await.unwrap();
        // The first has ended before the second began, so nothing of it is left to be sent.
        assert_eq!(gateway.change("a").await.state, ChangeState::Applied);
        gateway.reconcile().await;
        assert_eq!(world.wechat.title(CARD).as_deref(), Some("new"), "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_template_waits_for_the_one_before_it() {
    let world = World::new(Family::OfficialAccount);
    let gateway = world.gateway();
    world.wechat.choose(|| Fate::LostBefore);
    gateway.title("a", "old").await.unwrap_err();
    let error = gateway.title("b", "new").await.unwrap_err();
    assert_eq!(error.reason(), Reason::EarlierChangeOpen);
    assert!(!error.may_have_executed());
    assert_eq!(world.wechat.title(CARD), None);
}

/// What the catalogue says: whatever a journal sends again has a subject, so that nothing comes between.
#[test]
fn whatever_may_be_sent_again_follows_what_came_before() {
    /// A second run of these undoes nothing, whatever has happened since: tokens, and ends for good.
    const FINAL: [&str; 6] = [
        "merchant.permission_tokens.create",
        "merchant.activities.terminate",
        "brand.pre_auth_tokens.create",
        "brand.pay_view_tokens.create",
        "brand_direct.pre_auth_tokens.create",
        "official_account.pay_gift_card.delete",
    ];
    let mut targets = 0;
    for operation in operations().filter(|operation| operation.effect == Effect::Write) {
        let mut request = operation.new_request();
        let record: &mut dyn Record = request.as_mut();
        for field in ["card_id", "activity_id", "code", "user_card_code"] {
            if let Some(slot) = record.named_slot(field)
                && !slot.set(Value::Text(CARD.into()))
            {
                slot.set(Value::Integer(7));
            }
        }
        if let Some(target) = operation.target {
            targets += 1;
            let value = record.named(target.field);
            let is_named = matches!(value, Ref::Text(_) | Ref::Integer(_));
            assert_eq!(is_named, !target.field.is_empty(), "{}", operation.id);
        }
        let subject = subject::of_request(request.as_ref());
        let is_safe = operation.repeat == Repeat::Harmless;
        let is_final = FINAL.contains(&operation.id);
        assert!(
            !is_safe || is_final || subject.is_some(),
            "{}",
            operation.id
        );
        assert!(!is_final || subject.is_none(), "{}", operation.id);
    }
    assert!(targets > 15, "{targets}");
}

#[test]
fn a_template_is_the_same_to_the_portable_methods_and_to_the_families() {
    let name = "accounts/acme/templates/p1".parse().unwrap();
    for id in [
        "merchant.cards.update",
        "merchant.cards.delete",
        "brand.cards.update",
        "brand.cards.invalidate",
        "brand_direct.cards.update",
        "brand_direct.cards.invalidate",
        "official_account.card.update",
        "official_account.card.delete",
    ] {
        let operation = kabao_models::Operation::find(id).unwrap();
        let mut request = operation.new_request();
        let record: &mut dyn Record = request.as_mut();
        let slot = record.named_slot("card_id").unwrap();
        assert!(slot.set(Value::Text(CARD.into())));
        let subject = subject::of_request(request.as_ref());
        assert_eq!(subject, Some(subject::of_template(&name)), "{id}");
    }
}
