//! Tickets, signatures for pages, and pictures.

use kabao_api::{AddCard, CardSigner, ChooseCard, HeldCredentials, MediaApi, UploadImage};
use kabao_models::official_account::TicketType;
use serde_json::Value;

use super::super::OfficialAccount;
use crate::testing::{Sent, answering, context, ground, official_account, unsigned};

/// Answers tickets as `ticket` says, numbered.
fn client(ticket: impl Fn(usize) -> String + Send + Sync + 'static) -> (OfficialAccount, Sent) {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let (transport, sent) = answering(move |request| {
        let path = request.target.split('?').next().unwrap_or_default();
        let text = match path {
            "/cgi-bin/stable_token" => r#"{"access_token":"T1","expires_in":7200}"#.to_owned(),
            "/cgi-bin/ticket/getticket" => {
                ticket(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1)
            }
            "/cgi-bin/media/uploadimg" => r#"{"url":"http://mmbiz.qpic.cn/mmbiz/a/0"}"#.to_owned(),
            other => panic!("{other}"),
        };
        Ok(unsigned(200, &text))
    });
    let client = OfficialAccount {
        ground: ground(official_account(transport)),
        appid: "wx0123456789abcdef".into(),
        tickets: Default::default(),
        expose_tokens: true,
    };
    (client, sent)
}

fn numbered(number: usize) -> String {
    format!(r#"{{"errcode":0,"errmsg":"ok","ticket":"TICKET{number}","expires_in":7200}}"#)
}

fn fetches(sent: &Sent) -> usize {
    let sent = sent.lock().unwrap();
    sent.iter()
        .filter(|request| {
            request
                .target
                .starts_with("/cgi-bin/ticket/getticket?type=")
        })
        .count()
}

fn card() -> AddCard {
    AddCard::new("pZb8Ft2VbK0q1xYwT4mUcGd7sLhE")
}

#[tokio::test(start_paused = true)]
async fn one_ticket_signs_for_many_and_never_shows() {
    let (client, sent) = client(numbered);
    let (context, one, two) = (context(), card(), card());
    let (first, second, choice) = tokio::join!(
        client.sign_add_card(&context, one),
        client.sign_add_card(&context, two),
        client.sign_choose_card(&context, ChooseCard::default()),
    );
    assert_eq!(fetches(&sent), 1);
    for signed in [first, second] {
        let text = signed.unwrap().card_ext;
        assert!(!text.contains("TICKET"), "{text}");
        let ext: Value = serde_json::from_str(&text).unwrap();
        let part = |name: &str| ext[name].as_str().unwrap().to_owned();
        let values = [
            "TICKET1",
            &part("timestamp"),
            &card().card_id,
            &part("nonce_str"),
        ];
        assert_eq!(part("signature"), kabao_auth::card_signature(&values));
    }
    assert_eq!(choice.unwrap().card_sign.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn the_ticket_of_pages_is_another_one_and_both_are_renewed_ahead() {
    let (client, sent) = client(numbered);
    let ticket = async |kind| {
        let held = client.ticket(&context(), kind).await.unwrap();
        (held.value.expose().to_owned(), held.valid_for.as_secs())
    };
    assert_eq!(
        ticket(TicketType::WxCard).await,
        ("TICKET1".to_owned(), 7200)
    );
    assert_eq!(
        ticket(TicketType::Jsapi).await,
        ("TICKET2".to_owned(), 7200)
    );
    tokio::time::advance(std::time::Duration::from_secs(6959)).await;
    assert_eq!(
        ticket(TicketType::WxCard).await,
        ("TICKET1".to_owned(), 241)
    );
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    // Nobody waits for the next one while this one is alive.
    assert_eq!(ticket(TicketType::WxCard).await.0, "TICKET1");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(ticket(TicketType::WxCard).await.0, "TICKET3");
    assert_eq!(fetches(&sent), 3);
    let token = client.access_token(&context()).await.unwrap();
    assert_eq!(token.value.expose(), "T1");
}

#[tokio::test(start_paused = true)]
async fn after_refusals_few_calls_ask_again() {
    // A quota of the day is closed for longer than the pause.
    let quota = r#"{"errcode":45009,"errmsg":"reach max api daily quota limit"}"#;
    let permission = r#"{"errcode":48001,"errmsg":"api unauthorized"}"#;
    for (refusal, after_pause) in [(quota, 1), (permission, 2)] {
        let (client, sent) = client(|_| refusal.to_owned());
        for _ in 0..5 {
            client.sign_add_card(&context(), card()).await.unwrap_err();
        }
        assert_eq!(fetches(&sent), 1);
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let error = client.sign_add_card(&context(), card()).await.unwrap_err();
        assert_eq!(fetches(&sent), after_pause, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_card_can_be_is_refused_before_anything_is_sent() {
    let (client, sent) = client(numbered);
    let wrong = AddCard::new("").with_code("1".repeat(21));
    let error = client.sign_add_card(&context(), wrong).await.unwrap_err();
    let fields: Vec<_> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, ["add_card.card_id", "add_card.code"]);
    assert!(sent.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_picture_travels_as_the_part_media_and_its_limits_hold_before() {
    let (client, sent) = client(numbered);
    let upload = |filename: &str, content: &'static [u8]| {
        UploadImage::new(context().account, filename, content)
    };
    let png = b"\x89PNG\r\n\x1a\nrest".as_slice();
    let done = client.upload_image(&context(), upload("a.png", png)).await;
    assert_eq!(done.unwrap().url, "http://mmbiz.qpic.cn/mmbiz/a/0");
    let count = {
        let sent = sent.lock().unwrap();
        let body = String::from_utf8_lossy(&sent.last().unwrap().body).into_owned();
        assert!(
            body.contains("name=\"media\"; filename=\"a.png\""),
            "{body}"
        );
        assert!(!body.contains("meta"), "{body}");
        sent.len()
    };
    let refused = client
        .upload_image(&context(), upload("a.bmp", b"BM"))
        .await;
    let error = refused.unwrap_err();
    let fields: Vec<_> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, ["filename", "content"]);
    assert_eq!(sent.lock().unwrap().len(), count);
    assert_eq!(client.limits().max_bytes, 1 << 20);
}
