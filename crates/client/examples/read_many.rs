//! Reads many members, a few at a time; one that is missing does not spoil the rest.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example read_many
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/dev.rs"]
mod dev;

use dev::{CARD_ID, CODE};
use futures_util::stream::{self, StreamExt as _};
use kabao_client::{GetMember, MemberApi};

/// So many reads are under way at once. A client has a bound of its own, in its `Settings`.
const AT_ONCE: usize = 8;

#[tokio::main]
async fn main() -> dev::Result<()> {
    let shop = dev::merchant()?;
    let codes = [CODE, "000000000000", CODE];

    let shop = &shop;
    let reads = codes.map(|code| async move {
        let get = GetMember::new(shop.member(CARD_ID, code)?);
        shop.get_member(&shop.context(), get).await
    });
    let mut members = stream::iter(reads).buffered(AT_ONCE);
    while let Some(read) = members.next().await {
        match read {
            Ok(member) => println!("level {:?}, {:?}", member.level, member.state),
            Err(error) => println!("{}: {error}", error.reason()),
        }
    }
    Ok(())
}
