//! Open choices of the merchant family.

use serde::{Deserialize, Serialize};

use super::RepeatedNumber;

/// Open choices of the merchant family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Merchant {
    // Request numbers and pages.
    /// What a repeated `out_request_no` gets; the pages only ask for a unique one. The scope is
    /// merchant number and operation. Default `replay`: equal content is answered like the first
    /// time without a second effect, other content is 400 `PARAM_ERROR`.
    pub repeated_out_request_no: RepeatedNumber,
    /// The most characters of an `out_request_no`, beside the limit of its page: pages say 32 or 128, or
    /// could not be read. Default absent.
    pub longest_request_number: Option<usize>,
    /// Calls of each operation a second and merchant number (else 429); no page of the family prints
    /// a figure. Default absent.
    pub calls_per_second: Option<u32>,
    /// Whether an unknown `card_id`, code or `activity_id` is 404 `RESOURCE_NOT_EXISTS`; the pages
    /// word all of them as 400, and no row of 404 was found. Default false: 400 `INVALID_REQUEST`.
    pub unknown_is_not_found: bool,
    /// What `offset` of the card lists counts: it is called a page number, and the samples
    /// contradict that. `activities.list` always counts items. Default `item_index`.
    pub page_offset: PageOffset,
    /// Whether lists begin with the newest entry; no order is documented. Default false.
    pub newest_first: bool,
    /// Whether `cards.list` needs `appid`; two revisions of the page say so, one does not.
    /// Default false.
    pub list_needs_appid: bool,
    /// Whether `cards.list` shows deleted templates. Default true: the items have a state.
    pub list_deleted_templates: bool,
    /// Whether `user_cards.list` shows cards that are deleted, expired or unavailable.
    /// Default true.
    pub list_unusable_cards: bool,
    /// How many activities a list shows that names no `limit`. Default 20.
    pub activities_default_limit: i64,
    /// The largest `limit` of `activities.list`. Default 100.
    pub activities_max_limit: i64,

    // Templates.
    /// Whether new templates are approved at once. Default false, as in the sample: they are
    /// `NOT_APPROVE` until the control API approves or refuses them.
    pub approve_at_once: bool,
    /// Whether templates that are not approved can be distributed by links, imports and claims.
    /// Default false.
    pub distribute_unapproved: bool,
    /// Whether a template modification starts a new review. Default false.
    pub update_starts_review: bool,
    /// Whether a deleted template can be modified or deleted again. Default false.
    pub modify_deleted_templates: bool,
    /// Whether `cards.get` leaves out the members of sections that are switched off.
    /// Default true.
    pub hide_closed_sections: bool,
    /// Whether `cards.get` and `user_cards.get` have the members that no official page shows: points,
    /// offers, invoice and contact of a template, its service items and those of a user card, and
    /// their texts. Default true.
    pub answer_unofficial_members: bool,
    /// Whether a modification may turn `MERCHANT_DEPOSIT` into `REAL_TIME` and back; the pages say
    /// only that `SYSTEM_ALLOCATE` is neither left nor entered. Default true.
    pub code_modes_swap: bool,
    /// Whether a modification without `total_quantity` gives a `SYSTEM_ALLOCATE` template the stock of
    /// a creation without it, 5,000,000; its page repeats that default. Default false: the stock
    /// stays.
    pub update_resets_stock: bool,
    /// AppIDs that are service accounts, which a template must name; empty means any.
    /// Default empty.
    pub service_account_appids: Vec<String>,
    /// Whether a changed validity also applies to cards that users already have. Default false.
    pub validity_follows_template: bool,
    /// Whether days of a `FIX_TERM` end at midnight (UTC+8) instead of at the hour of receipt.
    /// Default false.
    pub terms_end_at_midnight: bool,

    // Codes, links, activation.
    /// Whether deposited codes with other characters than digits, letters and half-width
    /// punctuation get `FAIL`. Default true.
    pub strict_deposited_codes: bool,
    /// The largest number of codes in one deposit; none is documented. Default absent.
    pub codes_per_deposit: Option<usize>,
    /// Whether a code given in an import counts for templates whose codes come otherwise.
    /// Default false: `SYSTEM_ALLOCATE` allocates and `MERCHANT_DEPOSIT` takes a deposited one.
    pub given_codes_count: bool,
    /// Whether `permission_tokens.create` refuses `REAL_TIME` templates, which are for mini
    /// programs only, as the QR code operation does. Default false: no row lists it.
    pub refuse_real_time_tokens: bool,
    /// Whether generating QR code links fails with the documented 500. Default false.
    pub qr_links_fail: bool,
    /// How long a QR code link lives, in seconds. Default absent: forever.
    pub qr_link_seconds: Option<u32>,
    /// How long a `permission_token` lives, in seconds. Default 7200.
    pub permission_token_seconds: u32,
    /// Whether a `permission_token` opens one card only. Default false.
    pub permission_token_single_use: bool,
    /// How long an `activate_ticket` lives, in seconds. Default 7200.
    pub activate_ticket_seconds: u32,
    /// Whether an `activate_ticket` is answered once only. Default false.
    pub activate_ticket_single_use: bool,
    /// How long an `encrypt_code` can be decrypted, in seconds. Default 7200.
    pub encrypt_code_seconds: u32,
    /// Whether an `encrypt_code` can be decrypted once only. Default false.
    pub encrypt_code_single_use: bool,
    /// How long a dynamic code stays the same, in seconds. Default 60.
    pub dynamic_code_seconds: u32,

    // User cards.
    /// Whether a user card that is deleted, expired or unavailable can be modified; only the
    /// bonus page says that a deleted one cannot. Default false.
    pub modify_unusable_cards: bool,
    /// Whether activating a card that is active already is refused. Default true.
    pub refuse_second_activation: bool,
    /// Whether a card that is deleted or expired can be made unavailable; the states that are known
    /// have that way for active cards only. Default true.
    pub invalidate_ended_cards: bool,
    /// Whether making an unavailable card unavailable is refused. Default false: nothing
    /// happens.
    pub refuse_second_invalidation: bool,
    /// Whether users can get a card again after theirs expired or was made unavailable.
    /// Default false.
    pub receive_again_after_end: bool,
    /// Whether `confirm` answers at all for merchant numbers that are no service providers; only
    /// service providers have a page. Default true.
    pub confirm_for_merchants: bool,
    /// Whether confirming a success activates a card that waits. Default true.
    pub confirm_activates: bool,
    /// Whether `CREATE_CARD_FAIL` needs `fail_reason`, which the page marks optional.
    /// Default false.
    pub confirm_needs_reason: bool,
    /// Whether a second, different confirmation of a card is refused. Default true.
    pub refuse_other_confirmation: bool,
    /// Merchant numbers that are service providers; they may leave out `sub_mchid` in the bonus
    /// operations. Default empty.
    pub service_provider_numbers: Vec<String>,

    // Imports.
    /// Whether every user has paid the merchant within a year; if not, only those whom the
    /// control API records as payers have. Default true.
    pub everyone_has_paid: bool,
    /// Whether an import by openid needs a payment within a year, too; the rule is worded for
    /// phone numbers. Default false.
    pub openid_import_needs_payment: bool,
    /// Whether importing a member again answers the code of the present card instead of
    /// "already received". Default false.
    pub second_import_answers_code: bool,
    /// Whether phone numbers must be mainland mobile numbers; the search page says so.
    /// Default true.
    pub mainland_numbers_only: bool,
    /// Whether searching for a number that was never imported is refused. Default false: the
    /// answer is `UNSHOWED`.
    pub refuse_unknown_phone_members: bool,

    // Balance and points.
    /// Whether `before + add = after` is checked for balance and points. The official balance
    /// sample (888, +100, 888) breaks it. Default false.
    pub check_equation: bool,
    /// Whether `before_balance` and `before_bonus_value` must be the stored value.
    /// Default false.
    pub check_before: bool,
    /// Whether a negative result is refused. Default false.
    pub refuse_negative: bool,
    /// Whether a balance change needs `need_balance` on the template. Default false.
    pub balance_needs_section: bool,
    /// Whether a change of points needs the bonus section of the template. Default false.
    pub points_need_section: bool,
    /// Whether the three members of a change of points must come together. Default false.
    pub points_members_together: bool,

    // After-payment points.
    /// Merchant numbers that are bound to the brand; empty means any. For the creator of an
    /// activity empty means the owner of the template. Default empty.
    pub bound_merchant_numbers: Vec<String>,
    /// Whether `mchid` and `sub_mchid` may come together, as the unofficial documentation wants.
    /// Default false.
    pub bonus_takes_both_numbers: bool,
    /// Whether `mchid` must be the caller's own number; everywhere else the number in the body is that
    /// of the header, and here the row of numbers that are not bound to the brand speaks of others.
    /// Default false.
    pub bonus_needs_own_number: bool,
    /// What a repeated announcement of points for one order gets. Default `replay`: nothing
    /// happens for equal content, other content is refused.
    pub repeated_bonus_order: RepeatedNumber,
    /// Whether `bonus.commit` needs an announced order. Default true.
    pub bonus_commit_needs_prepare: bool,
    /// Whether the points of `bonus.commit` must be those announced. Default false.
    pub bonus_commit_same_value: bool,
    /// Whether `bonus.commit` also adds the points to the card. Default false: both operations
    /// concern the display.
    pub bonus_commit_adds_points: bool,

    // Service items.
    /// The service items that WeChat Pay offers, with their states, fields and messages; the
    /// real catalogue is not published. Default: the hotel item `731` of the sample and a
    /// queueing item `732`.
    pub service_items: Vec<ServiceItem>,
    /// Service items that brands may use; empty means all. Default empty.
    pub granted_service_items: Vec<String>,

    /// Whether adding and modifying a service item need `jump_miniprogram`, as the unofficial
    /// documentation says. Default false: the official text lets it be left out.
    pub service_needs_miniprogram: bool,

    // Activities.
    /// Coupon stocks that activities may give; empty means any. Default empty.
    pub authorized_stocks: Vec<String>,
    /// Whether an activity needs the settings of its kind (after or before payment).
    /// Default true.
    pub activities_need_settings: bool,
    /// Whether an activity may begin in the past. Default true.
    pub activities_may_begin_in_past: bool,
    /// Whether a daily range may cross midnight. Default true.
    pub daily_range_crosses_midnight: bool,
    /// Whether terminating a terminated activity is refused. Default false: it is answered like
    /// the first time.
    pub refuse_second_termination: bool,
    /// Whether terminating an activity that is over is refused. Default true.
    pub refuse_late_termination: bool,

    // Callback.
    /// Whether the host of `notify_url` must be public. Default false, so that a developer's machine
    /// can be named.
    pub notify_url_needs_public_host: bool,
    /// Whether asking for a callback that was never set is 404 `RESOURCE_NOT_EXISTS`.
    /// Default false: 400 `INVALID_REQUEST`.
    pub unset_callback_is_not_found: bool,
}

impl Default for Merchant {
    fn default() -> Self {
        Self {
            repeated_out_request_no: RepeatedNumber::Replay,
            longest_request_number: None,
            calls_per_second: None,
            unknown_is_not_found: false,
            page_offset: PageOffset::ItemIndex,
            newest_first: false,
            list_needs_appid: false,
            list_deleted_templates: true,
            list_unusable_cards: true,
            activities_default_limit: 20,
            activities_max_limit: 100,
            approve_at_once: false,
            distribute_unapproved: false,
            update_starts_review: false,
            modify_deleted_templates: false,
            hide_closed_sections: true,
            answer_unofficial_members: true,
            code_modes_swap: true,
            update_resets_stock: false,
            service_account_appids: Vec::new(),
            validity_follows_template: false,
            terms_end_at_midnight: false,
            strict_deposited_codes: true,
            codes_per_deposit: None,
            given_codes_count: false,
            refuse_real_time_tokens: false,
            qr_links_fail: false,
            qr_link_seconds: None,
            permission_token_seconds: 7200,
            permission_token_single_use: false,
            activate_ticket_seconds: 7200,
            activate_ticket_single_use: false,
            encrypt_code_seconds: 7200,
            encrypt_code_single_use: false,
            dynamic_code_seconds: 60,
            modify_unusable_cards: false,
            refuse_second_activation: true,
            invalidate_ended_cards: true,
            refuse_second_invalidation: false,
            receive_again_after_end: false,
            confirm_for_merchants: true,
            confirm_activates: true,
            confirm_needs_reason: false,
            refuse_other_confirmation: true,
            service_provider_numbers: Vec::new(),
            everyone_has_paid: true,
            openid_import_needs_payment: false,
            second_import_answers_code: false,
            mainland_numbers_only: true,
            refuse_unknown_phone_members: false,
            check_equation: false,
            check_before: false,
            refuse_negative: false,
            balance_needs_section: false,
            points_need_section: false,
            points_members_together: false,
            bound_merchant_numbers: Vec::new(),
            bonus_takes_both_numbers: false,
            bonus_needs_own_number: false,
            repeated_bonus_order: RepeatedNumber::Replay,
            bonus_commit_needs_prepare: true,
            bonus_commit_same_value: false,
            bonus_commit_adds_points: false,
            service_items: service_items(),
            granted_service_items: Vec::new(),
            service_needs_miniprogram: false,
            authorized_stocks: Vec::new(),
            activities_need_settings: true,
            activities_may_begin_in_past: true,
            daily_range_crosses_midnight: true,
            refuse_second_termination: false,
            refuse_late_termination: true,
            notify_url_needs_public_host: false,
            unset_callback_is_not_found: false,
        }
    }
}

/// What `offset` of a list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageOffset {
    /// Items before the page.
    ItemIndex,
    /// Pages before the page.
    PageNumber,
}

/// A service item that WeChat Pay offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceItem {
    /// The id, at most 9 characters.
    pub service_module_id: String,
    /// The states that a user can have.
    pub states: Vec<ServiceState>,
    /// The messages that can be sent along.
    pub messages: Vec<ServiceMessage>,
}

/// A state of a service item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceState {
    /// The id of the state.
    pub state_id: String,
    /// The ids of its content fields.
    pub field_ids: Vec<String>,
}

/// A message of a service item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceMessage {
    /// The id of the message template.
    pub message_template_id: String,
    /// The ids of its fields.
    pub field_ids: Vec<String>,
}

fn service_items() -> Vec<ServiceItem> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let state = |id: &str, fields: &[&str]| ServiceState {
        state_id: id.to_owned(),
        field_ids: texts(fields),
    };
    let message = |id: &str, fields: &[&str]| ServiceMessage {
        message_template_id: id.to_owned(),
        field_ids: texts(fields),
    };
    vec![
        ServiceItem {
            service_module_id: "731".to_owned(),
            states: vec![
                state("RESERVED", &["hotel_name", "arrival_date"]),
                state("CHECKED_IN", &["hotel_name", "room_number"]),
                state("CHECKED_OUT", &["hotel_name"]),
            ],
            messages: vec![message("T3kLr8Qz", &["keyword1"])],
        },
        ServiceItem {
            service_module_id: "732".to_owned(),
            states: vec![
                state("WAITING", &["shop_name", "queue_number"]),
                state("CALLED", &["shop_name"]),
            ],
            messages: vec![message("Q5wNd2Xv", &["keyword1"])],
        },
    ]
}
