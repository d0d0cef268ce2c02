//! Lists, new templates, and what the account says of itself.

use std::sync::Arc;

use futures_util::TryStreamExt;
use kabao_api::{
    AccountApi, CreateTemplate, CredentialKind, ListMembers, ListTemplates, MemberApi, Method,
    NewTemplate, PageRequest, Reason, TemplateApi, TemplateState, UpstreamNewTemplate,
    UpstreamTemplate, Validity, View,
};
use kabao_models::merchant::cards::CreateCard;
use serde_json::json;

use super::super::*;
use super::{CARD, body, client, name};
use crate::client::Client;
use crate::list::list_all_templates;
use crate::settings::Settings;
use crate::testing::{answering, context, merchant, scripted, signed};
use crate::transport::{HttpRequest, HttpResponse, Transport, TransportError};

fn parameter(request: &HttpRequest, name: &str) -> usize {
    let (_, query) = request.target.split_once('?').unwrap();
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        .unwrap()
        .parse()
        .unwrap()
}

/// Seven templates, of which WeChat gives the page that is asked for, counted by `unit`.
fn seven(unit: ListOffset) -> impl Fn(&HttpRequest) -> Result<HttpResponse, TransportError> {
    move |request| {
        let (offset, limit) = (parameter(request, "offset"), parameter(request, "limit"));
        let skipped = match unit {
            ListOffset::Items => offset,
            ListOffset::Pages => offset * limit,
        };
        let data: Vec<_> = (0..7)
            .skip(skipped)
            .take(limit)
            .map(|index| json!({"card_id": format!("p{index}"), "status": "APPROVED"}))
            .collect();
        // The offset of the answer is off by one, as in the documents.
        let answer = json!({"data": data, "total_count": 7, "offset": offset + 1, "limit": limit});
        Ok(signed(200, &answer.to_string()))
    }
}

fn list(size: u32) -> ListTemplates {
    ListTemplates::new(context().account).with_page(PageRequest {
        size: Some(size),
        token: None,
    })
}

fn counting(unit: ListOffset, transport: Arc<dyn Transport>) -> Client {
    let pipeline = merchant(transport, Settings::default());
    Client::compose(pipeline, &(), move |ground| Merchant::new(ground, unit))
}

#[tokio::test(start_paused = true)]
async fn a_whole_list_comes_in_order_however_wechat_counts() {
    for unit in [ListOffset::Items, ListOffset::Pages] {
        for size in [1, 2, 3, 7, 20] {
            let (transport, _) = answering(seven(unit));
            let client = Arc::new(counting(unit, transport));
            let templates: Vec<_> = list_all_templates(client, context(), list(size))
                .try_collect()
                .await
                .unwrap();
            let ids: Vec<_> = templates
                .iter()
                .map(|template| template.name.id().as_str())
                .collect();
            assert_eq!(
                ids,
                ["p0", "p1", "p2", "p3", "p4", "p5", "p6"],
                "{unit:?} {size}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_may_change_its_size_and_a_token_belongs_to_its_list() {
    let (transport, sent) = answering(seven(ListOffset::Items));
    let client = client(transport);
    let first = client.list_templates(&context(), list(2)).await.unwrap();
    assert_eq!((first.items.len(), first.total), (2, Some(7)));
    let mut second = list(1000);
    second.page.token = first.next;
    let rest = client
        .list_templates(&context(), second.clone())
        .await
        .unwrap();
    assert_eq!((rest.items.len(), rest.next), (5, None));
    assert_eq!(parameter(&sent.lock().unwrap()[1], "limit"), 20);

    second.view = View::Full;
    let error = client.list_templates(&context(), second).await.unwrap_err();
    assert_eq!(error.reason(), Reason::PageTokenInvalid);
    assert_eq!(sent.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_counted_otherwise_ends_in_an_error() {
    // WeChat counts pages, and the client items: the second page is far behind the end.
    let (transport, _) = answering(seven(ListOffset::Pages));
    let client = client(transport);
    let mut request = list(5);
    request.page.token = client
        .list_templates(&context(), request.clone())
        .await
        .unwrap()
        .next;
    let error = client
        .list_templates(&context(), request)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::UpstreamMalformed);
}

#[tokio::test(start_paused = true)]
async fn the_cards_of_a_user_are_read_one_by_one_and_filtered_by_template() {
    let (transport, sent) = answering(|request| {
        if request.target.contains("/user/cards?") {
            let card = |id: &str| json!({"card_id": id, "code": "478515832665"});
            let data = [card("pbLatjvWOibDc5-TBnbUk1pD12o0"), card("p2")];
            let answer = json!({"data": data, "total_count": 2, "offset": 0, "limit": 20});
            return Ok(signed(200, &answer.to_string()));
        }
        Ok(signed(200, CARD))
    });
    let request = ListMembers::new(context().account, "obLatjnx9gnqzS4myYGmLZ7LgLBA")
        .with_template(name().template().id().clone());
    let page = client(transport)
        .list_members(&context(), request)
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.total, page.next), (1, None, None));
    assert_eq!(page.items[0].level.as_deref(), Some("白银会员"));
    assert_eq!(page.items[0].upstream_state.as_deref(), Some("EFFECTIVE"));
    assert_eq!(sent.lock().unwrap().len(), 2);
}

pub(crate) fn creation() -> CreateTemplate {
    let card = CreateCard {
        code_type: Some("BARCODE".into()),
        code_mode: Some("SYSTEM_ALLOCATE".into()),
        title: Some("茶港会员卡".to_owned()),
        ..CreateCard::default()
    };
    CreateTemplate::new(
        context().account,
        NewTemplate {
            title: Some("茶港会员卡".to_owned()),
            description: Some("出示即可".to_owned()),
            logo_url: Some("https://wxpaylogo.qpic.cn/0".to_owned()),
            background_picture_url: Some("https://wxpaylogo.qpic.cn/1".to_owned()),
            brand_id: Some("1004".to_owned()),
            brand_name: Some("茶港".to_owned()),
            appid: Some("wx0123456789abcdef".to_owned()),
            validity: Some(Validity::Days {
                valid_days: 365,
                wait_days: 0,
            }),
            total_stock: Some(10),
            upstream: Some(UpstreamNewTemplate::Merchant(Box::new(card))),
            ..NewTemplate::default()
        },
    )
    .with_request_id("4f9c1b52-7a0e-4d0b-9a39-2f6f1f0c7d11".parse().unwrap())
    .with_view(View::Full)
}

#[tokio::test(start_paused = true)]
async fn a_template_is_made_from_portable_fields_and_the_familys_request() {
    let answer = r#"{"card_id":"p9","status":"NOT_APPROVE","title":"茶港会员卡"}"#;
    let (transport, sent) = scripted([Ok(signed(200, answer))]);
    let template = client(transport)
        .create_template(&context(), creation())
        .await
        .unwrap();
    assert_eq!(template.name.id().as_str(), "p9");
    assert_eq!(template.state, TemplateState::PendingReview);
    assert!(matches!(
        template.upstream,
        Some(UpstreamTemplate::Merchant(_))
    ));
    let expected = json!({
        "title": "茶港会员卡", "description": "出示即可",
        "logo_url": "https://wxpaylogo.qpic.cn/0",
        "background_picture_url": "https://wxpaylogo.qpic.cn/1",
        "brand": {"brand_id": "1004", "display_name": "茶港"},
        "appid": "wx0123456789abcdef", "total_quantity": 10,
        "date_information": {"type": "FIX_TERM", "available_day_after_receive": 365},
        "code_type": "BARCODE", "code_mode": "SYSTEM_ALLOCATE",
        "out_request_no": "4f9c1b527a0e4d0b9a392f6f1f0c7d11",
    });
    assert_eq!(body(&sent, 0), expected);
}

#[tokio::test]
async fn contradictions_and_gaps_of_a_new_template_are_named_in_portable_words() {
    let (transport, sent) = scripted([]);
    let client = client(transport);
    let mut contradiction = creation();
    contradiction.template.title = Some("另一张卡".to_owned());
    contradiction.template.validity = Some(Validity::Range {
        begin: None,
        end: None,
    });
    let gap = {
        let mut request = creation();
        request.template = NewTemplate {
            total_stock: Some(1),
            ..NewTemplate::default()
        };
        request
    };
    let mut number = creation();
    if let Some(UpstreamNewTemplate::Merchant(card)) = &mut number.template.upstream {
        card.out_request_no = Some("another".to_owned());
    }
    let rows = [
        (contradiction, vec!["title", "validity"]),
        (number, vec!["request_id"]),
        (
            gap,
            vec![
                "appid",
                "logo_url",
                "brand",
                "title",
                "background_picture_url",
                "description",
                "code_type",
                "validity",
                "code_mode",
            ],
        ),
    ];
    for (request, fields) in rows {
        let error = client
            .create_template(&context(), request)
            .await
            .unwrap_err();
        let found: Vec<_> = error
            .violations()
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!((error.reason(), found), (Reason::FieldInvalid, fields));
    }
    let mut foreign = creation();
    foreign.template.upstream = Some(UpstreamNewTemplate::Brand(Box::default()));
    let error = client
        .create_template(&context(), foreign)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::FamilyMismatch);
    assert!(sent.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_account_is_checked_by_one_small_read_and_shows_no_secret() {
    let (transport, sent) = answering(seven(ListOffset::Items));
    let client = client(transport);
    let checks = client.check(&context()).await.unwrap();
    assert_eq!(
        (
            checks[0].operation,
            checks[0].credential,
            checks[0].signature_verified
        ),
        ("merchant.cards.list", CredentialKind::Merchant, true)
    );
    assert_eq!(parameter(&sent.lock().unwrap()[0], "limit"), 1);

    let credentials = client.credentials();
    let [merchant] = credentials.as_slice() else {
        panic!("one credential");
    };
    assert_eq!(merchant.number, crate::testing::key("merchant", "mchid"));
    assert!(merchant.serial_number.is_some());
    assert!(merchant.trusted_keys[0].usable && !merchant.trusted_keys[0].is_certificate);
    assert_eq!(client.capabilities().len(), Method::ALL.len());
    assert!(
        client
            .capabilities()
            .iter()
            .all(|capability| capability.supported)
    );
}
