//! The program as a whole, as a user runs it: one binary of tests that start the real `spendbar`
//! with a home of their own, a clock of their own and providers on loopback.
//!
//! [`world`] is the builder every test starts from; [`provider`] a pretend provider whose faults
//! can be switched while the program runs; [`lines`] writes log lines as the agents do. Everything
//! else is tests, a file for each promise.
//!
//! | variable | meaning |
//! |---|---|
//! | `SPENDBAR_KILLS` | how often the kill test kills the program (25 unless set) |
//! | `SPENDBAR_REQUIRE_DESKTOP` | `1`: a missing desktop part, or Chromium, fails the tests that need it |
//! | `SPENDBAR_POPOVER` | the program, built with the feature `popover`, for the tests of its window |
//! | `SPENDBAR_POPOVER_SCREENSHOT` | a file that the picture of that window goes to (PNG) |
//! | `SPENDBAR_FOCUS_FILE` | a file that an export in the format of FOCUS goes to; see `.ci/focus` |
//! | `SPENDBAR_PAGE_LEDGER` | a ledger whose page is to be timed; see `page_browser::paints` |
//! | `SPENDBAR_PAGE_SCREENSHOTS` | a folder that pictures of the demo's page go to; see `tests/desk/page-screenshot.sh` |

mod accessibility;
mod agents;
mod budgets;
mod check;
mod chromium;
mod commands;
mod corpus;
mod delivery;
mod demo;
mod described;
mod desk;
mod desktop;
mod energy;
mod explain;
mod exports;
mod floor;
mod git_world;
mod guard;
mod histories;
mod hostile;
mod incidents;
mod keys;
mod kill;
mod layout;
mod ledger;
mod lexer;
mod lines;
mod live;
mod mcp;
mod metrics;
mod page;
mod page_browser;
mod plans;
mod polling;
mod popover;
mod prices;
mod provider;
mod providers;
mod pull_requests;
mod readme;
mod reconcile;
mod report;
mod settings;
mod settings_browser;
mod snippets;
mod top;
mod warnings;
mod watches;
mod whatif;
mod wire;
mod world;
mod yields;
