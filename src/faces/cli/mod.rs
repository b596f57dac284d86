//! The command line: one file per command; plain data in, text or JSON out.
//!
//! [`args`] is what can be typed. Each command's file writes to the writer it is given and does
//! nothing else; joining them to the ledger, the monitor and the keyring is the work of `app`.
//! The JSON is an interface that others build on: every document names its schema, its structs
//! stand beside the text of the same command, and fields are added, never changed.

pub mod alerts;
pub mod args;
pub mod autostart;
pub mod budget;
pub mod check;
pub mod config;
pub mod doctor;
pub mod energy;
pub mod explain;
pub mod first_run;
pub mod guard;
pub mod input;
pub mod json;
pub mod key;
pub mod plan;
pub mod poll;
pub mod provider;
pub mod reconcile;
pub mod report;
pub mod sources;
pub mod status;
pub mod style;
pub mod table;
pub mod whatif;
pub mod yields;
