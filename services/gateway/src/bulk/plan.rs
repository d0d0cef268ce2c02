//! What a file asks for: every row checked, and its id.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use kabao_api::{RequestId, TemplateName};
use kabao_auth::{DigestKey, sha256_hex};

use super::cells::Cells;
use super::kind::{Kind, Read};
use super::table::{Fault, Table};

/// Rounds that an id derived from contents takes: the file of one row may hold nothing but a phone number, and ids
/// lie in stores and logs in clear.
const ROUNDS: u32 = 100_000;

/// The characters of an id.
const ID_LENGTH: usize = 32;

/// Every row of a file.
pub(crate) struct Plan<K: Kind> {
    pub(crate) table: Table,
    /// `accounts/{account}`, the same in all rows.
    pub(crate) account: String,
    /// The id of the file as a whole.
    pub(crate) id: RequestId,
    /// Digest of what the rows say, however they are written.
    pub(crate) contents: String,
    /// By the places of the rows.
    pub(crate) entries: Vec<Option<Entry<K::Item>>>,
    /// What is wrong with rows that have no entry.
    pub(crate) faults: Vec<Fault>,
}

/// A row in which nothing is wrong.
pub(crate) struct Entry<I> {
    pub(crate) item: I,
    pub(crate) id: RequestId,
    /// Whether the id is that of its place.
    pub(crate) is_derived: bool,
}

impl<K: Kind> Plan<K> {
    /// Checks every row.
    ///
    /// A row's own id is kept. Another row gets one from the id of the file and its place, as an item of a batch does
    /// that is the whole file.
    pub(crate) fn new(
        table: Table,
        parent: Option<&TemplateName>,
        id: Option<RequestId>,
    ) -> Result<Self, String> {
        let contents = contents(K::NAME, parent, &table);
        let id = match id {
            Some(id) => id,
            None => derived(&contents)?,
        };
        let mut plan = Self {
            account: String::new(),
            id,
            contents,
            entries: Vec::new(),
            faults: Vec::new(),
            table,
        };
        plan.read(parent);
        Ok(plan)
    }

    fn read(&mut self, parent: Option<&TemplateName>) {
        let mut others = Others::default();
        for (place, row) in (0..).zip(&self.table.rows) {
            let mut cells = Cells::new(row, parent);
            let own = cells.request_id();
            let read = K::read(&mut cells);
            if let Some(read) = &read {
                if self.account.is_empty() {
                    self.account.clone_from(&read.account);
                }
                if self.account != read.account {
                    let what = "is of another account than the rows before; a file is of one";
                    cells.fault("", what);
                }
                // Of a row that is wrong itself nothing more need be said.
                if cells.is_good() {
                    others.compare(read, own.as_ref(), row.line, &mut cells);
                }
            }
            let faults = cells.finish();
            let is_good = faults.is_empty();
            self.faults.extend(faults);
            self.entries.push(read.filter(|_| is_good).map(|read| {
                let is_derived = own.is_none();
                let id = own.unwrap_or_else(|| self.id.item(place));
                let mut item = read.item;
                K::number(&mut item, &id);
                Entry {
                    item,
                    id,
                    is_derived,
                }
            }));
        }
    }
}

/// The rows before one.
#[derive(Default)]
struct Others {
    /// The line of each id.
    ids: BTreeMap<RequestId, u64>,
    /// The first line of what is changed, and whether all changes of it commute.
    subjects: BTreeMap<String, (u64, bool)>,
    /// The line of each content without an id.
    contents: BTreeMap<String, u64>,
}

impl Others {
    fn compare<I>(
        &mut self,
        read: &Read<I>,
        own: Option<&RequestId>,
        line: u64,
        cells: &mut Cells<'_>,
    ) {
        if let Some(id) = own
            && let Some(first) = self.ids.insert(id.clone(), line)
        {
            cells.fault("request_id", format!("is that of line {first} too"));
        }
        match self.subjects.entry(read.subject.clone()) {
            Slot::Vacant(slot) => {
                slot.insert((line, read.commutes));
            }
            Slot::Occupied(mut slot) => {
                let (first, commutes) = slot.get_mut();
                *commutes &= read.commutes;
                if !*commutes {
                    let what = format!(
                        "is about what line {first} is about, and what comes of both depends on their order; \
                         put it into a file of its own"
                    );
                    cells.fault("", what);
                }
            }
        }
        if own.is_none() {
            let content = cells.content();
            if let Some(first) = self.contents.insert(content, line) {
                let what = format!(
                    "is the same as line {first}; if both are meant, give each a request_id of its own"
                );
                cells.fault("", what);
            }
        }
    }
}

/// The digest of what rows say, however they are written.
fn contents(name: &str, parent: Option<&TemplateName>, table: &Table) -> String {
    let mut bytes = Vec::new();
    let mut frame = |text: &str| {
        bytes.extend_from_slice(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    frame(name);
    frame(&parent.map(ToString::to_string).unwrap_or_default());
    for row in &table.rows {
        frame(&row.content().count().to_string());
        for (column, value) in row.content() {
            frame(column);
            frame(value);
        }
    }
    sha256_hex(&bytes)
}

/// The id of contents.
fn derived(contents: &str) -> Result<RequestId, String> {
    let id = || {
        let mut digest = DigestKey::new(&[0; 32])
            .ok()?
            .digest("bulk", &[contents.as_bytes()]);
        let key = DigestKey::new(&digest).ok()?;
        for _ in 0..ROUNDS {
            digest = key.digest("bulk", &[&digest]);
        }
        let id = sha256_hex(&digest);
        RequestId::new(id.get(..ID_LENGTH)?).ok()
    };
    id().ok_or_else(|| "an id cannot be derived from the file; give one as --batch-id".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::kind::{Adjust, Import, Update};
    use crate::bulk::table::Format;

    fn plan<K: Kind>(text: &str) -> Plan<K> {
        let Ok(table) = Table::read(Format::Csv, text.as_bytes(), K::COLUMNS) else {
            panic!("the table is good")
        };
        let parent = "accounts/acme/templates/t".parse().unwrap();
        Plan::new(table, Some(&parent), None).ok().unwrap()
    }

    #[track_caller]
    fn refused<K: Kind>(text: &str, expected: &[&str]) {
        let plan = plan::<K>(text);
        let found: Vec<_> = plan.faults.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found} / {expected}");
        }
    }

    #[test]
    fn ids_follow_from_contents_and_places_and_a_row_keeps_its_own() {
        let text = "code,add,request_id\n1,10,\n2,10,order-7\n1,20,\n";
        let first = plan::<Adjust>(text);
        assert_eq!(first.faults, []);
        assert_eq!(first.account, "accounts/acme");
        let ids = |plan: &Plan<Adjust>| -> Vec<_> {
            let entries = plan.entries.iter().flatten();
            entries
                .map(|entry| (entry.id.clone(), entry.item.request_id.clone()))
                .collect()
        };
        let expected = [
            first.id.item(0),
            "order-7".parse().unwrap(),
            first.id.item(2),
        ];
        assert_eq!(
            ids(&first),
            expected.map(|id| (id.clone(), id.into_string()))
        );
        // The same rows, written otherwise and with the words of a refusal.
        let other = "add,request_id,code,reason\r\n10,,1,X\r\n10,order-7,\"2\",\r\n20,,1,\r\n";
        assert_eq!(ids(&plan(other)), ids(&first));
        assert_ne!(plan::<Adjust>("code,add\n1,10\n").id, first.id);
        assert_ne!(
            plan::<Adjust>("code,add\n1,11\n").id,
            plan::<Adjust>("code,add\n1,10\n").id
        );
    }

    #[test]
    fn adjustments_are_checked_row_by_row() {
        refused::<Adjust>(
            "code,name,add,set_to,notify,minimum\n\
             1,,ten,,,\n\
             1,accounts/a/templates/t/members/1,1,,,\n\
             ,members/1,1,,yes,x\n\
             5,,1,2,,\n\
             6,,,,,\n\
             4.78516E+11,,1,,,\n\
             ,accounts/other/templates/t/members/1,1,,,\n\
             7,,1,,,\n\
             7,,1,,,\n\
             8,,1,,,\n\
             8,,,5,,\n",
            &[
                "2: add: must be a whole number",
                "3: code: is given beside name",
                "4: name: must be accounts/{account}",
                "4: minimum: must be a whole number",
                "4: notify: must be true or false",
                "5: set_to: is given beside add",
                "6: add: is missing, and so is set_to",
                "7: code: is a number that a spreadsheet has shortened",
                "8: is of another account",
                "10: is the same as line 9",
                "12: is about what line 11 is about",
            ],
        );
    }

    #[test]
    fn updates_and_imports_are_checked_row_by_row() {
        refused::<Update>(
            "code,level,points,openid\n1,Gold,,\n2,,,o\n1,,5,\n",
            &["3: changes nothing", "4: is about what line 2 is about"],
        );
        refused::<Import>(
            "parent,openid,phone_number,pickup_time,validity.days.valid_days,validity.permanent\n\
             ,,,,,\n\
             ,o1,138,yesterday,,\n\
             templates/t,o2,,2026-03-15T10:00:00+08:00,7,true\n\
             ,o3,,,,true\n\
             ,o3,,,,true\n\
             accounts/other/templates/t,o4,,,,\n\
             ,,13800000417,2026-03-15T10:00:00Z,30,\n",
            &[
                "3: phone_number: is given beside openid",
                "3: pickup_time: must be a moment",
                "4: parent: must be accounts/{account}/templates/{card_id}",
                "4: validity: is of one kind",
                "6: is about what line 5 is about",
                "6: is the same as line 5",
                "7: is of another account",
            ],
        );
    }
}
