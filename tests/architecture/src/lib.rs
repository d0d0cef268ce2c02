//! The shape of the workspace, as tests.
//!
//! A layer that only a document describes is gone after a year of small exceptions.
//! These tests read `cargo metadata`, `cargo tree`, the manifests and the sources, and name the file or edge that breaks a rule.
//! A rule that is in the way is changed here, in the same change, with its reason: that is the moment to look at it closely.

#[cfg(test)]
mod benchmarks;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod modules;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod sources;
