//! One intended change is one effect upstream, whatever happens on the way.

use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient;
use kabao_sandbox::Fault;
use tonic::Code;

use crate::demo::MERCHANT;
use crate::merchant::balance_update;
use crate::refusal::refused;
use crate::world::World;

const UPDATE: &str = "merchant.user_cards.update";

async fn balance(world: &World) -> i64 {
    let member = world.get_member(&MERCHANT).await.unwrap().into_inner();
    member.balance.expect("the demo member has a balance")
}

#[tokio::test]
async fn the_balance_update_of_wechats_example_stands_in_the_ledger_once() {
    let world = World::start().await;
    let before = balance(&world).await;
    let mut user_cards = UserCardServiceClient::new(world.channel());
    user_cards
        .update_user_card(balance_update(before))
        .await
        .unwrap();
    user_cards
        .update_user_card(balance_update(before))
        .await
        .unwrap();
    let effects = world.effects_of(UPDATE);
    assert_eq!(effects.len(), 1, "{effects:?}");
    assert_eq!(effects[0].account, MERCHANT.account);
    assert_eq!(
        effects[0].out_request_no.as_deref(),
        Some("100002322019090134234sfdf")
    );
    assert_eq!(balance(&world).await, before + 100);
}

#[tokio::test]
async fn a_lost_answer_to_a_numbered_write_is_asked_for_again_and_makes_one_effect() {
    let world = World::start().await;
    let before = balance(&world).await;
    world.inject(UPDATE, 1, Fault::DropConnection { applied: true });
    let mut user_cards = UserCardServiceClient::new(world.channel());
    user_cards
        .update_user_card(balance_update(before))
        .await
        .unwrap();
    assert_eq!(world.effects_of(UPDATE).len(), 1);
    assert_eq!(balance(&world).await, before + 100);
}

#[tokio::test]
async fn a_write_that_is_never_answered_is_reported_as_unknown_and_not_as_failed() {
    let world = World::start().await;
    let before = balance(&world).await;
    world.inject(UPDATE, 10, Fault::DropConnection { applied: true });
    let mut user_cards = UserCardServiceClient::new(world.channel());
    let answer = user_cards.update_user_card(balance_update(before)).await;
    refused(Code::Unknown, "OUTCOME_UNKNOWN")
        .may_have_executed()
        .check(answer);
    assert_eq!(world.effects_of(UPDATE).len(), 1);
    assert_eq!(balance(&world).await, before + 100);
}
