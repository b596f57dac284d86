//! What the config file may say, and what is said of mistakes in it.

use proptest::prelude::*;

use super::*;
use crate::budgets::watch::Watched;
use crate::sources::{SOURCES, SourceKind};
use crate::spend::{Cycle, Zone};

/// The ids of every source of the table, or of one kind.
fn source_ids(kind: Option<SourceKind>) -> Vec<&'static str> {
    let infos = SOURCES.iter().map(|source| source.info());
    infos.filter(|info| kind.is_none_or(|kind| info.kind == kind)).map(|info| info.id).collect()
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("config.toml"), Path::new("/home/u"), Zone::UTC)
}

fn load(text: &str) -> Config {
    parse(text).unwrap_or_else(|error| panic!("{error}"))
}

/// What is said about a wrong file; the lists of ids stand for themselves as `<ids>`.
fn complaint(text: &str) -> String {
    let mut said = parse(text).expect_err("wrong").to_string();
    let agents = source_ids(Some(SourceKind::Agent));
    let providers = source_ids(Some(SourceKind::Provider));
    let quoted: Vec<_> = source_ids(None).iter().map(|id| format!("{id:?}")).collect();
    for list in [agents.join(", "), providers.join(", "), quoted.join(", ")] {
        said = said.replace(&list, "<ids>");
    }
    said
}

/// Settings are `#name = ...` and `#[section]`, prose is `# ...`.
fn uncommented(text: &str) -> String {
    let setting = |line: &str| {
        let rest = line.strip_prefix('#')?;
        (!rest.is_empty() && !rest.starts_with(' ')).then(|| rest.to_owned())
    };
    text.lines().map(|line| setting(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_shipped_file_is_all_comments_and_says_the_defaults() {
    assert_eq!(load(DEFAULT_TEXT), Config::defaults(Zone::UTC));
    let shown = load(&uncommented(DEFAULT_TEXT));
    let defaults = Config::defaults(Zone::UTC);
    assert_eq!(shown.headline, defaults.headline);
    assert_eq!(shown.period, defaults.period);
    assert_eq!(shown.notifications, defaults.notifications);
    assert_eq!(shown.status_pages, defaults.status_pages);
    assert_eq!(shown.alerts.hooks.len(), 1);
    assert_eq!(shown.alerts.webhooks.len(), 3);
    for source in SOURCES.iter() {
        let info = source.info();
        assert!(shown.enabled(info.id));
        assert_eq!(shown.account(info), info.account);
        assert_eq!(shown.poll_minutes(info), info.poll_minutes);
        // Some sections show the settings; the comments above them name every source.
        let mut words = DEFAULT_TEXT.split([' ', ',', '.', '\n']);
        assert!(words.any(|word| word == info.id), "{}", info.id);
        if let Some(address) = shown.base_url(info.id) {
            // A gateway of one's own is shown with an address to replace.
            let is_own = !info.base_url.is_empty();
            assert!(!is_own || address.as_str().trim_end_matches('/') == info.base_url);
        }
    }
    let [budget] = shown.budgets.as_slice() else { panic!("one budget") };
    let plain = load("[[budget]]\namount = 200\nper = \"day\"\n");
    assert_eq!(*budget, plain.budgets[0]);
}

/// The reader's complaint about an unknown setting lists the known ones.
#[test]
fn the_shipped_file_shows_every_setting() {
    let shown = uncommented(DEFAULT_TEXT);
    for (section, aliases) in [
        ("", [""; 2]),
        ("[agents.codex]\n", [""; 2]),
        ("[providers.openrouter]\n", [""; 2]),
        ("[[budget]]\n", ["period", "scope"]),
        ("[guard]\n", [""; 2]),
        ("[energy]\n", [""; 2]),
        ("[[watch]]\n", [""; 2]),
        ("[alerts]\n", [""; 2]),
        ("[[hook]]\n", [""; 2]),
        ("[[webhook]]\n", [""; 2]),
        ("[[plan]]\n", ["sources", ""]),
        ("[[discount]]\n", [""; 2]),
        ("[people]\n", [""; 2]),
    ] {
        let complaint = complaint(&format!("{section}zzz = 1\n"));
        let (listed, _) = complaint.split_once(", in `").expect("the line");
        let names: Vec<_> = listed.split('`').skip(3).step_by(2).collect();
        assert!(names.len() > 3, "{complaint}");
        for name in names.iter().filter(|name| !aliases.contains(name)) {
            assert!(
                shown.contains(&format!("\n{name} ="))
                    || shown.contains(&format!("\n[{name}."))
                    || shown.contains(&format!(".{name}."))
                    || shown.contains(&format!("\n[{name}]"))
                    || shown.contains(&format!("\n[[{name}]]")),
                "{name}"
            );
        }
    }
}

#[test]
fn amounts_are_taken_from_their_digits() {
    for (written, decimal) in [
        ("200", "200"),
        ("200.50", "200.5"),
        ("0.1000000000000000055", "0.100000000000000006"),
        ("1_000.25", "1000.25"),
        ("+2.5", "2.5"),
        ("2e3", "2000"),
        ("0x10", "16"),
        ("\"0.3\"", "0.3"),
        ("' 12 '", "12"),
    ] {
        let config = load(&format!("[[budget]]\namount = {written} # c\nper = \"day\"\n"));
        assert_eq!(config.budgets[0].amount.to_decimal(), decimal, "{written}");
    }
}

#[test]
fn agents_that_ask_are_told_figures_alone_unless_the_config_says_more() {
    assert!(!load("").mcp.projects);
    assert!(load("[mcp]\nprojects = true\n").mcp.projects);
    let slip = complaint("[mcp]\nproject = true\n");
    assert!(slip.contains("unknown setting `project`"), "{slip}");
}

#[test]
fn alerts_go_where_the_config_says() {
    let config = load(
        "[alerts]\nquiet = \"22:00-08:00\"\n\
         [[hook]]\ncommand = [\"~/bin/lamp\", \"red\"]\nfrom = \"critical\"\ntimeout = 5\n\
         [[hook]]\ncommand = [\"beep\"]\n\
         [[webhook]]\nname = \"team\"\nbody = \"slack\"\n\
         [[webhook]]\nurl_env = \"CHAT\"\n\
         [[webhook]]\nurl = \"https://hooks.example/hunter2\"\n",
    );
    assert_eq!(config.alerts.quiet, crate::spend::Quiet::parse("22:00-08:00"));
    let channels: Vec<_> =
        config.alerts.channels().map(|(id, from)| format!("{id} {}", from.word())).collect();
    assert_eq!(
        channels,
        [
            "hook:hook critical",
            "hook:hook-2 info",
            "webhook:team info",
            "webhook:webhook info",
            "webhook:webhook-2 info"
        ]
    );
    assert_eq!(config.alerts.hooks[0].command, ["/home/u/bin/lamp", "red"]);
    assert_eq!(config.alerts.webhooks[0].key(), "webhook-team");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn wrong_alerts_are_told_without_their_secrets() {
    let text = "[alerts]\nquiet = \"22-8\"\n\
         [[hook]]\ncommand = []\n\
         [[hook]]\ncommand = [\"./lamp\"]\n\
         [[hook]]\nname = \"a b\"\ncommand = [\"lamp\"]\ntimeout = 0\n\
         [[webhook]]\nurl = \"http://hooks.example/hunter2\"\n\
         [[webhook]]\nurl = \"https://u:hunter2@hooks.example/\"\n\
         [[webhook]]\nname = \"x\"\nurl_env = \"https://hooks.example/hunter2\"\n\
         [[webhook]]\nname = \"x\"\nurl = \"https://a/hunter2\"\nurl_env = \"A\"\n";
    let said = complaint(text);
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said, @r#"
    config.toml:2: alerts.quiet: "22-8" is no span of hours
      hint: write two different times, such as "22:00-08:00"
    config.toml:4: hook.command: the list is empty
      hint: write the program and its arguments, such as ["notify-me", "--loud"]
    config.toml:6: hook.command: "./lamp" is neither a whole path nor a program's name
      hint: write the whole path, or a name that is found in PATH
    config.toml:8: hook.name: "a b" is no name of a hook
      hint: write up to 24 small letters, digits and hyphens, such as "team"
    config.toml:10: hook.timeout: 0 is out of range
      hint: write seconds from 1 to 300
    config.toml:12: webhook.url: plain http would send what it is told to hooks.example for everyone to read; it is for this machine only
      hint: write an address such as "https://hooks.slack.com/services/…"
    config.toml:14: webhook.url: it holds a user name or password before hooks.example
      hint: write an address such as "https://hooks.slack.com/services/…"
    config.toml:17: webhook.url_env: it is no name of an environment variable
      hint: write a name such as "SLACK_WEBHOOK", not the address itself
    config.toml:19: webhook.name: a second webhook is named "x"
      hint: give each a name of its own
    config.toml:21: webhook: it has both url and url_env
      hint: take one of them out
    "#);
    for wrong in [
        "[[webhook]]\nurl = \"https://hooks.example/hunter2\" x\n",
        "[[webhook]]\nbody = \"https://hooks.example/hunter2\"\n",
        "[[webhook]]\nlink = \"https://hooks.example/hunter2\"\n",
        "[[webhook]]\nurl = [\"https://hooks.example/hunter2\"]\n",
    ] {
        let said = complaint(wrong);
        assert!(said.contains("hooks.example…") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn budgets_get_names_thresholds_and_scopes() {
    let config = load(
        "[[budget]]\namount = 1\nper = \"day\"\n\
         [[budget]]\namount = 2\nperiod = \"day\"\nthresholds = [100, 50, 100, 1000, 1]\n\
         [[budget]]\nname = \"month\"\namount = 3\nper = \"week\"\nscope = [\"codex\", \"codex\"]\n\
         [[budget]]\namount = 4\nper = \"month\"\nsources = \"all\"\nthresholds = []\n",
    );
    let rows: Vec<_> = config
        .budgets
        .iter()
        .map(|b| {
            (b.name.as_str(), b.cycle, b.thresholds_percent.as_slice(), b.filter.only.sources.len())
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("day", Cycle::Day, [50, 80, 100].as_slice(), 0),
            ("day-2", Cycle::Day, &[1, 50, 100, 1000], 0),
            ("month", Cycle::WEEK, &[50, 80, 100], 1),
            ("month-2", Cycle::MONTH, &[], 0),
        ]
    );
}

#[test]
fn the_guard_has_defaults_and_names_budgets_that_are_there() {
    let budget = "[[budget]]\namount = 50\nper = \"day\"\n";
    assert_eq!(load(budget).guard, Rules::default());
    let text = "[guard]\nbudgets = [\"day\"]\nsoft = 70\nhard = 110\nsession = 2.50\n";
    let guard = load(&format!("{text}{budget}")).guard;
    assert_eq!(guard.budgets, Some(vec!["day".to_owned()]));
    assert_eq!((guard.soft_percent, guard.hard_percent), (Some(70), 110));
    assert_eq!(guard.session.map(|amount| amount.to_decimal()), Some("2.5".into()));
    let wrong = "[guard]\nbudgets = [\"week\"]\nsoft = 100\nhard = 0\nsession = 0\n";
    insta::assert_snapshot!(complaint(&format!("{wrong}{budget}")), @r#"
    config.toml:2: guard.budgets: no budget is named "week"
      hint: write some of "day", or leave it out for all
    config.toml:3: guard.soft: agents would be warned at 100 % and stopped at 100 %
      hint: write a smaller share, or leave it out for the budget's own warning
    config.toml:4: guard.hard: 0 is out of range
      hint: write whole percent from 1 to 1000
    config.toml:5: guard.session: 0 is not above zero
      hint: write an amount above zero, such as 200 or 200.50
    "#);
    insta::assert_snapshot!(complaint("[guard]\nbudgets = [\"day\"]\n"), @r#"
    config.toml:2: guard.budgets: no budget is named "day"
      hint: set one: spendbar budget set 50 --per day
    "#);
}

#[test]
fn a_provider_can_have_further_accounts() {
    let config = load(
        "[providers.openai-admin]\npoll_minutes = 9\n\
         [providers.openai-admin.accounts.work]\naccount = \"ours\"\n\
         [providers.openai-admin.accounts.client-2]\n",
    );
    let ids: Vec<_> = config.sources().map(|source| source.info().id).collect();
    assert!(ids.ends_with(&["openai-admin@client-2", "openai-admin@work"]), "{ids:?}");
    let work = config.further.find("openai-admin@work").expect("added").info();
    assert_eq!((config.account(work), config.poll_minutes(work)), ("ours", 5));
    insta::assert_snapshot!(complaint("[providers.openai-admin.accounts.\"My Work\"]\n"), @r##"
    config.toml:1: providers.openai-admin.accounts: "My Work" is no name of an account
      hint: write small letters, digits and hyphens, such as "work"
    "##);
}

#[test]
fn a_provider_of_ones_own_takes_ten_lines() {
    let text = "[[provider]]\nid = \"mine\"\nbase_url = \"https://mine.example\"\n\
         [provider.key]\nvariables = [\"MINE_KEY\"]\n\
         [[provider.call]]\npath = \"/balance\"\n\
         [[provider.call.balance]]\nname = \"left\"\namount = \"/left\"\ncurrency = \"USD\"\n";
    let config = load(&format!("{text}[providers.mine]\npoll_minutes = 20\n"));
    let mine = config.further.find("mine").expect("added").info();
    assert_eq!((mine.base_url, config.poll_minutes(mine)), ("https://mine.example", 20));
    assert_eq!(config, load(&format!("{text}[providers.mine]\npoll_minutes = 20\n")));
    insta::assert_snapshot!(complaint(&text.replace("mine\"\nb", "codex\"\nb")), @r##"
    config.toml:2: provider.id: "codex" is the id of another source
      hint: write one of your own
    "##);
    insta::assert_snapshot!(complaint(&text.replace("\"/left\"", "\"left\"")), @r##"config.toml:10: "left" is no place in an answer: write a JSON Pointer such as "/data/balance", or "#/currency" from the top of the answer, in `amount = "left"`"##);
    insta::assert_snapshot!(complaint(&text.replace("/balance\"", "/{team}\"")), @r##"config.toml:6: provider.call: nothing fills {team}: write one of first, last, today, end, now, day, next_day"##);
}

#[test]
fn a_rate_names_its_date() {
    let config = load("[rates]\nEUR = { usd = 1.16, date = \"2026-11-02\" }\n");
    let rate = config.rates.0[&"EUR".parse().expect("code")];
    assert_eq!((rate.nanos_usd, rate.date.to_string()), (1_160_000_000, "2026-11-02".into()));
    insta::assert_snapshot!(complaint("[rates]\nEUR = { usd = 1.16, date = \"today\" }\n"), @r#"
    config.toml:2: rates.date: "today" is no date
      hint: write the day the rate is of, such as "2026-11-02"
    "#);
    insta::assert_snapshot!(complaint("[rates]\nUSD = { usd = 1, date = \"2026-11-02\" }\n"), @r#"
    config.toml:2: rates: "USD" is no other currency
      hint: write a code such as EUR
    "#);
}

#[test]
fn a_watch_names_a_window_or_a_balance() {
    let config = load(
        "[[watch]]\nsource = \"openrouter\"\nquota = \"all\"\n\
         [[watch]]\nsource = \"openrouter\"\nbalance = \"credits\"\nbelow = 2.5\n",
    );
    let thresholds_percent = vec![80, 95];
    assert_eq!(config.watches[0].of, Watched::Quota { window: None, thresholds_percent });
    let below_attos = 25 * 10_i128.pow(17);
    let of = Watched::Balance { name: Some("credits".into()), below_attos };
    assert_eq!(config.watches[1].of, of);
    insta::assert_snapshot!(complaint("[[watch]]\nsource = \"openrouter\"\n"), @r##"
    config.toml:1: watch: it says not what is watched
      hint: write quota = "week" or balance = "credits"; "all" is every one
    "##);
    insta::assert_snapshot!(complaint("[[watch]]\nsource = \"codex\"\nquota = \"week\"\n"), @r##"
    config.toml:2: watch.source: "codex" is not among the providers
      hint: write one of <ids>
    "##);
    insta::assert_snapshot!(complaint("[[watch]]\nsource = \"openrouter\"\nbalance = \"credits\"\n"), @r##"
    config.toml:1: watch.below: below which amount is not said
      hint: write below = 5
    "##);
}

#[test]
fn sections_change_their_source_only() {
    let config = load(
        "zone = \"Asia/Tokyo\"\nheadline = \"billed\"\nnotifications = false\nstatus_pages = false\n\
         [agents.codex]\nenabled = false\nroots = [\"~/a\", \"/b\"]\naccount = \"work\"\nbilling = \"subscription\"\n\
         [providers.openai-admin]\npoll_minutes = 1440\nbase_url = \"http://127.0.0.1:8080/x\"\n",
    );
    assert_eq!(config.zone, Zone::named("Asia/Tokyo"));
    assert_eq!(config.headline, Headline::Billed);
    assert!(!config.notifications && !config.status_pages);
    assert!(!config.enabled("codex") && config.enabled("claude-code"));
    assert_eq!(config.billing("codex"), Some(Billing::Subscription));
    assert_eq!(config.roots()["codex"], [PathBuf::from("/home/u/a"), PathBuf::from("/b")]);
    assert_eq!(config.base_url("openai-admin").expect("set").port(), Some(8080));
    let info = crate::sources::find("codex").expect("known").info();
    assert_eq!(config.account(info), "work");
}

#[test]
fn complaints_name_the_line_what_was_found_and_what_to_write() {
    insta::assert_snapshot!(complaint("\nzone = \"Berlin\"\n"), @r#"
    config.toml:2: zone: "Berlin" is no time zone
      hint: write a name such as "Europe/Berlin" or "UTC", or leave the setting out to follow the system
    "#);
    insta::assert_snapshot!(complaint("zoen = \"UTC\"\n"), @r#"config.toml:1: unknown setting `zoen`, expected one of `zone`, `headline`, `icon`, `notifications`, `status_pages`, `metrics`, `alerts`, `hook`, `webhook`, `agents`, `providers`, `provider`, `budget`, `guard`, `yield`, `energy`, `mcp`, `watch`, `rates`, `plan`, `discount`, `people`, `price`, in `zoen = "UTC"`"#);
    insta::assert_snapshot!(complaint("[icon]\nperiod = \"year\"\n"), @r#"config.toml:2: unknown value `year`, expected one of `day`, `week`, `month`, in `period = "year"`"#);
    insta::assert_snapshot!(complaint("headline = \"price\"\n"), @r#"config.toml:1: unknown value `price`, expected one of `spend`, `list`, `billed`, `paid`, in `headline = "price"`"#);
    insta::assert_snapshot!(complaint("notifications = \"yes\"\n"), @r#"config.toml:1: wrong kind of value: string "yes", expected a boolean, in `notifications = "yes"`"#);
    insta::assert_snapshot!(complaint("zone = \n"), @"config.toml:1: string values must be quoted, expected literal string, in `zone =`");
    insta::assert_snapshot!(complaint("[agents.kodex]\nenabled = true\n"), @r#"
    config.toml:1: agents.kodex: "kodex" is not among the agents this version reads
      hint: write one of <ids>
    "#);
    insta::assert_snapshot!(complaint("[providers.openai]\nenabled = true\n"), @r#"
    config.toml:1: providers.openai: "openai" is not among the providers this version reads
      hint: write one of <ids>
    "#);
    insta::assert_snapshot!(complaint("[agents.codex]\nroots = [\"/a\", \"b\"]\n"), @r#"
    config.toml:2: agents.codex.roots: "b" is not an absolute path
      hint: write the whole path, or begin it with ~/ for your home folder
    "#);
    insta::assert_snapshot!(complaint("[[budget]]\nper = \"day\"\n"), @"config.toml:1: missing setting `amount`, in `[[budget]]`");
}

#[test]
fn one_run_shows_every_problem() {
    insta::assert_snapshot!(
        complaint(
            "[providers.openrouter]\npoll_minutes = 0\nbase_url = \"http://example.com\"\naccount = \"\"\n\
             [[budget]]\nname = \"a\"\namount = true\ncurrency = \"EUR\"\nper = \"day\"\nthresholds = [0]\n\
             [[budget]]\nname = \"a\"\namount = -3.5\nper = \"day\"\nsources = [\"notepad\"]\n\
             [[budget]]\namount = nan\nper = \"day\"\nsources = []\n"
        ),
        @r#"
    config.toml:2: providers.openrouter.poll_minutes: 0 is out of range
      hint: write whole minutes from 1 to 1440
    config.toml:3: providers.openrouter.base_url: plain http would send the key unencrypted; it is for this machine only
      hint: write an address such as "https://gateway.example.com"
    config.toml:4: providers.openrouter.account: the name is empty
      hint: write a name; sources with the same name are one bill
    config.toml:7: budget.amount: found true, not an amount
      hint: write an amount above zero, such as 200 or 200.50
    config.toml:8: budget.currency: what one EUR is worth is not said
      hint: add [rates] EUR = { usd = 1.16, date = "2026-11-02" }
    config.toml:10: budget.thresholds: 0 is out of range
      hint: write whole percent from 1 to 1000, such as [50, 80, 100]
    config.toml:12: budget.name: a second budget is named "a"
      hint: give each budget a name of its own
    config.toml:13: budget.amount: -3.5 is not above zero
      hint: write an amount above zero, such as 200 or 200.50
    config.toml:15: budget.sources: "notepad" is no source this version reads
      hint: write "all", or a list out of [<ids>]
    config.toml:17: budget.amount: "nan" is not a decimal amount
      hint: write an amount above zero, such as 200 or 200.50
    config.toml:19: budget.sources: the list is empty
      hint: write "all", or a list out of [<ids>]
    "#
    );
}

#[test]
fn a_missing_file_is_the_defaults_and_a_folder_is_an_error() {
    let folder = tempfile::tempdir().expect("folder");
    let load = |path: &Path| Config::load(path, Path::new("/home/u"), Zone::UTC);
    assert_eq!(load(&folder.path().join("none")), Ok(Config::defaults(Zone::UTC)));
    assert!(matches!(load(folder.path()), Err(ConfigError::Unreadable { .. })));
    let bytes = folder.path().join("latin1.toml");
    std::fs::write(&bytes, b"# ok\n# \xe4\n").expect("written");
    let complaint = load(&bytes).expect_err("latin-1").to_string();
    assert!(complaint.contains("latin1.toml:2: this line is not UTF-8"), "{complaint}");
}

#[test]
fn the_zone_variable_goes_first() {
    assert_eq!(system_zone(Some("Asia/Tokyo")), Some(Zone::named("Asia/Tokyo")));
    assert_eq!(system_zone(Some(":Asia/Tokyo")), Some(Zone::named("Asia/Tokyo")));
    assert_eq!(system_zone(Some("Mars/Olympus")), system_zone(None));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = parse(&text);
    }

    #[test]
    fn no_budget_makes_it_panic(amount in "[-+0-9._exnaif\"]{0,12}", rest in "[a-z\\[\\]=\" \n0-9]{0,40}") {
        let _ = parse(&format!("[[budget]]\namount = {amount}\nper = \"day\"\n{rest}"));
    }
}
