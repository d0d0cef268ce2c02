//! Values whose JSON type or name the documents leave in doubt.

use serde::{Deserialize, Serialize};

/// Answers in the other one of two forms that documents, samples or SDKs give a value. Whatever
/// else a client should bear, the fault `edit_json` sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OddValues {
    /// Whether the pay rules of official accounts answer `rule_id` as a text, as some SDKs read it;
    /// the tables say integer. Default false.
    pub rule_ids_are_texts: bool,
    /// Whether official accounts answer `balance` and `result_balance` with a decimal, such as
    /// `470.0`, as some SDKs read them; the tables say integer. Default false.
    pub balances_are_decimals: bool,
    /// Whether official accounts answer `bonus` and `result_bonus` with a decimal, such as `460.0`;
    /// what a fraction does to them is known from forums only. Default false.
    pub points_are_decimals: bool,
    /// Whether `code/deposit` answers the numbers of codes; the text of its page says so, its
    /// sample lists the codes. Default false: lists.
    pub deposits_are_counted: bool,
    /// Whether `card/batchget` answers an empty `card_list` beside `card_id_list`: seen, of unknown
    /// meaning. Default false.
    pub batch_get_has_card_list: bool,
    /// Whether the results of pay rules have `succ_list` and `fail_list` in place of
    /// `succ_mchid_list` and `fail_mchid_list`, as one SDK reads them. Default false.
    pub pay_rule_lists_are_short: bool,
    /// Whether the brand family answers `activity_id` as a text; the official page says integer, the
    /// unofficial documentation text. Default false.
    pub activity_ids_are_texts: bool,
    /// Whether terminating an activity of the merchant family answers
    /// `creterminate_timeate_time`, as the tables print it, and not `terminate_time`, as a sample
    /// does. Default false.
    pub terminate_time_is_misspelt: bool,
}
