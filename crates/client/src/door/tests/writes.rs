//! Every way to change something.

use futures_util::future::BoxFuture;
use kabao_api::{
    ActivateMember, AdjustMember, CallContext, Change, CreateTemplate, DeleteTemplate, Error,
    Family, ImportMember, ImportedUser, InvalidateMember, MediaApi, MemberApi, MemberName,
    MemberUpdate, TemplateApi, TemplateUpdate, UpdateMember, UpdateTemplate, UploadImage,
    UpstreamNewTemplate, Validity,
};
use kabao_models::brand::direct_user_points::SyncDirectUserPoints;
use kabao_models::brand::user_points::SyncUserPoints;
use kabao_models::merchant::cards::UpdateCard;
use kabao_models::merchant::codes::DepositCodes;
use kabao_models::merchant::user_cards::UpdateUserCard;
use kabao_models::official_account::member::UpdateUser;

use super::wechat::Who;
use crate::client::Client;

const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";
const CARD_ID: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
const CODE: &str = "478515832665";

/// One write, and what a journal calls it.
pub(super) struct Write {
    /// What is noted around the portable API, if it is a part of it.
    pub(super) method: Option<&'static str>,
    /// What is noted around the upstream.
    pub(super) operation: &'static str,
    pub(super) run: fn(Client, CallContext) -> BoxFuture<'static, Result<(), Error>>,
}

macro_rules! portable {
    ($method:ident, $operation:expr, $request:expr) => {
        Write {
            method: Some(stringify!($method)),
            operation: $operation,
            run: |client, context| {
                Box::pin(async move {
                    let request = $request(client.family());
                    client.$method(&context, request).await.map(drop)
                })
            },
        }
    };
}

macro_rules! called {
    ($operation:literal, $request:expr) => {
        Write {
            method: None,
            operation: $operation,
            run: |client, context| {
                Box::pin(async move { client.call(&context, $request).await.map(drop) })
            },
        }
    };
}

/// As a facade executes an operation of the family.
macro_rules! executed {
    ($operation:literal, $request:expr) => {
        Write {
            method: None,
            operation: $operation,
            run: |client, context| {
                let account = client.into_account();
                Box::pin(async move {
                    let request = Box::new($request);
                    account.upstream.execute(&context, request).await.map(drop)
                })
            },
        }
    };
}

/// Every portable write of a family, and operations of each kind.
pub(super) fn of(who: Who) -> Vec<Write> {
    match who {
        Who::Merchant => vec![
            portable!(update_member, "merchant.user_cards.update", level),
            portable!(adjust_balance, "merchant.user_cards.update", add),
            portable!(adjust_points, "merchant.user_card_rights.update", add),
            portable!(activate_member, "merchant.user_cards.activate", activate),
            portable!(
                invalidate_member,
                "merchant.user_cards.set_unavailable",
                invalidate
            ),
            portable!(
                import_member,
                "merchant.user_cards.import_by_openid",
                import
            ),
            portable!(
                import_member,
                "merchant.user_cards.import_by_phone",
                |family| {
                    let mut request = import(family);
                    request.user = ImportedUser::Phone("13800000417".into());
                    request
                }
            ),
            portable!(create_template, "merchant.cards.create", create),
            portable!(update_template, "merchant.cards.update", title),
            portable!(delete_template, "merchant.cards.delete", delete),
            portable!(upload_image, "merchant.media.image_upload", upload),
            called!("merchant.user_cards.update", numbered()),
            called!("merchant.codes.deposit", DepositCodes::new(CARD_ID)),
            executed!("merchant.cards.update", absolute()),
            executed!("merchant.user_cards.update", numbered()),
        ],
        Who::Brand => vec![
            portable!(update_member, "brand.user_cards.update", level),
            portable!(adjust_points, "brand.user_points.sync", set_to),
            portable!(activate_member, "brand.user_cards.confirm", activate),
            portable!(invalidate_member, "brand.user_cards.invalidate", invalidate),
            portable!(import_member, "brand.user_cards.import_by_openid", import),
            portable!(create_template, "brand.cards.create", create),
            portable!(update_template, "brand.cards.update", title),
            portable!(delete_template, "brand.cards.invalidate", delete),
            portable!(upload_image, "brand.media.image_upload", upload),
            called!("brand.user_points.sync", points()),
            executed!("brand.user_points.sync", points()),
        ],
        Who::DirectBrand => vec![
            portable!(update_member, "brand_direct.user_cards.update", level),
            portable!(adjust_points, "brand_direct.user_points.sync", set_to),
            portable!(activate_member, "brand_direct.user_cards.confirm", activate),
            portable!(
                invalidate_member,
                "brand_direct.user_cards.invalidate",
                invalidate
            ),
            portable!(
                import_member,
                "brand_direct.user_cards.import_by_openid",
                import
            ),
            portable!(
                create_template,
                "brand_direct.cards.create",
                |_| brand_card("1077")
            ),
            portable!(update_template, "brand_direct.cards.update", title),
            portable!(delete_template, "brand_direct.cards.invalidate", delete),
            portable!(upload_image, "brand_direct.media.image_upload", upload),
            called!("brand_direct.user_points.sync", direct_points()),
            executed!("brand_direct.user_points.sync", direct_points()),
        ],
        Who::OfficialAccount => vec![
            portable!(
                update_member,
                "official_account.member.update_user",
                |family| {
                    let mut request = level(family);
                    request.update = MemberUpdate {
                        points: Some(7),
                        ..MemberUpdate::default()
                    };
                    request
                }
            ),
            portable!(adjust_balance, "official_account.member.update_user", add),
            portable!(adjust_points, "official_account.member.update_user", set_to),
            portable!(
                activate_member,
                "official_account.member.activate",
                activate
            ),
            portable!(
                invalidate_member,
                "official_account.code.unavailable",
                invalidate
            ),
            portable!(create_template, "official_account.card.create", create),
            portable!(update_template, "official_account.card.update", title),
            portable!(delete_template, "official_account.card.delete", delete),
            portable!(upload_image, "official_account.media.upload_image", upload),
            called!("official_account.member.update_user", user()),
            executed!("official_account.member.update_user", user()),
        ],
    }
}

fn name(family: Family) -> MemberName {
    match family {
        Family::OfficialAccount => {
            "accounts/demo/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg/members/916679873278"
        }
        _ => "accounts/demo/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665",
    }
    .parse()
    .unwrap()
}

fn level(family: Family) -> UpdateMember {
    UpdateMember::new(
        name(family),
        MemberUpdate {
            level: Some("黄金会员".to_owned()),
            ..MemberUpdate::default()
        },
    )
    .with_openid(OPENID)
}

fn set_to(family: Family) -> AdjustMember {
    AdjustMember::new(name(family), Change::SetTo(5)).with_openid(OPENID)
}

fn add(family: Family) -> AdjustMember {
    let mut request = set_to(family);
    request.change = Change::Add(10);
    request
}

fn activate(family: Family) -> ActivateMember {
    ActivateMember::new(name(family)).with_openid(OPENID)
}

fn invalidate(family: Family) -> InvalidateMember {
    InvalidateMember::new(name(family)).with_openid(OPENID)
}

fn import(family: Family) -> ImportMember {
    let brand = family == Family::Brand;
    let mut request = ImportMember::new(
        name(family).template().clone(),
        ImportedUser::Openid(OPENID.into()),
    );
    request.code = brand.then(|| CODE.into());
    request.validity = brand.then_some(Validity::Permanent);
    request
}

fn create(family: Family) -> CreateTemplate {
    match family {
        Family::Merchant => crate::backend::merchant::tests::lists::creation(),
        Family::Brand => brand_card("1004"),
        Family::OfficialAccount => crate::backend::official_account::tests::portable::creation(),
    }
}

fn brand_card(brand_id: &str) -> CreateTemplate {
    let mut request = crate::backend::brand::tests::portable::creation();
    if let Some(UpstreamNewTemplate::Brand(card)) = &mut request.template.upstream {
        card.brand_id = Some(brand_id.to_owned());
        let target = card.member_information.get_or_insert_default();
        target.jump_appid = Some("wx0123456789abcdef".to_owned());
        target.jump_path = Some("pages/index".to_owned());
    }
    request
}

fn title(family: Family) -> UpdateTemplate {
    UpdateTemplate::new(
        name(family).template().clone(),
        TemplateUpdate {
            title: Some("茶港金卡".to_owned()),
            ..TemplateUpdate::default()
        },
    )
}

fn delete(family: Family) -> DeleteTemplate {
    DeleteTemplate::new(name(family).template().clone())
}

fn upload(_: Family) -> UploadImage {
    UploadImage::new(
        "demo".parse().unwrap(),
        "a.png",
        b"\x89PNG\r\n\x1a\nrest".as_slice(),
    )
}

fn numbered() -> UpdateUserCard {
    UpdateUserCard {
        level: Some("黄金会员".to_owned()),
        ..UpdateUserCard::new(CARD_ID, CODE, "n1")
    }
}

fn absolute() -> UpdateCard {
    UpdateCard {
        title: Some("茶港会员卡".to_owned()),
        ..UpdateCard::new(CARD_ID)
    }
}

fn points() -> SyncUserPoints {
    SyncUserPoints::new("n1", "1004", CARD_ID, OPENID, CODE, 5)
}

fn direct_points() -> SyncDirectUserPoints {
    SyncDirectUserPoints::new("n1", CARD_ID, OPENID, CODE, 5)
}

fn user() -> UpdateUser {
    UpdateUser {
        bonus: Some(1),
        ..UpdateUser::new("916679873278", "ph_gmt7cUVrlRk8swPwx7aDyF-pg")
    }
}
