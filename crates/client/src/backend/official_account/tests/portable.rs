//! Lists, adjustments, memberships and new templates.

use kabao_api::{
    AccountApi, ActivateMember, AdjustMember, Change, CreateTemplate, CredentialKind, ImportMember,
    ImportedUser, InvalidateMember, ListMembers, ListTemplates, MemberApi, MemberUpdate, Method,
    NewTemplate, PageRequest, Reason, TemplateApi, TemplateState, UpstreamNewTemplate, Validity,
    View,
};
use kabao_models::official_account::card::{CreateCard, NewBaseInfo, NewCard, NewMemberCard};
use serde_json::{Value, json};

use super::{CARD, INFO, OK, body, client_of, name};
use crate::Client;
use crate::testing::{Sent, answering, context, unsigned};

/// Answers by path, where `answer` has nothing to say as [`super::client`] does.
fn client(
    answer: impl Fn(&str, &Value) -> Option<String> + Send + Sync + 'static,
) -> (Client, Sent) {
    let (transport, sent) = answering(move |request| {
        let path = request.target.split('?').next().unwrap_or_default();
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        let text = answer(path, &body).unwrap_or_else(|| {
            match path {
                "/cgi-bin/stable_token" => r#"{"access_token":"T1","expires_in":7200}"#,
                "/card/membercard/userinfo/get" => INFO,
                "/card/get" => CARD,
                _ => OK,
            }
            .to_owned()
        });
        Ok(unsigned(200, &text))
    });
    (client_of(transport), sent)
}

fn count(sent: &Sent, path: &str) -> usize {
    let sent = sent.lock().unwrap();
    sent.iter()
        .filter(|request| request.target.starts_with(path))
        .count()
}

fn card(id: &str, kind: &str) -> String {
    let mut card: Value = serde_json::from_str(CARD).unwrap();
    card["card"]["card_type"] = json!(kind);
    card["card"]["member_card"]["base_info"]["id"] = json!(id);
    card.to_string()
}

fn page(size: u32) -> PageRequest {
    PageRequest {
        size: Some(size),
        token: None,
    }
}

#[tokio::test(start_paused = true)]
async fn templates_are_read_one_by_one_and_coupons_are_left_out() {
    let (client, sent) = client(|path, body| match path {
        "/card/batchget" => {
            let (offset, count) = (
                body["offset"].as_u64().unwrap(),
                body["count"].as_u64().unwrap(),
            );
            let ids: Vec<_> = (0..5)
                .skip(usize::try_from(offset).unwrap())
                .take(usize::try_from(count).unwrap())
                .map(|index| format!("p{index}"))
                .collect();
            Some(json!({"errcode": 0, "card_id_list": ids, "total_num": 5}).to_string())
        }
        "/card/get" => Some(match body["card_id"].as_str().unwrap() {
            "p1" => card("p1", "GROUPON"),
            "p3" => r#"{"errcode":40073,"errmsg":"invalid card id"}"#.to_owned(),
            id => card(id, "MEMBER_CARD"),
        }),
        _ => None,
    });
    let mut request = ListTemplates::new(context().account)
        .with_page(page(3))
        .with_view(View::Full);
    let first = client
        .list_templates(&context(), request.clone())
        .await
        .unwrap();
    let ids = |templates: &[kabao_api::Template]| -> Vec<String> {
        templates
            .iter()
            .map(|template| template.name.id().to_string())
            .collect()
    };
    assert_eq!(ids(&first.items), ["p0", "p2"]);
    assert_eq!(first.total, None, "the total counts coupons");
    assert!(first.items[0].upstream.is_some());
    request.page.token = first.next;
    let second = client.list_templates(&context(), request).await.unwrap();
    assert_eq!(
        (ids(&second.items), second.next),
        (vec!["p4".to_owned()], None)
    );
    assert_eq!(count(&sent, "/card/get?"), 5);
}

fn members(template: Option<&str>, page: PageRequest) -> ListMembers {
    let mut request =
        ListMembers::new(context().account, "obLatjm43RA5C6QfMO5szKYnT3dM").with_page(page);
    request.template = template.map(|id| id.parse().unwrap());
    request
}

#[tokio::test(start_paused = true)]
async fn the_cards_of_a_user_come_in_pages_of_our_own() {
    let (client, sent) = client(|path, _| {
        (path == "/card/user/getcardlist").then(|| {
            let cards: Vec<_> = (0..5)
                .map(|index| json!({"code": format!("{index}"), "card_id": "p1"}))
                .collect();
            json!({"errcode": 0, "card_list": cards}).to_string()
        })
    });
    let mut request = members(Some("p1"), page(3));
    let first = client
        .list_members(&context(), request.clone())
        .await
        .unwrap();
    assert_eq!((first.items.len(), first.total), (3, Some(5)));
    assert_eq!(first.items[0].points, Some(250));
    assert_eq!(body(&sent, "/card/user/getcardlist")["card_id"], "p1");
    request.page.token = first.next;
    let second = client.list_members(&context(), request).await.unwrap();
    let codes: Vec<_> = second
        .items
        .iter()
        .map(|member| member.name.code().expose())
        .collect();
    assert_eq!((codes, second.next), (vec!["3", "4"], None));
    assert_eq!(count(&sent, "/card/membercard/userinfo/get"), 5);
    assert_eq!(count(&sent, "/card/get"), 0);
}

#[tokio::test(start_paused = true)]
async fn among_all_cards_of_a_user_only_member_cards_are_members() {
    let (client, sent) = client(|path, body| match path {
        "/card/user/getcardlist" => Some(
            json!({"errcode": 0, "card_list": [
                {"code": "1", "card_id": "p1"}, {"code": "2", "card_id": "c1"},
                {"code": "3", "card_id": "p1"}, {"code": "4", "card_id": "p1"},
            ]})
            .to_string(),
        ),
        "/card/get" => Some(match body["card_id"].as_str().unwrap() {
            "c1" => card("c1", "CASH"),
            id => card(id, "MEMBER_CARD"),
        }),
        "/card/membercard/userinfo/get" if body["code"] == "3" => {
            Some(r#"{"errcode":40056,"errmsg":"invalid serial code"}"#.to_owned())
        }
        _ => None,
    });
    let page = client
        .list_members(&context(), members(None, PageRequest::default()))
        .await
        .unwrap();
    let codes: Vec<_> = page
        .items
        .iter()
        .map(|member| member.name.code().expose())
        .collect();
    assert_eq!(codes, ["1", "4"]);
    assert_eq!(page.total, None);
    assert_eq!(count(&sent, "/card/get?"), 2, "each template once");
}

fn adjust(change: Change) -> AdjustMember {
    AdjustMember::new(name(), change)
}

#[tokio::test(start_paused = true)]
async fn a_difference_is_written_as_the_absolute_value() {
    let (client, sent) = client(|path, _| {
        (path == "/card/membercard/updateuser")
            .then(|| r#"{"errcode":0,"result_bonus":255,"result_balance":2900}"#.to_owned())
    });
    let request = adjust(Change::Add(-100))
        .with_remark("消费")
        .with_notify(false);
    let done = client.adjust_balance(&context(), request).await.unwrap();
    assert_eq!((done.before, done.after), (Some(3000), 2900));
    let expected = json!({
        "code": "916679873278", "card_id": "ph_gmt7cUVrlRk8swPwx7aDyF-pg",
        "balance": 2900, "record_balance": "消费",
        "notify_optional": {"is_notify_balance": false},
    });
    assert_eq!(body(&sent, "/card/membercard/updateuser"), expected);
    // What WeChat says that it stored counts.
    let done = client
        .adjust_points(&context(), adjust(Change::SetTo(254)))
        .await
        .unwrap();
    assert_eq!((done.before, done.after), (Some(250), 255));

    let low = adjust(Change::Add(-3001)).with_minimum(0);
    let error = client.adjust_balance(&context(), low).await.unwrap_err();
    assert_eq!(error.reason(), Reason::PreconditionFailed);
    assert_eq!(count(&sent, "/card/membercard/updateuser"), 2);
}

#[tokio::test(start_paused = true)]
async fn activation_takes_the_code_as_the_number_unless_another_is_given() {
    let (client, sent) = client(|_, _| None);
    let mut request = ActivateMember::new(name()).with_initial(MemberUpdate {
        points: Some(10),
        balance: Some(0),
        ..MemberUpdate::default()
    });
    client
        .activate_member(&context(), request.clone())
        .await
        .unwrap();
    let expected = json!({
        "membership_number": "916679873278", "code": "916679873278",
        "card_id": "ph_gmt7cUVrlRk8swPwx7aDyF-pg", "init_bonus": 10, "init_balance": 0,
    });
    assert_eq!(body(&sent, "/card/membercard/activate"), expected);
    request.initial.level = Some("金".to_owned());
    let error = client
        .activate_member(&context(), request)
        .await
        .unwrap_err();
    assert_eq!(error.violations()[0].field, "level");

    let request = InvalidateMember::new(name()).with_reason("退会");
    client.invalidate_member(&context(), request).await.unwrap();
    assert_eq!(body(&sent, "/card/code/unavailable")["reason"], "退会");
}

pub(crate) fn creation() -> CreateTemplate {
    let card = CreateCard::new(NewCard {
        member_card: Some(NewMemberCard {
            prerogative: Some("折扣".to_owned()),
            supply_bonus: Some(true),
            supply_balance: Some(false),
            base_info: Some(NewBaseInfo {
                code_type: Some("CODE_TYPE_BARCODE".into()),
                color: Some("Color010".into()),
                notice: Some("出示".to_owned()),
                ..NewBaseInfo::default()
            }),
            ..NewMemberCard::default()
        }),
        ..NewCard::default()
    });
    CreateTemplate::new(
        context().account,
        NewTemplate {
            title: Some("茶港会员卡".to_owned()),
            brand_name: Some("茶港".to_owned()),
            description: Some("出示即可".to_owned()),
            logo_url: Some("https://mmbiz.qlogo.cn/0".to_owned()),
            validity: Some(Validity::Permanent),
            total_stock: Some(100),
            upstream: Some(UpstreamNewTemplate::OfficialAccount(Box::new(card))),
            ..NewTemplate::default()
        },
    )
}

#[tokio::test(start_paused = true)]
async fn a_template_is_made_and_its_id_survives_a_failed_read_back() {
    for readable in [true, false] {
        let (client, sent) = client(move |path, _| match path {
            "/card/create" => {
                Some(r#"{"errcode":0,"card_id":"ph_gmt7cUVrlRk8swPwx7aDyF-pg"}"#.to_owned())
            }
            "/card/get" if !readable => Some(r#"{"errcode":48001}"#.to_owned()),
            _ => None,
        });
        let template = client
            .create_template(&context(), creation())
            .await
            .unwrap();
        assert_eq!(&template.name, name().template());
        assert_eq!(template.title.is_some(), readable);
        assert_eq!(template.state == TemplateState::Active, readable);
        let sent = body(&sent, "/card/create");
        let base = &sent["card"]["member_card"]["base_info"];
        assert_eq!(sent["card"]["card_type"], "MEMBER_CARD");
        assert_eq!(
            (&base["title"], &base["sku"]["quantity"]),
            (&json!("茶港会员卡"), &json!(100))
        );
        assert_eq!(base["date_info"], json!({"type": "DATE_TYPE_PERMANENT"}));
    }
}

#[tokio::test(start_paused = true)]
async fn gaps_of_a_new_template_are_named_in_portable_words() {
    let (client, sent) = client(|_, _| None);
    let mut request = creation();
    request.template.title = Some("一二三四五六七八九十".to_owned());
    request.template.brand_name = None;
    let error = client
        .create_template(&context(), request)
        .await
        .unwrap_err();
    let fields: Vec<_> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, ["brand_name", "title"]);
    assert_eq!(count(&sent, "/card/create"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_account_tells_what_it_cannot_do_and_whether_it_holds_a_token() {
    let (client, _) = client(|_, _| None);
    let token = |client: &Client| {
        let states = client.credentials();
        assert_eq!(states[0].kind, CredentialKind::AccessToken);
        assert_eq!(states[0].number, "wx0123456789abcdef");
        states[0].access_token.unwrap()
    };
    assert!(!token(&client).held);
    let checks = client.check(&context()).await.unwrap();
    assert_eq!(
        (checks[0].operation, checks[0].signature_verified),
        ("official_account.card.batch_get", false)
    );
    assert!(token(&client).held);
    assert_eq!(
        token(&client).renews_in.map(|left| left.as_secs()),
        Some(6960)
    );

    let capabilities = client.capabilities();
    let import = capabilities
        .iter()
        .find(|capability| capability.method == Method::ImportMember)
        .unwrap();
    assert!(!import.supported);
    let request = ImportMember::new(name().template().clone(), ImportedUser::Openid("o".into()));
    let error = client.import_member(&context(), request).await.unwrap_err();
    assert_eq!(error.reason(), Reason::NotSupportedByFamily);
}

#[tokio::test(start_paused = true)]
async fn a_request_id_is_refused_where_a_repeat_would_act_twice() {
    let (client, sent) = client(|_, _| None);
    let adjust = |change| adjust(change).with_request_id("r-1".parse().unwrap());
    let create = CreateTemplate::new(context().account, NewTemplate::default())
        .with_request_id("r-1".parse().unwrap());
    let errors = [
        client
            .adjust_points(&context(), adjust(Change::Add(5)))
            .await
            .unwrap_err(),
        client
            .adjust_balance(&context(), adjust(Change::Add(5)))
            .await
            .unwrap_err(),
        client
            .create_template(&context(), create)
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(
            (error.reason(), error.violations()[0].field.as_str()),
            (Reason::NotSupportedByFamily, "request_id")
        );
        assert!(error.message().contains("leave it out"), "{error}");
    }
    assert!(sent.lock().unwrap().is_empty(), "nothing was sent");
    client
        .adjust_points(&context(), adjust(Change::SetTo(5)))
        .await
        .unwrap();
}
