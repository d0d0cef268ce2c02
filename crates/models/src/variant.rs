//! Operations that are variants of others: brands that call directly do not name themselves, and
//! what they do is otherwise what their service provider does.

use crate::endpoint::Endpoint;
use crate::generated::brand::{direct_media::DirectImageMeta, media::ImageMeta};

/// A request that is a variant of another one: it may lack members, has no others, and is answered
/// alike.
pub trait Variant: Endpoint {
    /// The request of the original operation.
    type Original: Endpoint<Answer = Self::Answer>;

    /// Turns the request into the original one. Members that a variant lacks are absent.
    fn into_original(self) -> Self::Original;

    /// Makes the variant of a request. Members that it lacks are left out.
    fn of(original: Self::Original) -> Self;
}

macro_rules! variants {
    ($($variant:ty = $original:ty { $($member:ident),* };)*) => {$(
        impl Variant for $variant {
            type Original = $original;

            fn into_original(self) -> $original {
                let mut original = <$original>::default();
                $(original.$member = self.$member.counterpart();)*
                original.extra = self.extra;
                original
            }

            fn of(original: $original) -> Self {
                let mut variant = Self::default();
                $(variant.$member = original.$member.counterpart();)*
                variant.extra = original.extra;
                variant
            }
        }
    )*};
}

crate::brand_variants!(variants);

/// A member as the other request of a pair has it: nearly always the same.
trait Counterpart<T> {
    fn counterpart(self) -> T;
}

impl<T> Counterpart<T> for T {
    fn counterpart(self) -> T {
        self
    }
}

/// The digest of a picture has two names.
impl Counterpart<Option<ImageMeta>> for Option<DirectImageMeta> {
    fn counterpart(self) -> Option<ImageMeta> {
        self.map(|meta| ImageMeta {
            filename: meta.filename,
            sha256: meta.file_digest,
            extra: meta.extra,
        })
    }
}

impl Counterpart<Option<DirectImageMeta>> for Option<ImageMeta> {
    fn counterpart(self) -> Option<DirectImageMeta> {
        self.map(|meta| DirectImageMeta {
            filename: meta.filename,
            file_digest: meta.sha256,
            extra: meta.extra,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brand::{cards, direct_cards, direct_media, media};

    #[test]
    fn a_variant_is_its_original_without_the_brand() {
        let provider = cards::UpdateCard {
            card_title: Some("茶港会员卡".into()),
            ..cards::UpdateCard::new("p1", "1004")
        };
        let direct = direct_cards::UpdateDirectCard::of(provider.clone());
        assert_eq!(direct.card_id, "p1");
        assert_eq!(direct.card_title, provider.card_title);
        let without_brand = cards::UpdateCard {
            brand_id: None,
            ..provider
        };
        assert_eq!(direct.into_original(), without_brand);
    }

    #[test]
    fn the_digest_of_a_picture_keeps_its_value_under_both_names() {
        let direct = direct_media::UploadDirectImage {
            meta: Some(DirectImageMeta {
                filename: Some("a.png".into()),
                file_digest: Some("00ff".into()),
                ..DirectImageMeta::default()
            }),
            ..direct_media::UploadDirectImage::default()
        };
        let original: media::UploadImage = direct.clone().into_original();
        assert_eq!(
            original
                .meta
                .as_ref()
                .and_then(|meta| meta.sha256.as_deref()),
            Some("00ff")
        );
        assert_eq!(direct_media::UploadDirectImage::of(original), direct);
    }
}
