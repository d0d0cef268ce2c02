//! The sandbox, with its demo data and the files of its accounts.

use kabao_sandbox::Sandbox;

use super::{Arguments, questions, say};
use crate::Result;

pub(super) async fn run() -> Result<()> {
    let folder = Arguments::of_process().path(0)?;
    let sandbox = Sandbox::builder()
        .listen("127.0.0.1:0")
        .control("127.0.0.1:0")
        .directory(folder)
        .start()
        .await?;
    say(&format!("ready {}", sandbox.addr()))?;
    let mut questions = questions();
    while questions.recv().await.is_some() {}
    Ok(())
}
