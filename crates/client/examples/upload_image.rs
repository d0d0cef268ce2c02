//! Uploads a picture, which templates and members may name from then on.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example upload_image
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/dev.rs"]
mod dev;

use kabao_client::{MediaApi, UploadImage};

/// The smallest PNG that there is.
const PIXEL: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\x0dIDATx\xdacd\xf8\xcfP\x0f\x00\x03\x86\x01\x80Z4}k\x00\x00\x00\x00IEND\xaeB`\x82";

#[tokio::main]
async fn main() -> dev::Result<()> {
    for client in [dev::merchant()?, dev::brand()?, dev::official_account()?] {
        let limits = client.limits();
        println!("{}: at most {} bytes", client.family(), limits.max_bytes);
        let upload = UploadImage::new(client.account().clone(), "face.png", PIXEL);
        let picture = client.upload_image(&client.context(), upload).await?;
        println!("{}", picture.url);
    }

    // What WeChat would not take does not leave the process.
    let shop = dev::merchant()?;
    let upload = UploadImage::new(shop.account().clone(), "face.txt", PIXEL);
    if let Err(error) = shop.upload_image(&shop.context(), upload).await {
        println!("{error}");
    }
    Ok(())
}
