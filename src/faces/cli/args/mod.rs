//! What can be typed: the arguments of every command, and their help.
//!
//! [`Cli::read`] gives checked arguments or an error that clap prints and leaves with; wrong usage
//! is exit code 2. Nothing here says what a person typed where a key was to be expected.

mod alerts;
mod autostart;
mod budget;
mod check;
mod energy;
mod export;
mod guard;
mod mcp;
mod plan;
mod provider;
mod reconcile;
mod report;
mod span;
#[cfg(test)]
pub(super) mod tests;
mod whatif;
mod yields;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::platform::popover::Point;
use crate::spend::{Currency, Money};

pub use alerts::{AlertsArgs, AlertsCommand};
pub use autostart::AutostartCommand;
pub use budget::{BudgetCommand, BudgetSetArgs};
pub use check::CheckArgs;
pub use energy::EnergyArgs;
pub use export::{ExportArgs, Format};
pub use guard::{AllowArgs, GuardChangeArgs, GuardCommand, Until};
pub use plan::{CompareArgs, PlanCommand, PlanSetArgs};
pub use provider::{ProviderArg, ProviderCheckArgs, ProviderCommand};
pub use reconcile::ReconcileArgs;
pub use report::{DayArg, ReportArgs, parse_day, parse_group};
pub use span::SpanArgs;
pub use whatif::WhatIfArgs;
pub use yields::YieldArgs;

const EXAMPLES: &str = "\
Examples:
  spendbar                                 run: in the tray, or as a live line in a terminal
  spendbar demo                            see it at work on a pretend world
  spendbar key set openai-admin            store a provider's key in the system's keyring
  spendbar budget set 200 --per day        be told before today costs more than $200
  spendbar report --since 7d --by day,model

Exit codes:
  0  done
  1  failed: what went wrong is on standard error
  2  wrong usage
  3  over a budget, from `check`";

/// Today's AI spend in the menu bar, and a warning before a budget breaks.
///
/// Reads the session logs that coding agents leave on this machine and the billing endpoints of
/// providers you give a key for. Without a command it runs until it is told to stop.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "spendbar",
    version,
    after_long_help = EXAMPLES,
    after_help = "spendbar --help says more.",
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// The command; without one, the program runs.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// How the program runs.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunArgs {
    /// Run without the tray: a live line in the terminal, plain log lines elsewhere
    #[arg(long, visible_alias = "no-tray")]
    pub headless: bool,
    /// Serve today's figures to Prometheus on this machine, as [metrics] of the config says
    #[arg(long)]
    pub metrics: bool,
}

/// One command.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Today at a glance
    #[command(after_help = "\
Examples:
  spendbar status
  spendbar status --line     one short line, for tmux, waybar or starship: ≈$214.37 43%

The marks at the end of --line:  ! near a budget   !! over it   ? old figures   x no figures
                                 || paused")]
    Status(StatusArgs),
    /// Watch spend by session as it happens, over the whole terminal
    #[command(after_help = "\
Keys: arrows or j and k select, s sorts, p stands still, ? explains, q leaves.

Where Spendbar runs, this only reads what it records. Where it does not, this is Spendbar running: it
reads logs, asks providers and tells alerts until you leave.")]
    Top {
        /// End after this many seconds
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        seconds: Option<u64>,
    },
    /// Where it went: tokens, list price and billed cost, grouped as you like
    #[command(after_help = "\
Days are written 2026-11-24, today, yesterday, or 7d for the first of the last 7 days, today
included.

Examples:
  spendbar report                                   the last 30 days, by day
  spendbar report --since 7d --by source,model
  spendbar report --since 2026-11-01 --until 2026-11-30 --by project --json
  spendbar report --since today --by session --tz America/New_York")]
    Report(ReportArgs),
    /// Logs and bills side by side: what matches, what differs, and the likely reason
    #[command(after_help = "\
Lines up logs and bill per account, day and model, in UTC days. Without --all it shows the month's
sum and the ten largest differences of each account.

Examples:
  spendbar reconcile                      this month
  spendbar reconcile --month last --all
  spendbar reconcile --month 2026-11 --json")]
    Reconcile(ReconcileArgs),
    /// What the same usage would have cost otherwise: other prices, model or tier, no cache
    #[command(
        name = "whatif",
        after_help = "\
Each change is told alone, and all of them together. Days are written as for `report`.

Examples:
  spendbar whatif --no-fast --batch
  spendbar whatif --model gpt-5.5-mini --month last
  spendbar whatif --scale 2x --since 7d --json
  spendbar whatif --prices announced.toml       rows as under [[price]] in the config"
    )]
    WhatIf(WhatIfArgs),
    /// What it took in electricity, carbon and water: estimates, as ranges, with their sources
    #[command(after_help = "\
Nobody outside the providers can measure a request. [energy] in the config sets the grid's region and
the building's PUE. Days are written as for `report`.

Examples:
  spendbar energy                     the last 30 days
  spendbar energy --month last
  spendbar energy --since 7d --json")]
    Energy(EnergyArgs),
    /// What others read: CSV, JSON, FOCUS, a statement to print, a card to show around
    #[command(after_help = "\
Without days: the last 30 of them; for focus and statement the running month.

Examples:
  spendbar export csv --since 2026-01-01 --projects --output year.csv
  spendbar export json --month last | jq .totals
  spendbar export focus --month 2026-11 --output focus.csv
  spendbar export statement --month last --output statement.html
  spendbar export card --output card.png")]
    Export(ExportArgs),
    /// What the money bought: spend per commit, line and pull request, and what led to none
    #[command(after_help = "\
What a request cost goes to the next commit made in the same working tree within 24 hours after it
([yield] window_hours in the config); what none follows led to no commit. Whose commits those are the
working tree's own log tells, and where it does not, git's user.email. Commits of the last 400 days are
read with git, only what is new each time.

Examples:
  spendbar yield                                   the last 30 days, by repository
  spendbar yield --since 7d --by repository,branch
  spendbar yield --since 2026-11-01 --by commit --json")]
    Yield(YieldArgs),
    /// Open the page of the running Spendbar in the browser
    #[command(after_help = "\
The page is served on this machine alone, by the program that runs in the tray or in a terminal.
Its address lets in whoever has it, for as long as that program runs.

Examples:
  spendbar page
  spendbar page --json     print the address: {\"schema\":\"spendbar.page.v1\",\"url\":...}")]
    Page(JsonArg),
    /// Look once at every source, record what is there, and leave
    Poll {
        /// Read agents' logs only; ask no provider
        #[arg(long)]
        offline: bool,
    },
    /// Whether spend is within budgets: exit code 0, or 3 over one of them
    #[command(after_help = "\
Examples:
  spendbar check                                      every budget
  spendbar check --budget day --budget team
  spendbar check --max 50 --per day --project .       a limit of this command's own")]
    Check(CheckArgs),
    /// Show how each record of one log was counted, and why
    #[command(after_help = "\
Example:
  spendbar scan --explain ~/.codex/sessions/2026/11/24/rollout-….jsonl")]
    Scan(ScanArgs),
    /// Every source Spendbar can read, found here or not
    Sources(JsonArg),
    /// The alerts that spoke and where they were told; test and snooze them
    Alerts(AlertsArgs),
    /// What was looked for, where, and what was found
    Doctor(JsonArg),
    /// Descriptions of providers and gateways of your own
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// The config file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Budgets: be told before an amount is reached
    #[command(subcommand)]
    Budget(BudgetCommand),
    /// Plans with a fee: what is paid, what they are worth, and what others would have cost
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Stop agents at a budget: hooks in their own settings
    #[command(after_help = "\
Examples:
  spendbar guard install claude-code    show the change to its settings, ask, and make it
  spendbar guard                        which agents have the hook, and the limits
  spendbar guard allow --for 1h         let agents go on at a limit

Agents run `spendbar guard hook AGENT`. It stops them at 100 % of a budget and warns them before;
[guard] in the config changes that. When it can't check, agents go on.")]
    Guard {
        /// What to do; without it, how things are
        #[command(subcommand)]
        command: Option<GuardCommand>,
    },
    /// Answer agents that ask what was spent: a server of the Model Context Protocol
    #[command(after_help = mcp::HELP)]
    Mcp,
    /// Providers' keys in the system's keyring
    #[command(subcommand)]
    Key(KeyCommand),
    /// Start at login, or no longer
    #[command(subcommand)]
    Autostart(AutostartCommand),
    /// The window by the icon, which the running program opens
    #[command(hide = true)]
    Window {
        /// Where the running program's page is written down.
        page: PathBuf,
        /// Where the icon is.
        #[arg(long, value_name = "X,Y", value_parser = point)]
        at: Option<Point>,
    },
    /// See it at work on a pretend world: no key, no network, no desktop needed
    Demo {
        /// End after this many seconds
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        seconds: Option<u64>,
        /// How to run.
        #[command(flatten)]
        run: RunArgs,
    },
}

/// `--json`.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonArg {
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `scan`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ScanArgs {
    /// The log: a file in one of the folders that `spendbar sources` lists
    #[arg(long, value_name = "FILE")]
    pub explain: PathBuf,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `status`.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusArgs {
    /// Print JSON for programs
    #[arg(long, conflicts_with = "line")]
    pub json: bool,
    /// Print one short line
    #[arg(long)]
    pub line: bool,
    /// Print what a bar's own format wants
    #[arg(long, value_enum, value_name = "BAR", conflicts_with_all = ["json", "line"])]
    pub format: Option<StatusFormat>,
}

/// A bar with a format of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// JSON with text, tooltip, class and percentage, for a custom module of Waybar
    Waybar,
}

/// `config ...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Print where the file is
    Path,
    /// Read the file and say what is wrong with it
    Check,
    /// Open the file in $VISUAL or $EDITOR
    Edit,
}

/// `key ...`. Provider ids in here are known ones.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum KeyCommand {
    /// Store a provider's key: asks without showing it, or reads standard input
    #[command(after_help = "\
A key is never taken from the command line, where other programs and the shell's history see it.

Examples:
  spendbar key set openai-admin
  pass show openai/admin | spendbar key set openai-admin
  spendbar key set webhook-team      the address of the [[webhook]] with the name team

Without a keyring, set the provider's variable instead: OPENAI_ADMIN_KEY, ANTHROPIC_ADMIN_KEY or
OPENROUTER_API_KEY. SPENDBAR_KEYRING=off leaves the keyring alone.")]
    Set(ProviderArg),
    /// Which provider has a key, and where it comes from; at most its last 4 characters are shown
    List(JsonArg),
    /// Ask the provider whether it takes the key
    Test(ProviderArg),
    /// Remove a provider's key from the keyring
    Remove(ProviderArg),
}

impl Cli {
    /// Reads arguments, the program's name first.
    ///
    /// # Errors
    /// Wrong usage, or a request for help or the version. Print it and leave with its `exit_code`.
    pub fn read<I, T>(arguments: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        let cli = Self::try_parse_from(arguments)?;
        if let Some(Command::Key(
            KeyCommand::Set(argument) | KeyCommand::Test(argument) | KeyCommand::Remove(argument),
        )) = &cli.command
        {
            argument.check()?;
        }
        if let Some(Command::Report(report)) = &cli.command {
            report.check()?;
        }
        if let Some(Command::Export(export)) = &cli.command {
            export.check()?;
        }
        Ok(cli)
    }
}

fn wrong(message: impl std::fmt::Display) -> clap::Error {
    Cli::command().error(ErrorKind::ValueValidation, message)
}

fn parse_amount(text: &str) -> Result<Money, String> {
    let plain = text.strip_prefix('$').unwrap_or(text);
    match Money::parse(plain, Currency::USD) {
        Ok(amount) if amount.attos > 0 => Ok(amount),
        _ => Err("write dollars above zero, such as 200 or 200.50".into()),
    }
}

fn point(text: &str) -> Result<Point, String> {
    let point = text
        .split_once(',')
        .and_then(|(x, y)| Some(Point { x: x.parse().ok()?, y: y.parse().ok()? }));
    point.ok_or_else(|| "write two whole numbers, such as 1200,12".into())
}
