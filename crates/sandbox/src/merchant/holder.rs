//! Who holds which cards, by openid and by phone number.

use std::collections::BTreeMap;

use super::state::MemberKey;

/// The cards of a person, in the order in which they were issued.
#[derive(Default)]
pub(crate) struct Holders {
    openids: BTreeMap<String, Vec<MemberKey>>,
    phone_numbers: BTreeMap<String, Vec<MemberKey>>,
}

impl Holders {
    /// Notes that a card belongs to an openid.
    pub(super) fn bind_openid(&mut self, openid: &str, key: &MemberKey) {
        bind(&mut self.openids, openid, key);
    }

    /// Notes that a card belongs to a phone number.
    pub(super) fn bind_phone(&mut self, phone_number: &str, key: &MemberKey) {
        bind(&mut self.phone_numbers, phone_number, key);
    }

    /// Returns the cards of an openid.
    pub(super) fn of_openid(&self, openid: &str) -> &[MemberKey] {
        self.openids.get(openid).map_or(&[], Vec::as_slice)
    }

    /// Returns the newest card of an openid under a template.
    pub(super) fn by_openid(&self, openid: &str, card_id: &str) -> Option<&MemberKey> {
        newest(self.of_openid(openid), card_id)
    }

    /// Returns the newest card of a phone number under a template.
    pub(super) fn by_phone(&self, phone_number: &str, card_id: &str) -> Option<&MemberKey> {
        newest(self.phone_numbers.get(phone_number)?, card_id)
    }
}

fn bind(people: &mut BTreeMap<String, Vec<MemberKey>>, person: &str, key: &MemberKey) {
    let keys = people.entry(person.to_owned()).or_default();
    if !keys.contains(key) {
        keys.push(key.clone());
    }
}

fn newest<'a>(keys: &'a [MemberKey], card_id: &str) -> Option<&'a MemberKey> {
    keys.iter().rev().find(|key| key.0 == card_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_card_of_a_template_is_found_and_none_counts_twice() {
        let mut holders = Holders::default();
        let key = |card: &str, code: &str| (card.to_owned(), code.to_owned());
        for (card, code) in [("a", "1"), ("b", "2"), ("a", "3"), ("b", "2")] {
            holders.bind_openid("o", &key(card, code));
        }
        assert_eq!(holders.by_openid("o", "a"), Some(&key("a", "3")));
        assert_eq!(holders.of_openid("o").len(), 3);
        assert_eq!(holders.by_phone("13800000000", "a"), None);
    }
}
