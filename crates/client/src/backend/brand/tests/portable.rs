//! Lists, points, memberships and new templates.

use kabao_api::{
    AccountApi, ActivateMember, ActivationOutcome, AdjustMember, Change, CreateTemplate,
    CredentialKind, ImportMember, ImportedUser, InvalidateMember, ListMembers, ListTemplates,
    MemberApi, MemberState, MemberUpdate, Method, NewTemplate, Reason, TemplateApi, TemplateState,
    UpstreamNewTemplate, Validity, View,
};
use kabao_models::brand::cards::CreateCard;
use serde_json::{Value, json};

use super::{CARD, OPENID, TEMPLATE, client, direct, name, targets};
use crate::testing::{Sent, answering, context, scripted, signed, signed_for_brand};

fn body(sent: &Sent, index: usize) -> Value {
    serde_json::from_slice(&sent.lock().unwrap()[index].body).unwrap()
}

fn page_of(items: &[&str], total: u64) -> String {
    let items: Vec<Value> = items
        .iter()
        .map(|item| serde_json::from_str(item).unwrap())
        .collect();
    json!({"data": items, "total_count": total, "offset": 0, "limit": 20}).to_string()
}

fn members(template: Option<&str>) -> ListMembers {
    let mut request = ListMembers::new(context().account, OPENID).with_view(View::Full);
    request.template = template.map(|id| id.parse().unwrap());
    request
}

fn adjust(change: Change) -> AdjustMember {
    AdjustMember::new(name(), change)
        .with_openid(OPENID)
        .with_request_id("n-1".parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn lists_hold_whole_members_and_page_by_item() {
    let (transport, sent) = scripted([
        Ok(signed(200, &page_of(&[CARD], 21))),
        Ok(signed(200, &page_of(&[], 1))),
    ]);
    let client = client(transport);
    let page = client
        .list_members(&context(), members(None))
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.total), (1, Some(21)));
    assert_eq!(page.items[0].name, name());
    assert!(page.items[0].upstream.is_some());
    let mut next = members(None);
    next.page.token = page.next;
    let last = client.list_members(&context(), next).await.unwrap();
    assert_eq!((last.items.len(), last.next), (0, None));
    let targets = targets(&sent);
    assert!(targets[0].contains("offset=0&limit=20"), "{}", targets[0]);
    assert!(targets[1].contains("offset=1&limit=20"), "{}", targets[1]);
}

#[tokio::test(start_paused = true)]
async fn a_list_leaves_out_other_templates_and_cards_without_a_code() {
    let waiting = CARD.replace("\"478515832665\"", "\"\"");
    let other = CARD.replace("pbLatjvW", "pcLatjvW");
    let answer = page_of(&[CARD, &waiting, &other], 3);
    let (transport, _) = answering(move |_| Ok(signed(200, &answer)));
    let client = client(transport);
    let one = client
        .list_members(&context(), members(Some("pbLatjvWOibDc5-TBnbUk1pD12o0")))
        .await
        .unwrap();
    assert_eq!((one.items.len(), one.total), (1, None));
    let all = client
        .list_members(&context(), members(None))
        .await
        .unwrap();
    assert_eq!((all.items.len(), all.total), (2, None));
}

#[tokio::test(start_paused = true)]
async fn a_list_about_another_brand_or_user_is_discarded() {
    let cards = page_of(&[&TEMPLATE.replace("1004", "1005")], 1);
    let users = page_of(&[&CARD.replace("obLatjnx", "obLatjny")], 1);
    let (transport, _) = scripted([Ok(signed(200, &cards)), Ok(signed(200, &users))]);
    let client = client(transport);
    let request = ListTemplates::new(context().account);
    let error = client
        .list_templates(&context(), request)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::UpstreamUnverified);
    let error = client
        .list_members(&context(), members(None))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::UpstreamUnverified);
}

#[tokio::test(start_paused = true)]
async fn points_are_set_and_nothing_else() {
    let answer = r#"{"out_request_no":"n-1","point_balance":70,"user_card_code":"478515832665"}"#;
    let (transport, sent) = scripted([
        Ok(signed(200, answer)),
        Ok(signed(200, &answer.replace("8326", "8327"))),
    ]);
    let client = client(transport);
    let done = client
        .adjust_points(&context(), adjust(Change::SetTo(70)))
        .await
        .unwrap();
    assert_eq!((done.before, done.after), (None, 70));
    let expected = json!({
        "out_request_no": "n-1", "brand_id": "1004", "card_id": "pbLatjvWOibDc5-TBnbUk1pD12o0",
        "openid": OPENID, "user_card_code": "478515832665", "point_balance": 70,
    });
    assert_eq!(body(&sent, 0), expected);

    let error = client
        .adjust_points(&context(), adjust(Change::SetTo(70)))
        .await
        .unwrap_err();
    assert_eq!(
        (error.reason(), error.may_have_executed()),
        (Reason::OutcomeUnknown, true)
    );

    let wrong = adjust(Change::Add(1)).with_remark("r").with_notify(true);
    let error = client.adjust_points(&context(), wrong).await.unwrap_err();
    let fields: Vec<_> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(
        (error.reason(), fields),
        (
            Reason::NotSupportedByFamily,
            vec!["add", "remark", "notify"]
        )
    );
    let low = adjust(Change::SetTo(-1)).with_minimum(0);
    let error = client.adjust_points(&context(), low).await.unwrap_err();
    assert_eq!(error.reason(), Reason::PreconditionFailed);
    let error = client
        .adjust_balance(&context(), adjust(Change::SetTo(1)))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::NotSupportedByFamily);
    assert!(error.message().contains("AdjustBalance"), "{error}");
    assert_eq!(sent.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_an_enrolment_is_reported() {
    let rows = [
        (ActivationOutcome::Enrolled, "CREATE_CARD_SUCCESS"),
        (
            ActivationOutcome::AlreadyMember,
            "CREATE_CARD_ALREADY_EXISTS",
        ),
        (ActivationOutcome::Refused, "CREATE_CARD_FAIL"),
    ];
    for (outcome, word) in rows {
        let (transport, sent) = scripted([Ok(signed(200, CARD))]);
        let request = ActivateMember::new(name())
            .with_openid(OPENID)
            .with_outcome(outcome)
            .with_initial(MemberUpdate {
                level: Some("金".to_owned()),
                ..MemberUpdate::default()
            });
        client(transport)
            .activate_member(&context(), request)
            .await
            .unwrap();
        let sent = body(&sent, 0);
        assert_eq!(sent["user_card_confirm_state"], word);
        assert_eq!(
            (&sent["level"], &sent["openid"]),
            (&json!("金"), &json!(OPENID))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_is_made_invalid_with_the_reason() {
    let answer = CARD.replace("EFFECTIVE", "INVALID");
    let (transport, sent) = scripted([Ok(signed(200, &answer))]);
    let client = client(transport);
    let mut request = InvalidateMember::new(name())
        .with_openid(OPENID)
        .with_reason("退会");
    let member = client
        .invalidate_member(&context(), request.clone())
        .await
        .unwrap();
    assert_eq!(
        (member.state, member.upstream_state.as_deref()),
        (MemberState::Invalid, Some("INVALID"))
    );
    assert_eq!(body(&sent, 0)["invalid_reason"], "退会");
    request.openid = None;
    let error = client
        .invalidate_member(&context(), request)
        .await
        .unwrap_err();
    assert_eq!(error.violations()[0].field, "openid");
}

fn import(user: ImportedUser) -> ImportMember {
    ImportMember::new(name().template().clone(), user)
        .with_code("478515832665")
        .with_pickup_time(std::time::UNIX_EPOCH)
        .with_validity(Validity::Permanent)
}

#[tokio::test(start_paused = true)]
async fn members_are_imported_by_openid_and_by_phone_number() {
    let (transport, sent) = answering(|_| Ok(signed(200, CARD)));
    let client = client(transport);
    let by_openid = import(ImportedUser::Openid(OPENID.into()));
    let member = client.import_member(&context(), by_openid).await.unwrap();
    assert_eq!(member.name, name());
    let expected = json!({
        "brand_id": "1004", "card_id": "pbLatjvWOibDc5-TBnbUk1pD12o0", "openid": OPENID,
        "user_card_code": "478515832665", "pickup_time": "1970-01-01T08:00:00+08:00",
        "valid_date_information": {"type": "PERMANENT"},
    });
    assert_eq!(body(&sent, 0), expected);

    let by_phone = import(ImportedUser::Phone("13800000417".into()));
    client.import_member(&context(), by_phone).await.unwrap();
    let phone = body(&sent, 1);
    assert!(phone["phone_number"].as_str().unwrap().len() > 300);
    assert_eq!(phone["date_information"], json!({"type": "PERMANENT"}));

    let bare = {
        let mut request =
            import(ImportedUser::Phone("13800000417".into())).with_validity(Validity::Days {
                valid_days: 1,
                wait_days: 1,
            });
        request.code = None;
        request.pickup_time = None;
        request
    };
    let error = client.import_member(&context(), bare).await.unwrap_err();
    let fields: Vec<_> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, ["code", "pickup_time", "validity"]);
}

pub(crate) fn creation() -> CreateTemplate {
    CreateTemplate::new(
        context().account,
        NewTemplate {
            title: Some("茶港会员卡".to_owned()),
            appid: Some("wx0123456789abcdef".to_owned()),
            background_picture_url: Some("https://wxpaylogo.qpic.cn/1".to_owned()),
            validity: Some(Validity::Permanent),
            upstream: Some(UpstreamNewTemplate::Brand(Box::new(CreateCard {
                card_type: Some("NORMAL".into()),
                card_color: Some("#2C9F67".to_owned()),
                code_mode: Some("SYSTEM_ALLOCATE".into()),
                code_type: Some("BARCODE".into()),
                benefits: Some("折扣".to_owned()),
                notify_url: Some("https://example.com/notify".to_owned()),
                legal_agreement: Some("协议".to_owned()),
                member_information: Some(Default::default()),
                ..CreateCard::default()
            }))),
            ..NewTemplate::default()
        },
    )
    .with_request_id("n-1".parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_template_is_made_for_the_brand_of_the_account() {
    let answer = TEMPLATE.replace("CARD_INVALID", "CARD_EFFECTIVE");
    let (transport, sent) = scripted([Ok(signed(200, &answer))]);
    let client = client(transport);
    let mut request = creation();
    if let Some(UpstreamNewTemplate::Brand(card)) = &mut request.template.upstream {
        let target = card.member_information.get_or_insert_default();
        target.jump_appid = Some("wx0123456789abcdef".to_owned());
        target.jump_path = Some("pages/index".to_owned());
    }
    let template = client
        .create_template(&context(), request.clone())
        .await
        .unwrap();
    assert_eq!(
        (template.state, template.upstream_state.as_deref()),
        (TemplateState::Active, Some("CARD_EFFECTIVE"))
    );
    let sent = body(&sent, 0);
    assert_eq!(
        (
            &sent["brand_id"],
            &sent["card_title"],
            &sent["out_request_no"]
        ),
        (&json!("1004"), &json!("茶港会员卡"), &json!("n-1"))
    );

    request.template.brand_id = Some("1005".to_owned());
    let error = client
        .create_template(&context(), request.clone())
        .await
        .unwrap_err();
    assert_eq!(error.violations()[0].field, "brand_id");
    request.template.description = Some("出示即可".to_owned());
    let error = client
        .create_template(&context(), request)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::NotSupportedByFamily);
}

#[tokio::test(start_paused = true)]
async fn a_brand_that_calls_directly_names_itself_nowhere() {
    let card = CARD.replace("1004", "1077");
    let points = r#"{"point_balance":70}"#;
    let list = page_of(&[&card], 1);
    let (transport, sent) = answering(move |request| {
        Ok(signed_for_brand(
            200,
            match request.target.as_str() {
                target if target.contains("/user-points/") => points,
                target if target.contains("/user-cards?") => &list,
                target if target.contains("/cards?") => r#"{"total_count":0,"offset":0,"limit":1}"#,
                _ => &card,
            },
        ))
    });
    let client = direct(transport);
    client
        .adjust_points(&context(), adjust(Change::SetTo(70)))
        .await
        .unwrap();
    client
        .import_member(&context(), import(ImportedUser::Openid(OPENID.into())))
        .await
        .unwrap();
    let page = client
        .list_members(&context(), members(None))
        .await
        .unwrap();
    assert_eq!(page.total, Some(1));
    let checks = client.check(&context()).await.unwrap();
    assert_eq!(
        (checks[0].operation, checks[0].credential),
        ("brand_direct.cards.list", CredentialKind::Brand)
    );
    for request in sent.lock().unwrap().iter() {
        assert!(request.target.starts_with("/brand/"), "{}", request.target);
        assert!(!request.target.contains("brand_id"));
        assert!(!String::from_utf8_lossy(&request.body).contains("brand_id"));
    }

    let by_phone = import(ImportedUser::Phone("13800000417".into()));
    let error = client
        .import_member(&context(), by_phone)
        .await
        .unwrap_err();
    assert_eq!(
        (error.reason(), error.violations()[0].field.as_str()),
        (Reason::NotSupportedByFamily, "phone_number")
    );
    let limitation = |client: &super::Client| {
        let capabilities = client.capabilities();
        let import = capabilities
            .into_iter()
            .find(|capability| capability.method == Method::ImportMember);
        import.unwrap().limitation.unwrap()
    };
    assert!(limitation(&client).starts_with("only openid, code"));
    assert_eq!(client.credentials()[0].kind, CredentialKind::Brand);
}
