//! Spendbar puts today's AI spend in the menu bar and warns before a budget breaks.
//!
//! The flow, which is also the order of the modules:
//! [`sources`] produce a [`spend::Reading`]; [`pricing`] turns tokens into list price and
//! [`energy`] into ranges of electricity; the [`ledger`] keeps readings and prices; [`budgets`]
//! judge the totals; the [`monitor`] drives all of it; the [`board`] is the one picture that
//! [`faces`] draw.

pub mod app;
pub mod board;
pub mod budgets;
pub mod config;
pub mod demo;
pub mod energy;
pub mod faces;
pub mod git;
pub mod hooks;
pub mod ledger;
pub mod monitor;
pub mod plans;
pub mod platform;
pub mod pricing;
pub mod secrets;
pub mod sources;
pub mod spend;
