//! Commands that change something: `config`, `budget`, `key`.

use std::io::{self, IsTerminal, Write};
use std::process::Command;

use anyhow::{Context, bail};

use crate::board::wording;
use crate::config::alerts::{KEY_PREFIX, SecretUrl, Webhook, WebhookAddress};
use crate::config::{self, Config, edit};
use crate::faces::cli::args::{
    BudgetCommand, BudgetSetArgs, ConfigCommand, KeyCommand, ProviderArg,
};
use crate::faces::cli::style::Style;
use crate::faces::cli::{budget, config as config_face, input, key};
use crate::monitor::{once, pulls};
use crate::secrets::{Listed, Origin, Store};
use crate::sources::{SourceInfo, SourceKind, forges};
use crate::spend::{Currency, Money};

use super::App;

pub(super) fn config(app: &App, command: ConfigCommand, out: &mut dyn Write) -> anyhow::Result<()> {
    let path = app.config_path();
    match command {
        ConfigCommand::Path => Ok(config_face::path(out, &path)?),
        ConfigCommand::Check => {
            let config = app.config()?;
            // The price table checks its own rows.
            app.setup()?.prices()?;
            Ok(config_face::checked(out, &path, path.exists(), &config)?)
        }
        ConfigCommand::Edit => edit_config(app),
    }
}

/// Opens the file in the user's editor, waits, and checks what came of it.
fn edit_config(app: &App) -> anyhow::Result<()> {
    let path = app.config_path();
    if !path.exists() {
        edit::write(&path, config::DEFAULT_TEXT)?;
    }
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| app.places.variable(name));
    let Some(editor) = editor else {
        return crate::platform::open::open(&path).with_context(|| {
            format!("set EDITOR to your editor, or open {} yourself", path.display())
        });
    };
    // Editors are often set with arguments: `code --wait`.
    let mut words = editor.split_whitespace();
    let program = words.next().context("EDITOR is blank")?;
    let status = Command::new(program)
        .args(words)
        .arg(&path)
        .status()
        .with_context(|| format!("starting the editor {program:?}"))?;
    if !status.success() {
        bail!("the editor {program:?} ended with {status}");
    }
    app.config()?;
    Ok(())
}

pub(super) fn budgets(
    app: &App,
    command: BudgetCommand,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match command {
        BudgetCommand::Set(args) => set_budget(app, &args, out),
        BudgetCommand::Raise { name, by } => {
            let (from, to) = raise(app, &name, by)?;
            Ok(budget::confirm_raised(out, &name, &from, &to)?)
        }
        BudgetCommand::List(args) => {
            let config = app.config()?;
            if args.json {
                budget::json(out, &config.budgets)?;
            } else {
                budget::text(out, &config.budgets, style)?;
            }
            Ok(())
        }
        BudgetCommand::Remove { name } => {
            let path = app.config_path();
            let text = edit::read_or_default(&path)?;
            let text =
                edit::remove_budget(&text, &name).with_context(|| path.display().to_string())?;
            write_checked(app, &text)?;
            Ok(budget::confirm_removed(out, &name)?)
        }
    }
}

/// Raises a budget in the config by so many percent: its amount before and after.
///
/// # Errors
/// There is no such budget, or the config can't be read or written.
pub(super) fn raise(app: &App, name: &str, percent: u32) -> anyhow::Result<(Money, Money)> {
    let path = app.config_path();
    let config = app.config()?;
    let text = edit::read_or_default(&path)?;
    let amount = config.budgets.iter().find(|budget| budget.name == name).map(|it| it.amount);
    let raised = amount
        .unwrap_or(Money::zero(Currency::USD))
        .raised(percent)
        .context("no amount is that large")?;
    let text =
        edit::set_amount(&text, name, &raised).with_context(|| path.display().to_string())?;
    write_checked(app, &text)?;
    Ok((amount.unwrap_or(raised), raised))
}

fn set_budget(app: &App, args: &BudgetSetArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let change = edit::BudgetChange {
        name: args.name.clone(),
        thresholds_percent: args.thresholds(),
        sources: args.sources(),
        currency: args.currency,
        basis: args.basis,
        rollover: args.rollover,
        lists: args.lists(),
        ..edit::BudgetChange::new(args.amount, args.per)
    };
    let path = app.config_path();
    let text = edit::read_or_default(&path)?;
    let text = edit::set_budget(&text, &change).with_context(|| path.display().to_string())?;
    let config = write_checked(app, &text)?;
    let word = args.per.to_string();
    let name = args.name.as_deref().unwrap_or(&word);
    let set = config.budgets.iter().find(|budget| budget.name == name);
    Ok(budget::confirm_set(out, set.context("the budget is not in the config after writing it")?)?)
}

/// Writes the config only if the program can read what comes out.
pub(super) fn write_checked(app: &App, text: &str) -> anyhow::Result<Config> {
    let path = app.config_path();
    let config = Config::parse(text, &path, &app.places.home, app.system_zone)?;
    edit::write(&path, text)?;
    Ok(config)
}

pub(super) fn keys(
    app: &App,
    command: KeyCommand,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = Store::new(&app.places);
    let is_webhook = |argument: &ProviderArg| argument.provider.starts_with(KEY_PREFIX);
    match command {
        KeyCommand::Set(webhook) if is_webhook(&webhook) => {
            let webhook = self::webhook(app, &webhook.provider)?;
            let stdin = io::stdin();
            let prompt = format!("Address of webhook {} (https://…), not shown: ", webhook.name);
            let read = input::read_key(stdin.is_terminal(), &mut stdin.lock(), &prompt)?;
            let url = SecretUrl::parse(read.expose()).map_err(anyhow::Error::msg)?;
            store.set_named(&webhook.key(), &read)?;
            Ok(key::confirm_webhook(out, &webhook.name, &url.host())?)
        }
        KeyCommand::Remove(webhook) if is_webhook(&webhook) => {
            let name = webhook.provider.trim_start_matches(KEY_PREFIX);
            let was_there = store.remove_named(&webhook.provider)?;
            Ok(key::confirm_webhook_removed(out, name, was_there)?)
        }
        KeyCommand::Test(webhook) if is_webhook(&webhook) => {
            bail!("webhooks are tested together: spendbar alerts test")
        }
        KeyCommand::Set(provider) => {
            let info = info(app, &provider)?;
            let Some(key) = &info.key else {
                bail!(
                    "{} takes no key: it is asked with what another program keeps, or without one. \
                     `spendbar sources` says how it is",
                    info.name
                )
            };
            let stdin = io::stdin();
            let prompt = format!("Key for {} ({}), not shown: ", info.name, key.kind);
            let read = input::read_key(stdin.is_terminal(), &mut stdin.lock(), &prompt)?;
            store.set(info, &read)?;
            Ok(key::confirm_set(out, info, &read)?)
        }
        KeyCommand::List(args) => {
            let mut listed = store.list(app.config()?.sources(), &app.places);
            let of_forge = |info| Listed { info, key: store.get(info, &app.places) };
            listed.extend(forges::KEYS.into_iter().map(of_forge));
            if args.json {
                key::json(out, &listed)?;
            } else {
                key::text(out, &listed, style)?;
            }
            Ok(())
        }
        KeyCommand::Test(provider) => {
            let info = info(app, &provider)?;
            let origin = store.get(info, &app.places)?.map(|(_, origin)| origin);
            let error = match forges::KEYS.into_iter().find(|it| it.id == info.id) {
                Some(forge) => pulls::try_key(&app.setup()?, forge)?,
                None => once::try_source(&app.setup()?, info.id)?,
            };
            match (error, origin) {
                (None, Some(origin)) => Ok(key::confirm_test(out, info, &origin)?),
                (Some(error), _) => {
                    let now = app.clock.now();
                    bail!("{}", wording::failure(info, &error, None, now, app.system_zone))
                }
                (None, None) => bail!("{} answers without a key", info.name),
            }
        }
        KeyCommand::Remove(provider) => {
            let info = info(app, &provider)?;
            let was_there = store.remove(info)?;
            let left: Option<Origin> = store.get(info, &app.places)?.map(|(_, origin)| origin);
            Ok(key::confirm_removed(out, info, was_there, left.as_ref())?)
        }
    }
}

/// The webhook whose address the keyring keeps under this key.
fn webhook(app: &App, key: &str) -> anyhow::Result<Webhook> {
    let config = app.config()?;
    let in_keyring = |it: &&Webhook| it.address == WebhookAddress::Keyring;
    let webhooks = || config.alerts.webhooks.iter().filter(in_keyring);
    webhooks().find(|webhook| webhook.key() == key).cloned().with_context(|| {
        let known: Vec<_> = webhooks().map(Webhook::key).collect();
        match known.as_slice() {
            [] => "the config has no [[webhook]] without url and url_env".to_owned(),
            known => format!("{key:?} is no webhook of the config; there is {}", known.join(", ")),
        }
    })
}

fn info(app: &App, provider: &ProviderArg) -> anyhow::Result<&'static SourceInfo> {
    let config = app.config()?;
    let providers =
        || config.sources().map(|it| it.info()).filter(|it| it.kind == SourceKind::Provider);
    if let Some(forge) = forges::KEYS.into_iter().find(|info| info.id == provider.provider) {
        return Ok(forge);
    }
    providers().find(|info| info.id == provider.provider).with_context(|| {
        let known: Vec<_> = providers().chain(forges::KEYS).map(|info| info.id).collect();
        format!("{:?} is no provider; write one of {}", provider.provider, known.join(", "))
    })
}
