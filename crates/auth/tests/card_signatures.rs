//! Signatures of `wx.addCard` and `wx.chooseCard`, against the vectors of
//! `data/card_signatures.json`: one is the sample of WeChat's documents.

use kabao_auth::card_signature;
use serde_json::Value;

#[test]
fn every_vector_is_reproduced_whatever_the_order_of_its_values() {
    let vectors: Value = serde_json::from_str(include_str!("data/card_signatures.json")).unwrap();
    let mut count = 0;
    for kind in ["add_card", "choose_card"] {
        for vector in vectors[kind].as_array().unwrap() {
            let texts = |value: &Value| value.as_str().unwrap().to_owned();
            let mut values: Vec<String> = vector["inputs"]
                .as_object()
                .unwrap()
                .values()
                .map(texts)
                .collect();
            values.push(String::new());
            for _ in 0..values.len() {
                values.rotate_left(1);
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                assert_eq!(
                    card_signature(&values),
                    vector["sha1"].as_str().unwrap(),
                    "{}",
                    vector["kind"]
                );
            }
            let sorted: Vec<&str> = vector["sorted_values"]
                .as_array()
                .unwrap()
                .iter()
                .map(|value| value.as_str().unwrap())
                .collect();
            assert_eq!(sorted.concat(), vector["string"].as_str().unwrap());
            count += 1;
        }
    }
    assert_eq!(count, 7);
}
