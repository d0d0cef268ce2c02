use kabao_models::official_account::CardType;
use serde_json::Value;

use super::*;

fn vectors() -> Value {
    let text = include_str!("../../../../../auth/tests/data/card_signatures.json");
    serde_json::from_str(text).unwrap()
}

fn text(vector: &Value, name: &str) -> String {
    vector["inputs"][name]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn personal(text: String) -> Option<Personal> {
    (!text.is_empty()).then(|| text.into())
}

#[test]
fn every_card_ext_of_the_vectors_is_reproduced_byte_for_byte() {
    let vectors = vectors();
    let mut whole = 0;
    for vector in vectors["add_card"].as_array().unwrap() {
        let printed: Option<Value> = vector
            .get("card_ext")
            .map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap());
        let extra = |name: &str| printed.as_ref().and_then(|ext| ext.get(name)).cloned();
        let card = {
            let mut request = AddCard::new(text(vector, "card_id"));
            request.code = personal(text(vector, "code"));
            request.openid = personal(text(vector, "openid"));
            request.fixed_begintimestamp =
                extra("fixed_begintimestamp").and_then(|value| value.as_i64());
            request.outer_str = extra("outer_str").map(|value| value.as_str().unwrap().to_owned());
            request
        };
        let stamp = Stamp {
            timestamp: text(vector, "timestamp"),
            nonce: text(vector, "nonce_str"),
        };
        let made = card_ext(&text(vector, "api_ticket"), &stamp, &card).unwrap();
        if let Some(expected) = vector.get("card_ext") {
            assert_eq!(made, expected.as_str().unwrap());
            whole += 1;
        }
        let made: Value = serde_json::from_str(&made).unwrap();
        assert_eq!(made["signature"], vector["sha1"]);
    }
    assert_eq!(whole, 3);
}

#[test]
fn the_arguments_of_choose_card_are_those_of_the_vectors() {
    let vectors = vectors();
    for vector in vectors["choose_card"].as_array().unwrap() {
        let given = |name: &str| Some(text(vector, name)).filter(|text| !text.is_empty());
        let choice = {
            let mut request = ChooseCard::new();
            request.shop_id = given("location_id");
            request.card_type = given("card_type").map(|text| CardType::from(text.as_str()));
            request.card_id = given("card_id");
            request
        };
        let stamp = Stamp {
            timestamp: text(vector, "times_tamp"),
            nonce: text(vector, "nonce_str"),
        };
        let made = choose_card(
            &text(vector, "api_ticket"),
            &text(vector, "app_id"),
            stamp,
            choice,
        );
        let expected = &vector["arguments"];
        for (name, value) in [
            ("shopId", &made.shop_id),
            ("cardType", &made.card_type),
            ("cardId", &made.card_id),
            ("timestamp", &made.timestamp),
            ("nonceStr", &made.nonce_str),
            ("cardSign", &made.card_sign),
        ] {
            assert_eq!(expected[name], value.as_str(), "{name}");
        }
    }
}
