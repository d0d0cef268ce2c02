//! Believes, opens and reads what WeChat Pay pushes, behind whichever server has your notification URL.
//!
//! The sandbox sends none, so these are recorded ones, with keys that were made for them:
//!
//! ```text
//! cargo run -p kabao-client --example notifications
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use kabao_client::brand::Notification::BrandMemberCardSpUserCardCreate;
use kabao_client::{Client, Clock, Event, PayCredential, Secret, SignatureHeaders, WeChatPayKey};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Returns the status to answer with. WeChat Pay sends again what was not answered with 200 or 204.
async fn receive(brand: &Client, headers: &SignatureHeaders<'_>, body: &[u8]) -> u16 {
    let notification = match brand.read_notification(headers, body).await {
        Ok(notification) => notification,
        Err(error) => {
            println!("refused, {}: {error}", error.reason());
            return 401;
        }
    };
    // Keep the id with what you do: it comes again if the answer is late or lost.
    println!("{}: {}", notification.id, notification.event_type);
    if let Event::Brand(BrandMemberCardSpUserCardCreate(card)) = notification.event {
        println!("a new card: {:?}, level {:?}", card.card_id, card.level);
    }
    204
}

#[tokio::main]
async fn main() -> Result<()> {
    let recorded = include_str!("../../auth/tests/data/auth_vectors.json");
    let recorded: Value = serde_json::from_str(recorded)?;
    let brand = client(&recorded)?;

    for name in ["user_card_create_public_key", "tampered_body"] {
        let all = recorded.get("notifications").and_then(Value::as_array);
        let mut all = all.into_iter().flatten();
        let request = all.find(|one| one.get("name").is_some_and(|its| its == name));
        let request = request.ok_or("it is not there")?;
        // It is asked for names in lower case, as most servers have them.
        let header = |wanted: &str| {
            let mut headers = request.get("headers")?.as_object()?.iter();
            let (_, value) = headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
            value.as_str()
        };
        let body = request.get("body_utf8").and_then(Value::as_str);
        let body = body.unwrap_or_default().as_bytes();
        let status = receive(&brand, &SignatureHeaders::read(header), body).await;
        println!("{name}: {status}");
    }
    Ok(())
}

/// The client of a brand, through its service provider; your keys are in files.
fn client(recorded: &Value) -> Result<Client> {
    let text = |key: &str, member: &str| {
        let text = recorded.pointer(&format!("/keys/{key}/{member}"));
        text.and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or("a key is not there")
    };
    let provider = PayCredential {
        number: text("merchant", "mchid")?,
        private_key: Secret::new(text("merchant", "private_key_pem")?),
        certificate: Some(text("merchant", "certificate_pem")?),
        ..PayCredential::default()
    };
    let wechat_pay_key = WeChatPayKey {
        id: text("wechatpay_public_key", "id")?,
        public_key: text("wechatpay_public_key", "public_key_pem")?,
    };
    let provider = provider
        .with_wechat_pay_key(wechat_pay_key)
        .with_apiv3_key("k7Qm2ZxV9aT4rLp8WsD1eYh6NbUc3JfG");
    let builder = Client::brand("acme").brand_id("1077").provider(provider);
    Ok(builder.clock(ThatMorning).build()?)
}

/// A notification is believed for five minutes, and these are from the first of January 2026.
struct ThatMorning;

impl Clock for ThatMorning {
    fn unix_seconds(&self) -> i64 {
        1_767_225_600
    }

    fn nonce(&self) -> Option<String> {
        None
    }

    fn jitter(&self) -> u32 {
        0
    }
}
