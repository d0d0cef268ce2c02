use std::time::{Duration, SystemTime};

use kabao_api::{FieldViolation, MockMemberApi, MockTemplateApi, Reason, Stock};
use prost_types::FieldMask;
use tonic::Code;

use super::super::testing::{accounts, admitted, refusal};
use super::*;

const NAME: &str = "accounts/demo-brand/templates/pbLatjvWOibDc5-TBnbUk1pD12o0";

fn service(templates: MockTemplateApi) -> TemplateGrpc {
    TemplateGrpc::new(accounts(MockMemberApi::new(), templates))
}

fn template() -> Template {
    Template::new(NAME.parse().unwrap(), TemplateState::Active)
}

fn update_request(
    template: proto::Template,
    paths: &[&str],
) -> Request<proto::UpdateTemplateRequest> {
    admitted(proto::UpdateTemplateRequest {
        template: Some(proto::Template {
            name: NAME.to_owned(),
            ..template
        }),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        }),
        ..Default::default()
    })
}

#[tokio::test]
async fn get_answers_what_is_known_and_leaves_out_the_rest() {
    let mut templates = MockTemplateApi::new();
    templates
        .expect_get_template()
        .once()
        .returning(|_, request| {
            let mut template = Template::new(request.name, TemplateState::PendingReview);
            template.title = Some("茶港会员卡".to_owned());
            template.stock = Some(Stock {
                total: Some(100),
                remaining: Some(0),
            });
            template.create_time =
                Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
            Ok(template)
        });
    let request = admitted(proto::GetTemplateRequest {
        name: NAME.to_owned(),
        ..Default::default()
    });
    let answer = service(templates)
        .get_template(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.name, NAME);
    assert_eq!(answer.title, "茶港会员卡");
    assert_eq!(answer.state().as_str_name(), "STATE_PENDING_REVIEW");
    assert_eq!(
        answer.stock,
        Some(proto::Stock {
            total: Some(100),
            remaining: Some(0)
        })
    );
    assert_eq!(
        answer.create_time.map(|time| time.seconds),
        Some(1_700_000_000)
    );
    assert_eq!((answer.validity, answer.update_time), (None, None));
}

#[test]
fn every_kind_of_validity_has_its_place() {
    use proto::validity::{Days, Kind, Range};
    let begin = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    let rows = [
        (
            Validity::Range {
                begin: Some(begin),
                end: None,
            },
            Kind::Range(Range {
                begin_time: Some(begin.into()),
                end_time: None,
            }),
        ),
        (
            Validity::Days {
                valid_days: 30,
                wait_days: 0,
            },
            Kind::Days(Days {
                valid_days: 30,
                wait_days: 0,
            }),
        ),
        (Validity::Permanent, Kind::Permanent(())),
        (
            Validity::Other("NEW".to_owned()),
            Kind::UpstreamKind("NEW".to_owned()),
        ),
    ];
    for (domain, expected) in rows {
        assert_eq!(
            validity(domain).and_then(|validity| validity.kind),
            Some(expected)
        );
    }
}

#[tokio::test]
async fn an_update_holds_what_the_mask_names() {
    let mut templates = MockTemplateApi::new();
    templates
        .expect_update_template()
        .withf(|_, request| {
            request.update
                == TemplateUpdate {
                    title: Some("新卡".to_owned()),
                    service_phone: Some(String::new()),
                    ..TemplateUpdate::default()
                }
        })
        .once()
        .returning(|_, _| Ok(template()));
    let changes = proto::Template {
        title: "新卡".to_owned(),
        description: "not named".to_owned(),
        ..Default::default()
    };
    service(templates)
        .update_template(update_request(changes, &["title", "service_phone"]))
        .await
        .unwrap();
}

#[tokio::test]
async fn every_portable_field_has_its_place_in_an_update() {
    let mut templates = MockTemplateApi::new();
    templates
        .expect_update_template()
        .withf(|_, request| request.update.fields() == TemplateUpdate::FIELDS)
        .once()
        .returning(|_, _| Ok(template()));
    let text = || "x".to_owned();
    let changes = proto::Template {
        title: text(),
        description: text(),
        service_phone: text(),
        logo_url: text(),
        background_picture_url: text(),
        ..Default::default()
    };
    service(templates)
        .update_template(update_request(changes, &[]))
        .await
        .unwrap();
}

#[tokio::test]
async fn wrong_updates_name_their_fields() {
    let status = service(MockTemplateApi::new())
        .update_template(update_request(proto::Template::default(), &["validity"]))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        refusal(&status),
        (
            "FIELD_MASK_INVALID".to_owned(),
            vec!["update_mask".to_owned()]
        )
    );
    assert!(status.message().contains("`validity`") && status.message().contains("title"));
}

#[tokio::test]
async fn faults_that_the_family_finds_come_back_in_the_callers_words() {
    let mut templates = MockTemplateApi::new();
    templates.expect_update_template().returning(|_, _| {
        Err(Error::field_invalid([
            FieldViolation::new("title", "has 11 characters, at most 10 are allowed"),
            FieldViolation::new("card_id", "has 33 characters, at most 32 are allowed"),
        ]))
    });
    let changes = proto::Template {
        title: "会".repeat(11),
        ..Default::default()
    };
    let status = service(templates)
        .update_template(update_request(changes, &[]))
        .await
        .unwrap_err();
    assert_eq!(refusal(&status).1, ["template.title", "template.name"]);
}

#[tokio::test]
async fn delete_reports_an_uncertain_outcome_as_uncertain() {
    let mut templates = MockTemplateApi::new();
    templates.expect_delete_template().returning(|_, _| {
        Err(Error::new(
            Reason::OutcomeUnknown,
            "no verified answer came back",
        ))
    });
    let request = admitted(proto::DeleteTemplateRequest {
        name: NAME.to_owned(),
        ..Default::default()
    });
    let status = service(templates)
        .delete_template(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unknown);
    assert_eq!(refusal(&status).0, "OUTCOME_UNKNOWN");
}

#[tokio::test]
async fn delete_hands_name_and_request_id_over() {
    let mut templates = MockTemplateApi::new();
    templates
        .expect_delete_template()
        .withf(|_, request| {
            request.name.to_string() == NAME && request.request_id == Some("r-1".parse().unwrap())
        })
        .once()
        .returning(|_, _| Ok(()));
    let request = admitted(proto::DeleteTemplateRequest {
        name: NAME.to_owned(),
        request_id: "r-1".to_owned(),
    });
    service(templates).delete_template(request).await.unwrap();
}

#[test]
fn the_full_view_holds_the_familys_own_message() {
    use kabao_models::{brand, merchant, official_account};
    use kabao_proto::kabao::{brand::v1 as b, merchant::v1 as m, officialaccount::v1 as o};
    use proto::template::Upstream;

    let merchant = merchant::cards::Card {
        card_id: Some("m".to_owned()),
        ..Default::default()
    };
    let Some(Upstream::Merchant(card)) = upstream(UpstreamTemplate::Merchant(Box::new(merchant)))
    else {
        panic!("not of the family merchant")
    };
    let card = card.decode::<m::Card>().unwrap();
    assert_eq!(card.card_id.as_deref(), Some("m"));

    let brand = brand::Card {
        card_id: Some("b".to_owned()),
        ..Default::default()
    };
    let Some(Upstream::Brand(card)) = upstream(UpstreamTemplate::Brand(Box::new(brand))) else {
        panic!("not of the family brand")
    };
    let card = card.decode::<b::Card>().unwrap();
    assert_eq!(card.card_id.as_deref(), Some("b"));

    let official = official_account::card::Card {
        member_card: Some(Default::default()),
        ..Default::default()
    };
    let Some(Upstream::OfficialAccount(card)) =
        upstream(UpstreamTemplate::OfficialAccount(Box::new(official)))
    else {
        panic!("not of the family official_account")
    };
    assert!(card.decode::<o::Card>().unwrap().member_card.is_some());
}

fn create_request(
    template: proto::Template,
    upstream: Option<proto::create_template_request::UpstreamRequest>,
) -> Request<proto::CreateTemplateRequest> {
    admitted(proto::CreateTemplateRequest {
        parent: "accounts/demo-brand".to_owned(),
        template: Some(template),
        upstream_request: upstream,
        request_id: "r-1".to_owned(),
        ..Default::default()
    })
}

#[tokio::test]
async fn a_list_of_templates_goes_on_with_its_token() {
    let mut templates = MockTemplateApi::new();
    templates
        .expect_list_templates()
        .withf(|_, request| request.account.as_str() == "demo-brand" && request.page.size.is_none())
        .once()
        .returning(|_, _| {
            Ok(kabao_api::Page {
                items: vec![template()],
                next: Some(PageToken::new("t-2")),
                total: Some(21),
            })
        });
    let request = proto::ListTemplatesRequest {
        parent: "accounts/demo-brand".to_owned(),
        ..Default::default()
    };
    let answer = service(templates)
        .list_templates(admitted(request))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.templates[0].name, NAME);
    assert_eq!(
        (answer.next_page_token.as_str(), answer.total_size),
        ("t-2", Some(21))
    );
}

#[tokio::test]
async fn a_template_is_made_from_portable_fields_and_the_familys_request() {
    use kabao_api::UpstreamNewTemplate;
    use kabao_proto::Encoded;
    use kabao_proto::kabao::brand::v1::CreateCardRequest;
    use proto::create_template_request::UpstreamRequest;

    let mut templates = MockTemplateApi::new();
    templates
        .expect_create_template()
        .withf(|_, request| {
            let new = &request.template;
            new.title.as_deref() == Some("茶港会员卡")
                && new.description.is_none()
                && new.total_stock == Some(10)
                && new.validity == Some(Validity::Permanent)
                && request.request_id == Some("r-1".parse().unwrap())
                && matches!(&new.upstream, Some(UpstreamNewTemplate::Brand(card))
                    if card.benefits.as_deref() == Some("折扣"))
        })
        .once()
        .returning(|_, _| Ok(template()));
    templates.expect_create_template().returning(|_, _| {
        Err(Error::field_invalid([
            FieldViolation::new("title", "is required"),
            FieldViolation::new("legal_agreement", "is required"),
            FieldViolation::new("request_id", "differs"),
        ]))
    });
    let service = service(templates);
    let portable = proto::Template {
        title: "茶港会员卡".to_owned(),
        validity: Some(proto::Validity {
            kind: Some(proto::validity::Kind::Permanent(())),
        }),
        stock: Some(proto::Stock {
            total: Some(10),
            remaining: None,
        }),
        ..Default::default()
    };
    let brand = CreateCardRequest {
        account: "accounts/demo-brand".to_owned(),
        benefits: "折扣".to_owned(),
        ..Default::default()
    };
    let upstream = Some(UpstreamRequest::Brand(Encoded::of(&brand)));
    service
        .create_template(create_request(portable.clone(), upstream))
        .await
        .unwrap();
    let status = service
        .create_template(create_request(portable, None))
        .await
        .unwrap_err();
    assert_eq!(
        refusal(&status).1,
        ["template.title", "brand.legal_agreement", "request_id"]
    );

    let mut other = brand;
    other.account = "accounts/other".to_owned();
    other.extra.insert("appid".to_owned(), "1".to_owned());
    let wrong = proto::Template {
        validity: Some(proto::Validity::default()),
        ..Default::default()
    };
    let other = UpstreamRequest::Brand(Encoded::of(&other));
    let status = service
        .create_template(create_request(wrong, Some(other)))
        .await
        .unwrap_err();
    let (_, fields) = refusal(&status);
    assert_eq!(fields[0], "brand.account");
    assert!(fields[1].starts_with("brand.extra"), "{fields:?}");
    assert_eq!(fields[2], "template.validity");

    // As for any other bytes that are no message.
    let broken = UpstreamRequest::Brand(Encoded::new(vec![0x0a, 0x7f]));
    let request = create_request(proto::Template::default(), Some(broken));
    let status = service.create_template(request).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["request"]);
}
