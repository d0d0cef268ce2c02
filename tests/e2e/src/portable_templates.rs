//! `kabao.v1.TemplateService` means the same in every family.

use kabao_proto::kabao::v1::Template;
use kabao_proto::kabao::v1::template::{State, Upstream};

use crate::demo::{ALL, BRAND, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::world::World;

async fn read(world: &World, demo: &Demo) -> Template {
    world.get_template(demo).await.unwrap().into_inner()
}

#[tokio::test]
async fn every_family_answers_with_name_title_and_its_own_message() {
    let world = World::start().await;
    for demo in ALL {
        let template = read(&world, demo).await;
        assert_eq!(template.name, demo.template());
        assert_eq!(template.state(), State::Active, "{}", demo.account);
        assert!(!template.title.is_empty(), "{}", demo.account);
        let family = match template.upstream.unwrap() {
            Upstream::Merchant(_) => MERCHANT.account,
            Upstream::Brand(_) => BRAND.account,
            Upstream::OfficialAccount(_) => OFFICIAL_ACCOUNT.account,
        };
        assert_eq!(family, demo.account);
    }
}

#[tokio::test]
async fn a_read_after_a_write_shows_the_change() {
    let world = World::start().await;
    for demo in ALL {
        let change = Template {
            title: "全新会员卡".to_owned(),
            service_phone: "020-88888888".to_owned(),
            ..Template::default()
        };
        let answer = world
            .update_template(demo, change.clone(), &["service_phone"])
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            answer.service_phone, change.service_phone,
            "{}",
            demo.account
        );
        assert_ne!(
            answer.title, change.title,
            "not in the mask: {}",
            demo.account
        );
        world
            .update_template(demo, change.clone(), &[])
            .await
            .unwrap();
        let after = read(&world, demo).await;
        assert_eq!(after.title, change.title, "{}", demo.account);
        assert_eq!(
            after.service_phone, change.service_phone,
            "{}",
            demo.account
        );
    }
}

#[tokio::test]
async fn a_deleted_template_is_gone_or_says_so() {
    let world = World::start().await;
    for demo in ALL {
        world.delete_template(demo).await.unwrap();
        match world.get_template(demo).await {
            Ok(template) => assert_eq!(
                template.into_inner().state(),
                State::Deleted,
                "{}",
                demo.account
            ),
            Err(status) => assert_eq!(status.code(), tonic::Code::NotFound, "{}", demo.account),
        }
    }
    let deletions: usize = [
        "merchant.cards.delete",
        "brand.cards.invalidate",
        "official_account.card.delete",
    ]
    .iter()
    .map(|operation| world.effects_of(operation).len())
    .sum();
    assert_eq!(deletions, 3, "{:?}", world.sandbox().ledger());
}
