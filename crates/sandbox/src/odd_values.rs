//! Writing an answer in the other one of two forms that the documents give a value.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::fault::{self, RawEdit};
use crate::settings::OddValues;

/// What becomes of a member.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Decimal,
    Count,
}

/// Rewrites the body of a successful answer as the settings say.
pub(crate) fn written(rules: &OddValues, operation: &str, body: Bytes) -> Bytes {
    if *rules == OddValues::default() {
        return body;
    }
    let Ok(mut document) = serde_json::from_slice::<Value>(&body) else {
        return body;
    };
    let mut edits = Vec::new();
    let mut merge = None;
    for (wanted, family, names, form) in [
        (
            rules.rule_ids_are_texts,
            "official_account.",
            ["rule_id", ""],
            Form::Text,
        ),
        (
            rules.balances_are_decimals,
            "official_account.",
            ["balance", "result_balance"],
            Form::Decimal,
        ),
        (
            rules.points_are_decimals,
            "official_account.",
            ["bonus", "result_bonus"],
            Form::Decimal,
        ),
        (
            rules.activity_ids_are_texts,
            "brand.",
            ["activity_id", ""],
            Form::Text,
        ),
    ] {
        if wanted && operation.starts_with(family) {
            collect(&document, &mut String::new(), &names, form, &mut edits);
        }
    }
    if rules.deposits_are_counted && operation == "official_account.code.deposit" {
        let lists = ["succ_code", "duplicate_code", "fail_code"];
        collect(
            &document,
            &mut String::new(),
            &lists,
            Form::Count,
            &mut edits,
        );
    }
    if rules.batch_get_has_card_list && operation == "official_account.card.batch_get" {
        edits.push(RawEdit::new("/card_list", "[]"));
    }
    if rules.terminate_time_is_misspelt && operation == "merchant.activities.terminate" {
        let moment = document.get_mut("terminate_time").map(Value::take);
        merge = moment
            .map(|moment| json!({ "terminate_time": null, "creterminate_timeate_time": moment }));
    }
    if rules.pay_rule_lists_are_short && operation.starts_with("official_account.pay_gift") {
        let mut short = Map::new();
        for (name, other) in [
            ("succ_mchid_list", "succ_list"),
            ("fail_mchid_list", "fail_list"),
        ] {
            if let Some(list) = document.get_mut(name).map(Value::take) {
                short.insert(name.to_owned(), Value::Null);
                short.insert(other.to_owned(), list);
            }
        }
        merge = Some(Value::Object(short)).filter(|_| merge.is_none());
    }
    if edits.is_empty() && merge.is_none() {
        return body;
    }
    fault::edit(&body, merge.as_ref(), &edits).map_or(body, Bytes::from)
}

/// Collects the edits of every member with one of the names, however deep.
fn collect(
    value: &Value,
    pointer: &mut String,
    names: &[&str],
    form: Form,
    edits: &mut Vec<RawEdit>,
) {
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                let new = names.contains(&name.as_str()).then(|| form.of(member));
                match new.flatten() {
                    Some(text) => edits.push(RawEdit::new(pointer.as_str(), text)),
                    None => collect(member, pointer, names, form, edits),
                }
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                collect(item, pointer, names, form, edits);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

impl Form {
    /// Writes a value in this form; nothing if it has it already.
    fn of(self, value: &Value) -> Option<String> {
        match (self, value) {
            (Self::Text, Value::Number(number)) => Some(format!("\"{number}\"")),
            (Self::Decimal, Value::Number(number)) => {
                number.is_i64().then(|| format!("{number}.0"))
            }
            (Self::Count, Value::Array(items)) => Some(items.len().to_string()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_writes_its_values_and_leaves_all_others() {
        type Change = fn(&mut OddValues);
        let rows: [(Change, &str, &str, &str); 10] = [
            (
                |_| {},
                "official_account.x",
                r#"{"rule_id":1}"#,
                r#"{"rule_id":1}"#,
            ),
            (
                |rules| rules.rule_ids_are_texts = true,
                "official_account.pay_gift_card.add",
                r#"{"errcode":0,"rule_id":10001,"list":[{"rule_id":2}]}"#,
                r#"{"errcode":0,"rule_id":"10001","list":[{"rule_id":"2"}]}"#,
            ),
            (
                |rules| rules.rule_ids_are_texts = true,
                "brand.x",
                r#"{"rule_id":1}"#,
                r#"{"rule_id":1}"#,
            ),
            (
                |rules| rules.balances_are_decimals = true,
                "official_account.member.update_user",
                r#"{"result_bonus":5,"result_balance":470}"#,
                r#"{"result_bonus":5,"result_balance":470.0}"#,
            ),
            (
                |rules| rules.points_are_decimals = true,
                "official_account.member.userinfo_get",
                r#"{"bonus":-5,"balance":470}"#,
                r#"{"bonus":-5.0,"balance":470}"#,
            ),
            (
                |rules| rules.deposits_are_counted = true,
                "official_account.code.deposit",
                r#"{"succ_code":["1","2"],"fail_code":[]}"#,
                r#"{"succ_code":2,"fail_code":0}"#,
            ),
            (
                |rules| rules.batch_get_has_card_list = true,
                "official_account.card.batch_get",
                r#"{"card_id_list":["p"]}"#,
                r#"{"card_id_list":["p"],"card_list":[]}"#,
            ),
            (
                |rules| rules.activity_ids_are_texts = true,
                "brand.membership_activities.list",
                r#"{"data":[{"activity_id":7}],"total_count":1}"#,
                r#"{"data":[{"activity_id":"7"}],"total_count":1}"#,
            ),
            (
                |rules| rules.pay_rule_lists_are_short = true,
                "official_account.pay_gift_card.add",
                r#"{"errcode":0,"rule_id":7,"succ_mchid_list":["1"],"fail_mchid_list":[]}"#,
                r#"{"errcode":0,"rule_id":7,"fail_list":[],"succ_list":["1"]}"#,
            ),
            (
                |rules| rules.terminate_time_is_misspelt = true,
                "merchant.activities.terminate",
                r#"{"activity_id":"1","terminate_time":"t"}"#,
                r#"{"activity_id":"1","creterminate_timeate_time":"t"}"#,
            ),
        ];
        for (change, operation, body, expected) in rows {
            let mut rules = OddValues::default();
            change(&mut rules);
            let changed = written(&rules, operation, Bytes::from(body));
            assert_eq!(String::from_utf8_lossy(&changed), expected, "{operation}");
        }
    }
}
