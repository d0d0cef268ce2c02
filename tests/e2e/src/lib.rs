//! The gateway over gRPC against the sandbox, in one process and on free ports.
//!
//! Every test has a world of its own: a gateway, a sandbox with the demo data, a channel. Nothing is mocked between
//! the stub of the caller and the state of "WeChat". One file holds one group of behaviours.

#![cfg(test)]

mod accounts;
mod brand;
mod canaries;
mod changes;
mod client_signature;
mod control;
mod credentials;
mod crowded;
mod demo;
mod flow;
mod foreign_forms;
mod founding;
mod kept_reads;
mod key_changes;
mod late_store;
mod leaks;
mod ledger;
mod life_brand;
mod life_merchant;
mod life_official_account;
mod load;
mod media;
mod merchant;
mod odd_answers;
mod official_account;
mod portable_members;
mod portable_templates;
mod postgres;
mod proxies;
mod published_reasons;
mod quota;
mod raw;
mod refusal;
mod refused_and_counted;
mod refused_at_the_door;
mod refused_brand;
mod refused_by_wechat;
mod refused_official_account;
mod reloads;
mod renewal;
mod server;
mod shared_reads;
mod signed;
mod softhsm;
mod tokens;
mod told;
mod true_answers;
mod unreachable;
mod unverified;
mod walk;
mod walk_all;
mod walk_brand;
mod walk_merchant;
mod walk_official_account;
mod world;
