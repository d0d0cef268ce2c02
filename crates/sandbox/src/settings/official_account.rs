//! Open choices of the official-account family.

use serde::{Deserialize, Serialize};

/// Open choices of the official-account family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OfficialAccount {
    /// Whether numbers are taken in the forms that SDKs give them: whole ones with a fraction or an
    /// exponent (`2900.0`, `1.0E7`), and numbers as text and texts as numbers where nothing is lost
    /// (`merchant_id`, store ids); if not, 47001. Default true.
    pub accept_number_forms: bool,
    /// Whether members that are `null` count as absent (else 47001): copies of the documents forbid
    /// them, three independent SDKs send them. Default true.
    pub ignore_null_members: bool,
    /// Which table tells the fields whose change goes to review. Default `general`.
    pub review_table: ReviewTable,
    /// Whether a card that went to review is approved at once instead of waiting for the control
    /// API. Default false.
    pub approve_at_once: bool,
    /// Whether the whole change of a `/card/update` that goes to review waits for the approval
    /// instead of showing at once. Default false.
    pub hold_reviewed_changes: bool,
    /// Users on the test whitelist until the account sets one by `testwhitelist/set`: they may claim
    /// a card that is not approved yet. Default empty.
    pub test_openids: Vec<String>,
    /// The state of a deleted card; two spellings are documented. Default `CARD_STATUS_DELETE`.
    pub deleted_status: String,
    /// Whether the account may use stored value (else 43010). Default true.
    pub stored_value_permission: bool,
    /// Whether a balance can be changed on a card that does not show one; if not, 43010.
    /// Default true.
    pub balance_without_slot: bool,
    /// Whether the account may bring its own codes (else 43009). Default true.
    pub custom_code_permission: bool,
    /// Whether card pictures must come from WeChat's CDN (else 52000). The real service requires
    /// it, by reports, and its documents have examples with other addresses. Default false: such a
    /// picture is accepted with a remark.
    pub require_cdn_pictures: bool,
    /// Whether a slot in messages (`modify_msg_operation`, `activate_msg_operation`) whose
    /// `end_time` is over is refused (40079); no source documents a refusal, and the documents'
    /// example has such a time. Default false.
    pub refuse_past_message_ends: bool,
    /// Texts that the spam filter refuses (40151), wherever they stand on a card. Default empty.
    pub refused_texts: Vec<String>,
    /// Whether `updateuser` and `activate` refuse a negative total with 47001; nothing is
    /// documented. Default false.
    pub refuse_negative_totals: bool,
    /// Whether `updateuser` changes a member number in its body: reported to work, not
    /// documented. Default true.
    pub update_membership_number: bool,
    /// Whether expired cards can still be updated and activated (else 40127). Default true.
    pub update_expired_cards: bool,
    /// Whether `code/get` with `check_consume` reports an expired card as 40127; the documents
    /// name deleted, gifted and invalidated ones. Default true.
    pub expired_fails_check: bool,
    /// Whether a second `activate` sets points and balance again, too. Default false: it changes
    /// the member number, the face, the validity and the slot values.
    pub reactivation_sets_totals: bool,
    /// Whether a user who deleted a card gets the same one back, with code, points and activation,
    /// when claiming again. Default true.
    pub reclaim_restores: bool,
    /// Whether points, balance and activation move to the friend with a gifted card.
    /// Default true.
    pub gift_moves_values: bool,
    /// How long a friend may wait with accepting a gift, in seconds. Default 86400.
    pub gift_seconds: i64,
    /// Whether `getcardlist` also lists deleted, expired and invalidated cards. Default false.
    pub list_unusable_cards: bool,
    /// Whether a second `activateuserform/set` replaces the whole form instead of the parts that
    /// it has. Default true.
    pub form_set_replaces: bool,
    /// How long an activation ticket can be read, in seconds. Default 7200.
    pub activate_ticket_seconds: i64,
    /// Whether an activation ticket can be read once only. Default true.
    pub activate_ticket_single_use: bool,
    /// The code for an activation ticket that is unknown, used or too old. Default 47001.
    pub activate_ticket_errcode: i64,
    /// Cards that were upgraded to the membership product of WeChat Pay: nothing here changes them or
    /// their members any more. Default empty.
    pub upgraded_cards: Vec<String>,
    /// The code for a change of an upgraded card; its page says that it fails, and not how.
    /// Default 48001.
    pub upgraded_card_errcode: i64,
    /// Merchant ids bound to the account (else 72002); empty means any. Default empty.
    pub bound_merchant_ids: Vec<String>,
    /// The code of an entry in the failure list of a pay rule whose merchant id is occupied or
    /// has no rule; the documents have only the placeholder 23112. Default 23112.
    pub merchant_failure_errcode: i64,
    /// Whether a pay rule whose window is over still occupies its merchant ids. Default false.
    pub ended_rules_occupy: bool,
    /// Whether the amounts of a pay rule are inclusive. Default true.
    pub rule_amounts_inclusive: bool,
    /// Whether `is_locked` lets other accounts take the merchant ids of a pay rule over, and its
    /// absence keeps them out: the other reading of the word. Default false.
    pub locked_rules_give_way: bool,
    /// Whether deleting a card also deletes its pay rules. Default false: they stay, and what they
    /// offer cannot be claimed.
    pub deleting_a_card_ends_its_rules: bool,
    /// Whether queries of pay rules return `rule_id`, which no model of the answer has.
    /// Default false.
    pub answer_rule_id: bool,
    /// The code for a `rule_id` that the account does not have. Default 47001.
    pub unknown_rule_errcode: i64,
    /// Whether answers of `/datacube/` have `errcode` and `errmsg`; recorded ones have not.
    /// Default false.
    pub datacube_errcode: bool,
    /// The lifetime of a token in seconds. Default 7200.
    pub token_seconds: i64,
    /// How long a token that was replaced still works, in seconds. Default 300.
    pub previous_token_seconds: i64,
    /// Calls of `cgi-bin/token` a day. Default 2000.
    pub token_calls_per_day: u32,
    /// Calls of `cgi-bin/stable_token` a day. Default 500000.
    pub stable_token_calls_per_day: u32,
    /// Calls of `cgi-bin/stable_token` a minute. Default 10000.
    pub stable_token_calls_per_minute: u32,
    /// Forced refreshes a day. Default 20.
    pub force_refresh_per_day: u32,
    /// Seconds between two forced refreshes. Default 30.
    pub force_refresh_interval_seconds: i64,
    /// Whether a forced refresh beyond its daily number is answered 45009 (reported) instead of
    /// the present token. Default true.
    pub force_refresh_limit_is_error: bool,
    /// The code for a wrong AppSecret: 40125 by copies of the documents, 40001 by the official
    /// table. Default 40125.
    pub wrong_secret_errcode: i64,
    /// Whether the AppSecret is frozen (40243). Default false.
    pub secret_frozen: bool,
    /// Whether the caller's IP is missing on the whitelist (40164). Default false.
    pub caller_ip_refused: bool,
    /// Whether the caller's IP waits for the administrator (89503). Default false.
    pub caller_ip_risky: bool,
    /// Whether the account is banned (48004). Default false.
    pub banned: bool,
    /// Calls of each operation a day (else 45009); no figure is published for most of them.
    /// Default none.
    pub calls_per_day: Option<u32>,
    /// Calls of each operation a minute (else 45011); no figure is published for most of them.
    /// Default none.
    pub calls_per_minute: Option<u32>,
    /// Which part name `media/uploadimg` takes (else 41005): its own page says `media`, the card
    /// chapter `buffer`. Default `any`.
    pub upload_part: UploadPart,
    /// Whether a successful `media/uploadimg` carries `errcode` and `errmsg` (newer sample) or `url`
    /// only (older one). Default false.
    pub upload_answer_errcode: bool,
    /// The largest picture in bytes (else 40009); 1 MB is printed without saying which. Default
    /// 1048576.
    pub upload_max_bytes: usize,
    /// The scheme of the address of an uploaded picture. Default `http`.
    pub upload_url_scheme: UrlScheme,
    /// Whether `ticket/getticket` repeats the ticket until it runs out or answers a new one each
    /// time. Default `same`.
    pub ticket_repeat: TicketRepeat,
    /// How long a replaced ticket still signs validly, in seconds. Default 300.
    pub previous_ticket_seconds: i64,
    /// The lifetime of a ticket in seconds. Default 7200.
    pub ticket_seconds: i64,
    /// Calls of `ticket/getticket` a day (else 45009): "very limited" without a figure. Default none.
    pub ticket_calls_per_day: Option<u32>,
    /// Whether a claim whose `cardExt` has a `nonce_str` that was used for the same card is refused
    /// (40080). Default `refuse`.
    pub card_ext_replay: Permit,
    /// The oldest `timestamp` of a signature of a page in seconds (else 40080); no figure is
    /// published. Default none.
    pub card_ext_max_age_seconds: Option<i64>,
    /// The code for more than ten testers. Default 47001.
    pub test_whitelist_limit_errcode: i64,
    /// What `testwhitelist/set` does with two empty lists or none. Default `clears`.
    pub test_whitelist_empty: EmptyList,
    /// Whether testers also claim deleted and expired cards; a text says that they ignore the card's
    /// invalid state. Default true.
    pub test_users_ignore_state: bool,
    /// Cards on a shelf page (else 47001). Default none.
    pub landing_page_max_cards: Option<usize>,
    /// The code for a card that is not approved, for `landingpage/create` and `mpnews/gethtml`; 0
    /// accepts it. Default 40078.
    pub landing_page_unapproved_errcode: i64,
    /// Whether `landingpage/create` and `mpnews/gethtml` refuse cards with own codes and no deposited
    /// one (40078). Default true.
    pub own_code_needs_deposit: bool,
    /// Whether the account has WeChat Pay (else 43008 on `paycell/set` and `selfconsumecell/set`).
    /// Default true.
    pub pay_permission: bool,
    /// Whether `paycell/set` and `selfconsumecell/set` need a store on the card (else 43017).
    /// Default true.
    pub cells_need_store: bool,
    /// Whether `code/consume` redeems a member card or refuses it with 40071, as reported. Default
    /// `refuse`.
    pub consume_member_card: Permit,
    /// Whether `selfconsumecell/set` on a member card is stored or refused with 40071. Default
    /// `accept`.
    pub self_consume_member_card: Permit,
    /// Whether `getcolors` also takes POST (else 43001). Default true.
    pub colors_post: bool,
    /// How long a dynamic code is valid, in seconds; not documented. Default 60.
    pub dynamic_code_seconds: i64,
    /// When `code/get` carries member number, points and balance; `always` adds what only the model
    /// of one SDK has. Default `dynamic`.
    pub code_get_member_data: MemberData,
    /// Cards in one QR code for several (else 40053). Default none.
    pub qrcode_max_cards: Option<usize>,
    /// What a path that leads nowhere gets. Default `errcode`.
    pub unknown_path: UnknownPath,
    /// Whether `errmsg` of a failure ends in `rid: ...` (newer) or `hint: [...]` (older).
    /// Default `rid`.
    pub trace: Trace,
}

impl Default for OfficialAccount {
    fn default() -> Self {
        Self {
            accept_number_forms: true,
            ignore_null_members: true,
            review_table: ReviewTable::General,
            approve_at_once: false,
            hold_reviewed_changes: false,
            test_openids: Vec::new(),
            deleted_status: "CARD_STATUS_DELETE".to_owned(),
            stored_value_permission: true,
            balance_without_slot: true,
            custom_code_permission: true,
            require_cdn_pictures: false,
            refuse_past_message_ends: false,
            refused_texts: Vec::new(),
            refuse_negative_totals: false,
            update_membership_number: true,
            update_expired_cards: true,
            expired_fails_check: true,
            reactivation_sets_totals: false,
            reclaim_restores: true,
            gift_moves_values: true,
            gift_seconds: 86_400,
            list_unusable_cards: false,
            form_set_replaces: true,
            activate_ticket_seconds: 7200,
            activate_ticket_single_use: true,
            activate_ticket_errcode: 47001,
            upgraded_cards: Vec::new(),
            upgraded_card_errcode: 48001,
            bound_merchant_ids: Vec::new(),
            merchant_failure_errcode: 23112,
            ended_rules_occupy: false,
            rule_amounts_inclusive: true,
            locked_rules_give_way: false,
            deleting_a_card_ends_its_rules: false,
            answer_rule_id: false,
            unknown_rule_errcode: 47001,
            datacube_errcode: false,
            token_seconds: 7200,
            previous_token_seconds: 300,
            token_calls_per_day: 2000,
            stable_token_calls_per_day: 500_000,
            stable_token_calls_per_minute: 10_000,
            force_refresh_per_day: 20,
            force_refresh_interval_seconds: 30,
            force_refresh_limit_is_error: true,
            wrong_secret_errcode: 40125,
            secret_frozen: false,
            caller_ip_refused: false,
            caller_ip_risky: false,
            banned: false,
            calls_per_day: None,
            calls_per_minute: None,
            upload_part: UploadPart::Any,
            upload_answer_errcode: false,
            upload_max_bytes: 1 << 20,
            upload_url_scheme: UrlScheme::Http,
            ticket_repeat: TicketRepeat::Same,
            previous_ticket_seconds: 300,
            ticket_seconds: 7200,
            ticket_calls_per_day: None,
            card_ext_replay: Permit::Refuse,
            card_ext_max_age_seconds: None,
            test_whitelist_limit_errcode: 47001,
            test_whitelist_empty: EmptyList::Clears,
            test_users_ignore_state: true,
            landing_page_max_cards: None,
            landing_page_unapproved_errcode: 40078,
            own_code_needs_deposit: true,
            pay_permission: true,
            cells_need_store: true,
            consume_member_card: Permit::Refuse,
            self_consume_member_card: Permit::Accept,
            colors_post: true,
            dynamic_code_seconds: 60,
            code_get_member_data: MemberData::Dynamic,
            qrcode_max_cards: None,
            unknown_path: UnknownPath::Errcode,
            trace: Trace::Rid,
        }
    }
}

/// Which fields of `/card/update` go to review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewTable {
    /// `logo_url`, `notice`, `description`, `color`, `bonus_cleared`, `bonus_rules`,
    /// `balance_rules`, `prerogative`.
    General,
    /// One SDK's table: `title` instead of `logo_url` and `notice`.
    Sdk,
}

/// What a path that leads nowhere gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPath {
    /// HTTP 200 with 40066, the official code for a wrong path.
    Errcode,
    /// HTTP 404 without a body.
    NotFound,
}

/// What closes the `errmsg` of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trace {
    /// `rid: 65f0...`.
    Rid,
    /// `hint: [...]`.
    Hint,
}

/// Whether something doubtful works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permit {
    /// It is refused.
    Refuse,
    /// It is done.
    Accept,
}

/// The name of the part with the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadPart {
    /// Either name.
    Any,
    /// `buffer`.
    Buffer,
    /// `media`.
    Media,
}

/// The scheme of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UrlScheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

/// What a second call for a ticket gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketRepeat {
    /// The same ticket until it runs out.
    Same,
    /// A new one.
    New,
}

/// What an empty list of testers does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyList {
    /// Nobody is a tester any more.
    Clears,
    /// It is refused with 41011.
    Error,
}

/// When `code/get` carries what is known of the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberData {
    /// Never.
    Never,
    /// For a dynamic code.
    Dynamic,
    /// Always.
    Always,
}
