//! Counts what the parts of a call allocate when nothing else happens in the process.

use super::say;
use crate::{Counter, Result, Units};

pub(super) fn run(counter: Option<Counter>) -> Result<()> {
    let counter = counter.ok_or("this executable does not count")?;
    let units = Units::new()?;
    let counted = |part: &dyn Fn() -> Result<usize>| -> Result<usize> {
        let before = counter().count;
        part()?;
        Ok(counter().count - before)
    };
    let (read, write, convert) = (
        counted(&|| units.read())?,
        counted(&|| units.write())?,
        counted(&|| units.convert())?,
    );
    // Once a second one goes another way.
    let refuse = counted(&|| units.refuse())?.min(counted(&|| units.refuse())?);
    say(&format!(
        "counted reading={read} writing={write} converting={convert} refusing={refuse}"
    ))
}
