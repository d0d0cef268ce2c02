//! Answers that are not quite as documented.

use std::sync::Mutex;

use kabao_models::AnyEndpoint;
use kabao_models::merchant::codes::DepositCodes;
use kabao_models::merchant::user_cards::UserCard;
use tracing::field::{Field, Visit};
use tracing::span;

use super::*;

#[tokio::test(start_paused = true)]
async fn an_odd_member_hides_nothing_and_is_named_in_the_log() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let body = r#"{"code":"478515832665","balance":12.5,"level":7,"user_information":[],"bonus_value":"600"}"#;
    let (transport, _) = answering(move |_| Ok(signed(200, body)));
    let pipeline = merchant(transport, Settings::default());
    // tracing decides once per place in the code who listens there. A test beside this one may reach
    // a place first, while this listener was not there yet; so every place is reached, then asked anew.
    pipeline
        .execute(&context(), read())
        .await
        .map(drop)
        .unwrap();
    tracing::callsite::rebuild_interest_cache();
    lines.0.lock().unwrap().clear();

    let answer = pipeline.execute(&context(), read()).await.unwrap();
    let card = *answer.into_any().downcast::<UserCard>().unwrap();
    assert_eq!((card.balance, card.bonus_value), (None, Some(600)));
    assert_eq!(card.level.as_deref(), Some("7"));
    assert_eq!(card.extra.get("balance"), Some("12.5"));

    let lines = lines.0.lock().unwrap();
    let told: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("members="))
        .collect();
    let [line] = told.as_slice() else {
        panic!("{lines:?}");
    };
    for part in [
        "DEBUG",
        "operation=\"merchant.user_cards.get\"",
        "balance: another type instead of an integer",
        "level: a number instead of a text",
        "user_information: another type instead of an object",
        "bonus_value: an integer in a text instead of an integer",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    for value in ["12.5", "478515832665", "600"] {
        assert!(!line.contains(value), "{value}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_write_with_an_odd_answer_stays_confirmed() {
    for body in [
        r#"{"data":3}"#,
        r#"{"data":[1,{"code":5,"result":[]}]}"#,
        "{\"data\":[{\"code\":\"a\u{1}\"}]}",
        "{}",
    ] {
        let (transport, sent) = scripted([Ok(signed(200, body))]);
        let mut deposit = DepositCodes::new("p1");
        deposit.code = Some(vec!["1".into()]);
        merchant(transport, Settings::default())
            .execute(&context(), Box::new(deposit))
            .await
            .map(drop)
            .unwrap();
        assert_eq!(count(&sent), 1);
    }
}

#[test]
fn the_log_names_a_few_members_of_many() {
    let deposit: Box<dyn AnyEndpoint> = Box::new(DepositCodes::new("p1"));
    let codes = vec!["{}"; 40].join(",");
    let body = format!(r#"{{"data":[{{}},{codes}],"x":[]}}"#).replace("{}", "[]");
    let decoded = deposit.decode_answer(body.as_bytes()).unwrap();
    assert_eq!(
        Listed(&decoded.deviations).to_string(),
        "data: another type instead of a list"
    );
    let body = format!(
        r#"{{"data":[{{"code":"1"}},{}]}}"#,
        vec!["[]"; 40].join(",")
    );
    let decoded = deposit.decode_answer(body.as_bytes()).unwrap();
    let text = Listed(&decoded.deviations).to_string();
    assert!(
        text.starts_with("data[1]: another type instead of an object; data[2]: "),
        "{text}"
    );
    assert!(text.ends_with("; and 24 more"), "{text}");
}

/// Keeps what is logged on this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("kabao_client")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                self.0.push_str(&format!(" {}={value:?}", field.name()));
            }
        }
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
