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
mod plan;
mod provider;
mod reconcile;
mod report;
mod span;
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
pub use report::{DayArg, ReportArgs};
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(std::iter::once("spendbar").chain(line.split_whitespace()))
    }

    pub fn command(line: &str) -> Command {
        read(line).unwrap_or_else(|error| panic!("{error}")).command.expect("a command")
    }

    pub fn refused(line: &str) -> String {
        let error = read(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
        error.to_string()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_runs() {
        for (line, headless) in [("", false), ("--headless", true), ("--no-tray", true)] {
            let cli = read(line).expect(line);
            assert!(cli.command.is_none());
            assert_eq!(cli.run.headless, headless);
        }
        assert!(matches!(
            command("demo --seconds 5 --headless"),
            Command::Demo { seconds: Some(5), run: RunArgs { headless: true, metrics: false } }
        ));
        refused("--headless status");
        refused("demo --seconds 0");
    }

    #[test]
    fn a_budget_says_only_what_was_typed() {
        let set = |line: &str| match command(line) {
            Command::Budget(BudgetCommand::Set(set)) => set,
            other => panic!("{other:?}"),
        };
        let plain = set("budget set $200.50 --per day");
        assert_eq!(plain.amount.to_decimal(), "200.5");
        assert_eq!((plain.thresholds(), plain.sources(), plain.name), (None, None, None));
        let full = set(
            "budget set 5 --per week --threshold 90 --threshold 50,90 --source codex --source codex",
        );
        assert_eq!(full.thresholds(), Some(vec![50, 90]));
        assert_eq!(full.sources(), Some(vec!["codex".into()]));
        assert_eq!(set("budget set 5 --per day --source all").sources(), Some(vec![]));
        for wrong in [
            "budget set 5",
            "budget set 0 --per day",
            "budget set 1,5 --per day",
            "budget set 5 --per year",
            "budget set 5 --per day --threshold 0",
            "budget set 5 --per day --source Notepad",
        ] {
            refused(wrong);
        }
    }

    #[test]
    fn help_reads_well() {
        // The width is fixed here, so that it does not follow the terminal of whoever tests.
        let help = |line: &str| {
            let words = std::iter::once("spendbar").chain(line.split_whitespace());
            let answer = Cli::command().term_width(100).try_get_matches_from(words);
            let answer = answer.expect_err("help");
            assert_eq!(answer.exit_code(), 0);
            answer
                .to_string()
                .lines()
                .map(|line| line.trim_end().to_owned() + "\n")
                .collect::<String>()
        };
        insta::assert_snapshot!(help("--help"), @"
        Today's AI spend in the menu bar, and a warning before a budget breaks.

        Reads the session logs that coding agents leave on this machine and the billing endpoints of
        providers you give a key for. Without a command it runs until it is told to stop.

        Usage: spendbar [OPTIONS]
               spendbar <COMMAND>

        Commands:
          status     Today at a glance
          top        Watch spend by session as it happens, over the whole terminal
          report     Where it went: tokens, list price and billed cost, grouped as you like
          reconcile  Logs and bills side by side: what matches, what differs, and the likely reason
          whatif     What the same usage would have cost otherwise: other prices, model or tier, no cache
          energy     What it took in electricity, carbon and water: estimates, as ranges, with their sources
          export     What others read: CSV, JSON, FOCUS, a statement to print, a card to show around
          yield      What the money bought: spend per commit, line and pull request, and what led to none
          page       Open the page of the running Spendbar in the browser
          poll       Look once at every source, record what is there, and leave
          check      Whether spend is within budgets: exit code 0, or 3 over one of them
          scan       Show how each record of one log was counted, and why
          sources    Every source Spendbar can read, found here or not
          alerts     The alerts that spoke and where they were told; test and snooze them
          doctor     What was looked for, where, and what was found
          provider   Descriptions of providers and gateways of your own
          config     The config file
          budget     Budgets: be told before an amount is reached
          plan       Plans with a fee: what is paid, what they are worth, and what others would have cost
          guard      Stop agents at a budget: hooks in their own settings
          key        Providers' keys in the system's keyring
          autostart  Start at login, or no longer
          demo       See it at work on a pretend world: no key, no network, no desktop needed
          help       Print this message or the help of the given subcommand(s)

        Options:
              --headless
                  Run without the tray: a live line in the terminal, plain log lines elsewhere

                  [alias: --no-tray]

              --metrics
                  Serve today's figures to Prometheus on this machine, as [metrics] of the config says

          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

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
          3  over a budget, from `check`
        ");
        insta::assert_snapshot!(help("report --help"), @"
        Where it went: tokens, list price and billed cost, grouped as you like

        Usage: spendbar report [OPTIONS]

        Options:
              --since <DAY>  First day [default: 30 days up to the last]
              --until <DAY>  Last day, which counts [default: today]
              --by <LIST>    What a row stands for: day, source, account, provider, model, project, session
                             [default: day]
              --tz <ZONE>    Zone of the days, such as Europe/Berlin [default: the config's]
              --energy       Tell electricity too, an estimated range; `spendbar energy` says how it is
                             reckoned
              --json         Print JSON for programs
          -h, --help         Print help

        Days are written 2026-11-24, today, yesterday, or 7d for the first of the last 7 days, today
        included.

        Examples:
          spendbar report                                   the last 30 days, by day
          spendbar report --since 7d --by source,model
          spendbar report --since 2026-11-01 --until 2026-11-30 --by project --json
          spendbar report --since today --by session --tz America/New_York
        ");
        insta::assert_snapshot!(help("budget set --help"), @r#"
        Add a budget, or change the one of that name

        Usage: spendbar budget set [OPTIONS] --per <TIME> <AMOUNT>

        Arguments:
          <AMOUNT>  The limit: 200 or 200.50

        Options:
              --per <TIME>        The time it is for: day, week (from Monday), month, "week from sunday",
                                  "month from 15", "5 hours", "30 days", or "2026-11-01 to 2027-06-30"
              --name <NAME>       Its name
              --threshold <N>     Speak at this percentage; may come several times [default: 50, 80, 100]
              --source <ID>       Count this source only; may come several times; `all` for every source
              --currency <CODE>   The currency of the limit, one that [rates] of the config has [default:
                                  USD]
              --basis <FIGURE>    The figure it counts [default: spend]
              --rollover [<YES>]  Add what the period before left over [possible values: true, false]
              --provider <ID>     Count this provider only; this list and those below may come several times
              --account <NAME>    Count this account only
              --model <NAME>      Count this model only; * is any text
              --project <FOLDER>  Count work in this folder and below it only; `.` is the folder you are in
              --session <ID>      Count this session only
          -h, --help              Print help

        Without --name, the budget goes by the word of its period. What you leave out stays as it is.

        Examples:
          spendbar budget set 200 --per day
          spendbar budget set 3000 --per month --threshold 50,90,100
          spendbar budget set 25.50 --per week --name side-project --source codex
        "#);
        insta::assert_snapshot!(help("key set --help"), @"
        Store a provider's key: asks without showing it, or reads standard input

        Usage: spendbar key set <PROVIDER>

        Arguments:
          <PROVIDER>  The provider's id, as `spendbar sources` shows it, or webhook-NAME for a webhook's
                      address

        Options:
          -h, --help  Print help

        A key is never taken from the command line, where other programs and the shell's history see it.

        Examples:
          spendbar key set openai-admin
          pass show openai/admin | spendbar key set openai-admin
          spendbar key set webhook-team      the address of the [[webhook]] with the name team

        Without a keyring, set the provider's variable instead: OPENAI_ADMIN_KEY, ANTHROPIC_ADMIN_KEY or
        OPENROUTER_API_KEY. SPENDBAR_KEYRING=off leaves the keyring alone.
        ");
        insta::assert_snapshot!(refused("report --since soon"), @"
        error: invalid value 'soon' for '--since <DAY>': write a day as 2026-11-24, today, yesterday or 7d

        For more information, try '--help'.
        ");
    }
}
