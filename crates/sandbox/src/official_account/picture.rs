//! Uploaded pictures: card pictures come from the addresses that an upload gives.

use kabao_models::ImageFormat;

use super::{Context, Core};
use crate::ledger::Effect;
use crate::official_account::Refused;
use crate::random;
use crate::settings::UrlScheme;

impl Core {
    /// Takes a picture and returns its address on the CDN.
    pub(crate) fn upload_picture(
        &mut self,
        context: &Context<'_>,
        content: &[u8],
    ) -> Result<String, Refused> {
        let known = [ImageFormat::Jpeg, ImageFormat::Png];
        if !ImageFormat::of_content(content).is_some_and(|format| known.contains(&format)) {
            return Err(Refused::FileType);
        }
        if content.len() > context.rules.upload_max_bytes {
            return Err(Refused::ImageSize);
        }
        let scheme = match context.rules.upload_url_scheme {
            UrlScheme::Http => "http",
            UrlScheme::Https => "https",
        };
        let url = format!("{scheme}://mmbiz.qpic.cn/mmbiz/{}/0", random::secret(32));
        self.give(Effect::default().gives("url", url.as_str()));
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official_account::template_rules;
    use crate::official_account::testing::World;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    fn upload(world: &mut World, content: &[u8]) -> Result<String, i64> {
        world
            .run(|core, context| core.upload_picture(context, content))
            .map_err(|refused| refused.errcode())
    }

    #[test]
    fn type_and_size_are_checked_and_the_address_suits_a_card() {
        let mut world = World::new();
        for content in [b"".as_slice(), b"GIF89a", b"BM.."] {
            assert_eq!(upload(&mut world, content), Err(40005));
        }
        let mut large = PNG.to_vec();
        large.resize(1 << 20, 0);
        assert!(upload(&mut world, &large).is_ok());
        large.push(0);
        assert_eq!(upload(&mut world, &large), Err(40009));
        world.rules.upload_max_bytes = large.len();
        let url = upload(&mut world, &large).unwrap();
        assert!(url.starts_with("http://"), "{url}");
        world
            .run(|_, context| template_rules::picture(context, &url))
            .unwrap();
        world.rules.upload_url_scheme = UrlScheme::Https;
        assert!(upload(&mut world, PNG).unwrap().starts_with("https://"));
    }
}
