//! The sandbox, with its demo data, the files of its accounts, and members that can be written.

use http::Method;
use kabao_sandbox::Sandbox;
use serde_json::json;

use super::{Arguments, questions, say};
use crate::control::Control;
use crate::{Result, member};

pub(super) async fn run() -> Result<()> {
    let folder = Arguments::of_process().path(0)?;
    let sandbox = Sandbox::builder()
        .listen("127.0.0.1:0")
        .control("127.0.0.1:0")
        .directory(folder)
        .start()
        .await?;
    let control = sandbox.control_addr();
    claim(&Control::new(control.to_string())).await?;
    say(&format!("ready {} {control}", sandbox.addr()))?;
    let mut questions = questions();
    while questions.recv().await.is_some() {}
    Ok(())
}

/// Lets users take the cards that writes are about.
async fn claim(control: &Control) -> Result<()> {
    for index in 0..member::MEMBERS {
        let order = json!({
            "account": member::ACCOUNT,
            "card_id": member::CARD,
            "openid": format!("obLatjbench{index:017}"),
            "code": member::code(index),
        });
        control.send(Method::POST, "/cards/claim", &order).await?;
    }
    Ok(())
}
