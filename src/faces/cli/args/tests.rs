//! What is understood, what is refused, and what the help says.

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
        answer.to_string().lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>()
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
      mcp        Answer agents that ask what was spent: a server of the Model Context Protocol
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
