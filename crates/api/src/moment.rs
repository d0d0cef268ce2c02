//! Moments as they are kept: exactly, also those before 1970, which `serde`'s own form refuses.

use std::time::{Duration, SystemTime};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment as its distance from 1970, UTC.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Distance {
    After(Duration),
    Before(Duration),
}

#[expect(clippy::ref_option, reason = "what serde hands over")]
pub(crate) fn serialize<S: Serializer>(
    moment: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let distance = moment.map(
        |moment| match moment.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Distance::After(after),
            Err(before) => Distance::Before(before.duration()),
        },
    );
    distance.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SystemTime>, D::Error> {
    let Some(distance) = Option::<Distance>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let moment = match distance {
        Distance::After(after) => SystemTime::UNIX_EPOCH.checked_add(after),
        Distance::Before(before) => SystemTime::UNIX_EPOCH.checked_sub(before),
    };
    let moment = moment.ok_or_else(|| D::Error::custom("a moment that there is not"))?;
    Ok(Some(moment))
}
