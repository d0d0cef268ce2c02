//! Open choices of the brand family.

use serde::{Deserialize, Serialize};

use super::RepeatedNumber;

/// Open choices of the brand family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Brand {
    // Who may call what.
    /// Brands without the membership feature: template, user-card, token and feed calls for them
    /// are answered 400 `INVALID_REQUEST`. Default empty.
    pub brands_without_membership: Vec<String>,
    /// Calls of each operation a second (else 429), in place of the documented rate and whether or not
    /// that is enforced: the pages say 10, some revisions of them 5. Default absent.
    pub calls_per_second: Option<u32>,
    /// What a `brand_id` gets that the caller does not act for; no page tells.
    /// Default `no_auth`.
    pub unauthorized_brand: UnauthorizedBrand,
    /// Whether the retired `DELETE` on a template still answers; if not, 405 without a body, as for
    /// every method that a path does not have. Default true.
    pub delete_answers: bool,
    /// Whether the retired path `open-user-card-tokens` still answers; if not, 404 without a body, as
    /// every path that leads nowhere. Default true.
    pub open_user_card_tokens_answer: bool,
    /// Whether calls answer whose pages left the index because the feature is not open: import by
    /// phone number and payment-code tokens. Default true.
    pub unlisted_operations_answer: bool,
    /// Whether join tokens are refused with "not open to this caller yet". Default false.
    pub join_tokens_closed: bool,
    /// Whether a wrong signature over an uploaded picture's `meta` is answered 403
    /// `REQUEST_BLOCKED`, as the upload page lists, or 401 `SIGN_ERROR`, as the same page lists
    /// too and every other call answers. Default false: 401.
    pub upload_signature_is_blocked: bool,

    // Templates.
    /// Whether invalidated templates count towards the limit of two per card type.
    /// Default false.
    pub count_invalid_templates: bool,
    /// Whether a second invalidation of a template is refused; nothing is documented.
    /// Default false: it answers the template as it is.
    pub refuse_second_invalidation: bool,
    /// Whether invalidating a template makes the cards that users hold `INVALID`.
    /// Default false: they stay as they are.
    pub invalidation_ends_user_cards: bool,
    /// Whether an invalidated template can still be updated. Default true: no error is listed.
    pub update_invalid_templates: bool,
    /// Whether a template whose fixed time range is over is shown as `CARD_INVALID`.
    /// Default false: the token call has an error of its own for it.
    pub expired_templates_show_invalid: bool,
    /// What becomes of sections that do not belong to the kind of a template:
    /// `code_jump_information` of another code type, `balance_information` and
    /// `purchase_information` of another card type, `valid_date_information` of another type or
    /// with days beside a time range and the like. The error tables refuse them, the documents' own examples of
    /// creation and update have them. Default `ignore`.
    pub conflicting_sections: ConflictingSections,
    /// Whether `need_display_level` can be switched on for a template without `init_level`, which
    /// cannot be updated any more. Default true.
    pub update_may_show_level: bool,
    /// Whether `available_begin_time` may equal `available_end_time`, which the documented check
    /// passes although nothing is left of the half-open range. Default true.
    pub begin_may_equal_end: bool,
    /// Whether `notify_url` must begin with `https://`; the page says both. Default false.
    pub notify_url_needs_https: bool,
    /// Whether the host of `notify_url` must be public. Default false, so that a developer's machine
    /// can be named.
    pub notify_url_needs_public_host: bool,
    /// AppIDs bound to the brand, which templates and jump targets must name; empty means any.
    /// Default empty.
    pub bound_appids: Vec<String>,
    /// Texts and picture addresses that fail the content review. Default empty.
    pub refused_texts: Vec<String>,
    /// Whether a picture must come from the upload call. Default false.
    pub pictures_must_be_uploaded: bool,

    // User cards.
    /// Whether an openid must have 28 characters and begin with `o`. Default false: letters,
    /// digits, `-` and `_` are enough.
    pub strict_openids: bool,
    /// What the days of `FIX_TERM` count from; the pages name both. Default `activation`.
    pub term_counts_from: TermStart,
    /// Whether a chosen option must be one of the template's, and a radio field has one choice.
    /// Default true.
    pub check_chosen_options: bool,
    /// Whether users can join again after the merchant reported `CREATE_CARD_FAIL`.
    /// Default true.
    pub join_again_after_failure: bool,
    /// Whether users can join again after the merchant invalidated their card; the FAQ says no.
    /// Default false.
    pub join_again_after_invalidation: bool,
    /// Whether users can delete a card that is still `UNACTIVATED`. Default true: the notification
    /// page implies it.
    pub delete_unactivated_cards: bool,
    /// Whether lists show cards that have no code yet (`MERCHANT_ALLOCATE` before confirmation),
    /// although `user_card_code` is documented as always present. Default false.
    pub list_cards_without_code: bool,
    /// What invalidating a user card answers if the code is right and the openid is somebody
    /// else's; the page lists both. Default `not_found`.
    pub invalidate_wrong_openid: WrongOpenid,
    /// How many days a card waits for the merchant's confirmation before it is `INVALID`; no page
    /// tells. Default absent: for ever.
    pub confirmation_days: Option<i64>,
    /// Whether confirming a card again with the same code and outcome answers it as it is.
    /// Default false: 404, since no card waits any more.
    pub repeated_confirmation_answers: bool,
    /// Whether an import needs `valid_date_information`, as older documents say; which validity a card
    /// has without it, no page tells. Default false: that of the template.
    pub import_needs_validity: bool,
    /// When an import needs `pickup_time`. Field text and error table contradict each other.
    /// Default `fix_term`.
    pub import_pickup_time: PickupTime,

    // Tokens, activities, feeds, points.
    /// Whether a join token works once only. Default false.
    pub join_token_single_use: bool,
    /// Whether an activity that has not begun yet already blocks a second one for its template.
    /// Default false.
    pub scheduled_activities_block: bool,
    /// Whether terminated and expired activities can be updated. Default false.
    pub update_ended_activities: bool,
    /// Whether terminating an activity that has ended is refused. Default false: it answers the
    /// activity as it is.
    pub refuse_second_termination: bool,
    /// When `apply_available` of an activity falls. Default `confirmation`: gifts are withheld
    /// until then.
    pub activity_stock_falls: StockFalls,
    /// The available stock of coupons that the control API did not describe. Default 1000000.
    pub default_coupon_stock: i64,
    /// What a repeated `out_request_no` of an activity gets. Default `refuse`, as for templates.
    pub repeated_activity_number: RepeatedNumber,
    /// What a repeated `out_request_no` of a points sync gets. Default `replay`.
    pub repeated_points_number: RepeatedNumber,
    /// Feed templates that the brand may use (else 403 `NO_AUTH`); empty means all.
    /// Default empty.
    pub granted_feed_templates: Vec<String>,
    /// Whether feeds need an `EFFECTIVE` card. Default true.
    pub feeds_need_effective_card: bool,
    /// Whether a points sync needs an `EFFECTIVE` card. Default false: only existence is checked.
    pub points_need_effective_card: bool,
    /// Whether a negative points balance is refused. Default false.
    pub refuse_negative_points: bool,
    /// What a second answer to an exchange record gets: `replay` repeats the outcome for the same
    /// result, `refuse` refuses; `apply` repeats the outcome whatever the result. Default `replay`.
    pub repeated_exchange_answer: RepeatedNumber,
    /// Whether an allowed exchange lowers the stored balance without a further sync.
    /// Default false.
    pub exchange_deducts_points: bool,
    /// Whether issuing the coupon of an allowed exchange fails. Default false.
    pub coupon_issuing_fails: bool,

    // Shapes.
    /// Whether lists begin with the newest entry. Default false: oldest first.
    pub newest_first: bool,
    /// Whether an empty list has `data` as an empty array instead of leaving it out.
    /// Default false.
    pub answer_empty_data: bool,
    /// Whether members that only older documents have act: `init_level` and `legal_agreement` on
    /// template update, `pickup_time` on user-card update, `date_information` on import.
    /// Default false: they are ignored.
    pub accept_legacy_fields: bool,
    /// Whether templates have `update_time`, the older name, beside `modify_time`. Default true:
    /// clients written from documents of either age find theirs.
    pub answer_update_time: bool,
    /// Whether members that only older documents have stand in answers: `openid` and
    /// `cell_message` of feeds, `fail_reason` of exchanges. Default false.
    pub answer_legacy_fields: bool,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            brands_without_membership: Vec::new(),
            calls_per_second: None,
            unauthorized_brand: UnauthorizedBrand::NoAuth,
            delete_answers: true,
            open_user_card_tokens_answer: true,
            unlisted_operations_answer: true,
            join_tokens_closed: false,
            upload_signature_is_blocked: false,
            count_invalid_templates: false,
            refuse_second_invalidation: false,
            invalidation_ends_user_cards: false,
            update_invalid_templates: true,
            expired_templates_show_invalid: false,
            conflicting_sections: ConflictingSections::Ignore,
            update_may_show_level: true,
            begin_may_equal_end: true,
            notify_url_needs_https: false,
            notify_url_needs_public_host: false,
            bound_appids: Vec::new(),
            refused_texts: Vec::new(),
            pictures_must_be_uploaded: false,
            strict_openids: false,
            term_counts_from: TermStart::Activation,
            check_chosen_options: true,
            join_again_after_failure: true,
            join_again_after_invalidation: false,
            delete_unactivated_cards: true,
            list_cards_without_code: false,
            invalidate_wrong_openid: WrongOpenid::NotFound,
            confirmation_days: None,
            repeated_confirmation_answers: false,
            import_needs_validity: false,
            import_pickup_time: PickupTime::FixTerm,
            join_token_single_use: false,
            scheduled_activities_block: false,
            update_ended_activities: false,
            refuse_second_termination: false,
            activity_stock_falls: StockFalls::Confirmation,
            default_coupon_stock: 1_000_000,
            repeated_activity_number: RepeatedNumber::Refuse,
            repeated_points_number: RepeatedNumber::Replay,
            granted_feed_templates: Vec::new(),
            feeds_need_effective_card: true,
            points_need_effective_card: false,
            refuse_negative_points: false,
            repeated_exchange_answer: RepeatedNumber::Replay,
            exchange_deducts_points: false,
            coupon_issuing_fails: false,
            newest_first: false,
            answer_empty_data: false,
            accept_legacy_fields: false,
            answer_update_time: true,
            answer_legacy_fields: false,
        }
    }
}

/// What a `brand_id` gets that the caller does not act for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnauthorizedBrand {
    /// 403 `NO_AUTH`.
    NoAuth,
    /// 400 `INVALID_REQUEST`.
    InvalidRequest,
}

/// What becomes of sections that do not belong to the kind of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictingSections {
    /// They are stored and shown, without effect.
    Ignore,
    /// 400 `PARAM_ERROR`, as the error tables list.
    Refuse,
}

/// What the days of `FIX_TERM` count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermStart {
    /// The moment the merchant confirmed; `pickup_time` for imports.
    Activation,
    /// The moment the user took the card.
    Receipt,
}

/// What the right code with somebody else's openid gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WrongOpenid {
    /// 404 `NOT_FOUND`.
    NotFound,
    /// 400 `PARAM_ERROR`.
    ParamError,
}

/// When an import needs `pickup_time`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PickupTime {
    /// For `FIX_TERM`, as the field text says.
    FixTerm,
    /// For `FIX_TIME_RANGE`, as the error table says.
    FixTimeRange,
    /// For both.
    Both,
    /// Never.
    Never,
}

/// When `apply_available` of an activity falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StockFalls {
    /// When the user joins through the component.
    Join,
    /// When the merchant confirms such a user.
    Confirmation,
    /// Never.
    Never,
}
