//! Kabao as others see it.
//!
//! Callers in Go and Java, with stubs made by the stock generators, and grpcurl talk to `kabao dev`.
//! SDKs for WeChat Pay and for official accounts that no one here wrote talk to its sandbox, unchanged.
//! The commands of README.md and the examples of the crate `kabao-client` run as they stand there, twice.
//!
//! The callers live in `go/` and `java/` beside `src/`, the programs with SDKs in `go-sdk/`, `java-mp/`, `java-sdk/`,
//! `node/` and `python/`.
//! `.ci/interop` builds them and runs these tests.
//! Without it the tests are reported as ignored, because they need Go, Java with Maven, Node and Python.

#[cfg(test)]
mod callers;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod foreign_sdks;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod grpcurl;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod lives;
#[cfg(test)]
mod markdown;
#[cfg(test)]
mod program;
#[cfg(test)]
mod readme;
