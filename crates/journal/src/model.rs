//! Models for tests: a store that crashes, a WeChat that loses answers, and a backend that writes as
//! those of the families do. Everything in them that is random comes from outside.

mod backend;
mod store;
mod wechat;

pub use self::backend::ModelBackend;
pub use self::store::{Failing, Kind, ModelStore, Replica};
pub use self::wechat::{Applied, Fate, ModelWeChat, Pipeline};
