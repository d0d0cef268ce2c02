//! Holds the keys of many accounts and nothing else.

use super::{Arguments, questions, say};
use crate::Result;
use crate::pay::{Keys, Merchant};

pub(super) fn run() -> Result<()> {
    let arguments = Arguments::of_process();
    let merchant = Merchant::read(&arguments.path(0)?.join(arguments.text(1)?))?;
    let count: usize = arguments.text(2)?.parse()?;
    let held: Vec<Keys> = (0..count)
        .map(|_| Keys::read(&merchant.private_key_pem, &merchant.public_key_pem))
        .collect::<Result<_>>()?;
    say("ready")?;
    while questions().blocking_recv().is_some() {}
    drop(held);
    Ok(())
}
