//! `provider ...`; and a provider's id, with the refusal of keys typed beside it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::wrong;

/// A provider's id.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ProviderArg {
    /// The provider's id, as `spendbar sources` shows it, or webhook-NAME for a webhook's address
    pub provider: String,
    /// Swallows what else is typed, so that a key typed here is refused without being repeated.
    #[arg(hide = true, allow_hyphen_values = true, trailing_var_arg = true)]
    surplus: Vec<OsString>,
}

impl ProviderArg {
    pub(super) fn check(&self) -> Result<(), clap::Error> {
        if !self.surplus.is_empty() {
            return Err(wrong(
                "a key is never taken from the command line: leave it out, and it is asked for",
            ));
        }
        // Whoever mixes up the places has typed the key here; ids are short, and which there are
        // is known when the config is.
        let is_of_ids = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-@".contains(c);
        let id_like = self.provider.len() <= 32
            && self.provider.chars().all(is_of_ids)
            && !self.provider.starts_with("sk-");
        if id_like {
            return Ok(());
        }
        Err(wrong("that is no provider; `spendbar sources` lists them"))
    }
}

/// `provider`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ProviderCommand {
    /// Try a description, and show what it reads and from where
    #[command(after_help = "\
Examples:
  spendbar provider check my-gateway.toml                       ask the gateway itself
  spendbar provider check my-gateway.toml --answer saved.json   read a saved answer

The file holds what a [[provider]] of the config holds, without \"provider.\" in front.")]
    Check(ProviderCheckArgs),
}

/// `provider check`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ProviderCheckArgs {
    /// The description
    pub file: PathBuf,
    /// A saved answer instead of a request; once for each call, in their order
    #[arg(long, value_name = "FILE")]
    pub answer: Vec<PathBuf>,
    /// A setting that the description asks for
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub set: Vec<(String, String)>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{command, refused};
    use super::super::{Command, KeyCommand};

    #[test]
    fn a_key_on_the_command_line_is_refused_and_not_repeated() {
        for line in [
            "key set openai-admin sk-secret",
            "key set openai-admin --key sk-secret",
            "key set openai-admin --key=sk-secret",
            "key set --key=sk-secret openai-admin",
            "key set openai-admin -sk-secret",
            "key set sk-secret",
            "key set sk-secret openai-admin",
            "key test openai-admin SK-SECRET-sk-secret",
        ] {
            let said = refused(line);
            assert!(!said.contains("secret") && !said.contains("SECRET"), "{line}: {said}");
        }
        assert!(matches!(command("key set openai-admin"), Command::Key(KeyCommand::Set(_))));
    }
}
