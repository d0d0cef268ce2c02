//! Bytes that nobody writes, and that everybody may send: the codec takes of them what prost takes.

use kabao_proto::kabao::{brand::v1 as b, merchant::v1 as m, officialaccount::v1 as o};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};

use super::messages::Message;

/// A message by its name.
fn named(name: &str) -> Message {
    let mut all = Message::all().into_iter();
    all.find(|message| message.name() == name)
        .unwrap_or_else(|| panic!("no message {name}"))
}

/// What the bytes mean: the account, the violations, and the model as it is written.
fn meaning(message: Message, bytes: &[u8]) -> Option<(String, Vec<String>, Vec<u8>)> {
    message.read(bytes, |account, violations, record| {
        (
            account.to_owned(),
            violations.to_vec(),
            message.write(record),
        )
    })
}

/// The codec reads what prost reads, and means the same by it.
#[track_caller]
fn check<P: prost::Message + Default>(message: Message, bytes: &[u8]) -> bool {
    let canonical = P::decode(bytes).map(|read| read.encode_to_vec());
    let expected = canonical
        .ok()
        .map(|bytes| meaning(message, &bytes).unwrap());
    assert_eq!(
        meaning(message, bytes),
        expected,
        "{} {bytes:02x?}",
        message.name()
    );
    expected.is_some()
}

fn text(tag: u32, text: &[u8], out: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(u64::try_from(text.len()).unwrap(), out);
    out.extend_from_slice(text);
}

fn varint(tag: u32, bits: u64, out: &mut Vec<u8>) {
    encode_key(tag, WireType::Varint, out);
    encode_varint(bits, out);
}

#[test]
fn the_last_one_wins_and_messages_of_one_field_are_one() {
    let message = named("kabao.merchant.v1.UpdateUserCardRequest");
    let change = |before, balance: i64| m::UpdateUserCardRequest {
        account: format!("accounts/{balance}"),
        card_id: format!("p{balance}"),
        level: Some(balance.to_string()),
        balance_information: Some(m::BalanceChange {
            before_balance: before,
            balance: Some(balance),
            extra: [(format!("moon{balance}"), "1".to_owned())].into(),
            ..Default::default()
        }),
        extra: [("moon".to_owned(), balance.to_string())].into(),
        ..Default::default()
    };
    let mut bytes = change(Some(7), 1).encode_to_vec();
    bytes.extend(change(None, 2).encode_to_vec());
    let (account, violations, written) = meaning(message, &bytes).unwrap();
    assert_eq!((account.as_str(), violations.len()), ("accounts/2", 0));
    let read = m::UpdateUserCardRequest::decode(written.as_slice()).unwrap();
    let inner = read.balance_information.unwrap();
    assert_eq!((inner.before_balance, inner.balance), (Some(7), Some(2)));
    assert_eq!(inner.extra.len(), 2);
    assert_eq!(
        (read.card_id.as_str(), read.level.as_deref()),
        ("p2", Some("2"))
    );
    assert_eq!(read.extra["moon"], "2");
    assert!(check::<m::UpdateUserCardRequest>(message, &bytes));

    // A wrong number that is set right again is none, an empty text takes the one before away.
    let message = named("kabao.merchant.v1.CreateCardRequest");
    let mut bytes = Vec::new();
    let tag = |name: &str| {
        let pool = super::messages::pool();
        let field = message.descriptor(&pool).get_field_by_name(name).unwrap();
        field.number()
    };
    for (number, title) in [(99, "茶"), (1, "")] {
        varint(tag("code_mode"), number, &mut bytes);
        text(tag("title"), title.as_bytes(), &mut bytes);
    }
    let (_, violations, written) = meaning(message, &bytes).unwrap();
    assert_eq!(violations, [""; 0]);
    let read = m::CreateCardRequest::decode(written.as_slice()).unwrap();
    assert_eq!((read.code_mode, read.title.as_str()), (1, ""));
    assert!(check::<m::CreateCardRequest>(message, &bytes));
}

#[test]
fn repeated_numbers_are_read_packed_and_one_by_one() {
    let message = named("kabao.officialaccount.v1.GetCardResponse");
    let base = |list: &[u8]| {
        let wrap = |tag, inner: &[u8]| {
            let mut out = Vec::new();
            text(tag, inner, &mut out);
            out
        };
        let pool = super::messages::pool();
        let place = |of: &str, name: &str| {
            let of = pool.get_message_by_name(&format!("kabao.officialaccount.v1.{of}"));
            of.unwrap().get_field_by_name(name).unwrap().number()
        };
        let inner = wrap(place("MemberCard", "base_info"), list);
        let inner = wrap(place("Card", "member_card"), &inner);
        wrap(place("GetCardResponse", "card"), &inner)
    };
    let pool = super::messages::pool();
    let tag = pool
        .get_message_by_name("kabao.officialaccount.v1.BaseInfo")
        .unwrap()
        .get_field_by_name("location_id_list")
        .unwrap()
        .number();
    let mut list = Vec::new();
    varint(tag, 101, &mut list);
    text(tag, &[102, 103], &mut list);
    varint(tag, 104, &mut list);
    let (.., written) = meaning(message, &base(&list)).unwrap();
    let read = o::GetCardResponse::decode(written.as_slice()).unwrap();
    let info = read.card.unwrap().member_card.unwrap().base_info.unwrap();
    assert_eq!(info.location_id_list, [101, 102, 103, 104]);
    assert!(check::<o::GetCardResponse>(message, &base(&list)));
    // A packed list that ends in the middle of a number.
    let mut broken = Vec::new();
    text(tag, &[0x80], &mut broken);
    assert!(!check::<o::GetCardResponse>(message, &base(&broken)));
}

#[test]
fn unknown_fields_are_skipped_and_groups_only_so_deep() {
    let message = named("kabao.brand.v1.GetCardRequest");
    let valid = b::GetCardRequest {
        account: "accounts/a".to_owned(),
        card_id: "p".to_owned(),
        ..Default::default()
    };
    let with = |unknown: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = valid.encode_to_vec();
        unknown(&mut bytes);
        bytes
    };
    let groups = |depth: usize| {
        with(&|out| {
            (0..depth).for_each(|_| encode_key(500, WireType::StartGroup, out));
            (0..depth).for_each(|_| encode_key(500, WireType::EndGroup, out));
        })
    };
    for bytes in [
        with(&|out| varint(500, u64::MAX, out)),
        with(&|out| text(500, b"\xff", out)),
        with(&|out| {
            encode_key(500, WireType::SixtyFourBit, out);
            out.extend([1; 8]);
        }),
        with(&|out| {
            encode_key(500, WireType::ThirtyTwoBit, out);
            out.extend([1; 4]);
        }),
        // A request without a body has no `extra`.
        with(&|out| text(1000, b"\x0a\x01a\x12\x01{", out)),
        groups(50),
    ] {
        let (account, violations, written) = meaning(message, &bytes).unwrap();
        assert_eq!((account.as_str(), violations.len()), ("accounts/a", 0));
        let read = b::GetCardRequest::decode(written.as_slice()).unwrap();
        assert_eq!(read.card_id, "p");
        assert!(check::<b::GetCardRequest>(message, &bytes));
    }
    for bytes in [
        groups(200),
        groups(100_000),
        with(&|out| encode_key(500, WireType::StartGroup, out)),
        with(&|out| encode_key(500, WireType::EndGroup, out)),
        // Of another wire type than the field has, no UTF-8, and longer than there is.
        with(&|out| varint(1, 1, out)),
        with(&|out| text(1, b"\xff", out)),
        with(&|out| out.extend([0x0a, 0x7f])),
        with(&|out| {
            out.extend([
                0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ])
        }),
        with(&|out| out.push(0)),
    ] {
        assert!(!check::<b::GetCardRequest>(message, &bytes));
    }
}

/// Bytes that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// Spoils messages in many ways and compares with prost.
fn spoil<P: prost::Message + Default>(name: &str, dice: &mut Dice) {
    let message = named(name);
    let descriptor = message.descriptor(&super::messages::pool());
    let whole = super::every_message::full(&descriptor, 1).encode_to_vec();
    assert!(check::<P>(message, &whole));
    let mut taken = 0;
    for _ in 0..3_000 {
        let mut bytes = whole.clone();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(bytes.len());
            match dice.roll(6) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] ^= 1 << dice.roll(8),
                2 => bytes[at] = u8::try_from(dice.roll(256)).unwrap(),
                3 => drop(bytes.remove(at)),
                4 => bytes.insert(at, u8::try_from(dice.roll(256)).unwrap()),
                // One part again at the end: another order, and fields twice.
                _ => {
                    let part = bytes[at..].to_vec();
                    bytes.extend(part);
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        taken += usize::from(check::<P>(message, &bytes));
    }
    assert!(taken > 100, "{name}: {taken} of them are messages");
}

#[test]
fn spoiled_messages_mean_what_they_mean_to_prost() {
    let dice = &mut Dice(0x9e37_79b9_7f4a_7c15);
    spoil::<m::CreateCardRequest>("kabao.merchant.v1.CreateCardRequest", dice);
    spoil::<m::UpdateUserCardRequest>("kabao.merchant.v1.UpdateUserCardRequest", dice);
    spoil::<m::UserCard>("kabao.merchant.v1.UserCard", dice);
    spoil::<b::CreateCardRequest>("kabao.brand.v1.CreateCardRequest", dice);
    spoil::<b::ListUserCardsResponse>("kabao.brand.v1.ListUserCardsResponse", dice);
    spoil::<o::CreateCardRequest>("kabao.officialaccount.v1.CreateCardRequest", dice);
    spoil::<o::GetUserInfoResponse>("kabao.officialaccount.v1.GetUserInfoResponse", dice);
    spoil::<o::GetTicketRequest>("kabao.officialaccount.v1.GetTicketRequest", dice);
}
