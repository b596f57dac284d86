//! The guard: `hook` is what agents run, `manage` what people type.

mod hook;
mod manage;

pub(super) use manage::run;

pub use hook::answer;
