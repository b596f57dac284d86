//! The answer to an agent's hook. An agent waits for it before every prompt and every use of a
//! tool, so nothing is set up that is not needed, and whatever goes wrong here lets the agent go on.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};

use crate::app::App;
use crate::app::lock::is_running;
use crate::board::wording::guard::{self as words, Stale};
use crate::budgets::guard::{self, Limit, Reach};
use crate::config::fingerprint;
use crate::hooks::message::{self, Answer, Word};
use crate::hooks::{self, AGENTS, Agent, Moment};
use crate::ledger::{Ledger, LedgerError};
use crate::monitor::guarding::{self, Limits};
use crate::spend::Zone;

/// How long a hook waits for another process's transaction.
const BUSY_WAIT: Duration = Duration::from_millis(50);
/// How long it waits for the agent to say something.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is kept of what the agent says: the fields that matter come before a tool's input.
const KEPT: usize = 64 * 1024;
/// What is read at most, so that the agent does not meet a closed pipe.
const READ: u64 = 64 * 1024 * 1024;

/// Answers `spendbar guard hook AGENT` with the arguments behind the program's name; `None` for any
/// other command. Whatever is wrong with the arguments themselves, it does not stop an agent: the
/// exit code of wrong usage is the one that does.
pub fn answer(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if arguments.next()? != "guard" || arguments.next()? != "hook" {
        return None;
    }
    let id = arguments.next().unwrap_or_default();
    let answer = match id.to_str().and_then(hooks::find) {
        Some(agent) => answer_agent(agent),
        None => {
            let known: Vec<_> = AGENTS.iter().map(|agent| agent.id).collect();
            told(format!(
                "spendbar guard hook AGENT answers the hook of an agent, whose JSON it reads on \
                 standard input. Agents: {}",
                known.join(", ")
            ))
        }
    };
    // Nobody is left to tell when these are closed.
    let _ = io::stdout().write_all(answer.stdout.as_bytes());
    let _ = io::stderr().write_all(answer.stderr.as_bytes());
    Some(ExitCode::from(answer.code))
}

fn told(text: String) -> Answer {
    Answer { stderr: text + "\n", ..Answer::default() }
}

fn answer_agent(agent: &'static Agent) -> Answer {
    if io::stdin().is_terminal() {
        return told(format!("{} runs this command and says on standard input why.", agent.name));
    }
    let Some(told_by) = message::read(&read_input()) else {
        let what = "what came on standard input is not the JSON of a hook.";
        return told(words::unchecked(what));
    };
    let event = told_by.event.unwrap_or_default();
    let Some(moment) = agent.moment(&event) else { return Answer::default() };
    let case = Case { agent, moment, session: told_by.session, folder: told_by.folder };
    match App::from_environment().and_then(|app| case.word(&app)) {
        Ok(word) => agent.answer(moment, &word),
        Err(error) => {
            let text = words::unchecked(&reason(&error));
            // Once with each prompt is enough; tools are used every few seconds.
            let word = match moment {
                Moment::Prompt => Word::Warning(text.clone()),
                Moment::Tool => Word::Nothing,
            };
            Answer { stderr: text + "\n", ..agent.answer(moment, &word) }
        }
    }
}

fn reason(error: &anyhow::Error) -> String {
    let hint = error.chain().find_map(|cause| cause.downcast_ref::<LedgerError>());
    let hint = hint.map(|error| format!(". {}", error.hint())).unwrap_or_default();
    format!("{error:#}{hint}")
}

/// The first bytes of standard input. Reads on a thread of its own, as a pipe that nobody closes
/// never ends.
fn read_input() -> Vec<u8> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut kept = Vec::with_capacity(4096);
        let whole = input.by_ref().take(KEPT as u64).read_to_end(&mut kept);
        let rest = if whole.is_ok_and(|length| length == KEPT) { READ } else { 0 };
        // What can't be read is not there, and the receiver has gone when time is over.
        let _ = io::copy(&mut input.take(rest), &mut io::sink());
        let _ = sender.send(kept);
    });
    receiver.recv_timeout(PATIENCE).unwrap_or_default()
}

/// What an agent asks.
struct Case {
    agent: &'static Agent,
    moment: Moment,
    session: Option<String>,
    folder: Option<String>,
}

/// What is known when a word is chosen.
struct Known {
    now: DateTime<Utc>,
    zone: Zone,
    stale: Option<Stale>,
}

impl Case {
    fn word(&self, app: &App) -> anyhow::Result<Word> {
        let now = app.clock.now();
        let ledger = Ledger::open_at_once(&app.ledger_path(), BUSY_WAIT, false)?
            .context("there is no ledger yet. Start Spendbar once")?;
        let limits = limits(app, &ledger, now)?;
        let session = guarding::session_limit(&ledger, &limits, self.session.as_deref(), now)?;
        let (folder, of_session) = (self.folder.as_deref(), self.session.as_deref());
        let concerns = |limit: &&Limit| limit.concerns(self.agent.id, folder, of_session);
        let mut reached: Vec<_> = limits.budgets.iter().filter(concerns).chain(&session).collect();
        reached.sort_by_key(|limit| std::cmp::Reverse((limit.reach(), limit.permille())));
        let stale = (!is_running(app)).then_some(Stale { as_of: limits.as_of });
        let zone = limits.zone.parse().unwrap_or(Zone::UTC);
        let known = Known { now, zone, stale };
        if let Some(limit) = guard::furthest(reached.iter().copied())
            && limit.reach() == Reach::Hard
        {
            return self.at_the_limit(app, &ledger, limit, &known);
        }
        for limit in reached.into_iter().filter(|limit| limit.reach() == Reach::Soft) {
            let key = format!("soft {} {}", limit.soft_percent, limit.key());
            if self.is_news(app, &ledger, &key)? {
                return Ok(Word::Warning(words::warning(limit, stale, now, zone)));
            }
        }
        match known.stale {
            Some(stale) if !limits.is_empty() && self.moment == Moment::Prompt => {
                let is_news = self.is_news(app, &ledger, "not running")?;
                let word = || Word::Warning(words::not_running(stale, now, zone));
                Ok(if is_news { word() } else { Word::Nothing })
            }
            _ => Ok(Word::Nothing),
        }
    }

    fn at_the_limit(
        &self,
        app: &App,
        ledger: &Ledger,
        limit: &Limit,
        known: &Known,
    ) -> anyhow::Result<Word> {
        let Known { now, zone, stale } = *known;
        let Some(until) = guarding::allowed_until(ledger, now)? else {
            let reason = words::stop(limit, stale, now, zone);
            return Ok(Word::Stop(match self.moment {
                Moment::Prompt => reason,
                Moment::Tool => format!("{reason} {}", words::FOR_MODEL),
            }));
        };
        let key = format!("allowed until {until} {}", limit.key());
        if !self.is_news(app, ledger, &key)? {
            return Ok(Word::Nothing);
        }
        Ok(Word::Warning(words::allowed(limit, until, stale, now, zone)))
    }

    /// Whether this session has not been told yet; from now on it has. Where that can't be
    /// remembered it is told with every prompt, and not with every tool.
    fn is_news(&self, app: &App, ledger: &Ledger, what: &str) -> anyhow::Result<bool> {
        let session = self.session.as_deref().unwrap_or(self.agent.id);
        if !self.agent.shows_warnings() || guarding::was_told(ledger, session, what)? {
            return Ok(false);
        }
        let remembered = match Ledger::open_at_once(&app.ledger_path(), BUSY_WAIT, true) {
            Ok(Some(mut ledger)) => guarding::tell_once(&mut ledger, session, what).ok(),
            _ => None,
        };
        Ok(remembered.unwrap_or(self.moment == Moment::Prompt))
    }
}

/// The limits as the running program keeps them, else reckoned from the ledger and kept.
fn limits(app: &App, ledger: &Ledger, now: DateTime<Utc>) -> anyhow::Result<Limits> {
    let path = app.config_path();
    let config = match fs::read(&path) {
        Ok(bytes) => Some(fingerprint(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => bail!("{} can't be read: {error}", path.display()),
    };
    if let Some(kept) = guarding::kept(ledger)?
        && kept.hold(config, now)
    {
        return Ok(kept);
    }
    reckon(app, ledger.path(), now)
}

/// The limits reckoned from the ledger, and kept where that can be done at once.
fn reckon(app: &App, path: &Path, now: DateTime<Utc>) -> anyhow::Result<Limits> {
    let config = app.config()?;
    let open = |writes| -> anyhow::Result<Ledger> {
        let opened = Ledger::open_at_once(path, BUSY_WAIT, writes)?;
        let mut ledger = opened.context("the ledger has gone")?;
        ledger.reckon_with(config.rates.clone(), config.plans.clone());
        Ok(ledger)
    };
    let keep = || -> anyhow::Result<Limits> {
        let mut ledger = open(true)?;
        // In one transaction, so that newer ones of the running program are not replaced.
        let recording = ledger.begin()?;
        let limits = guarding::reckon(&recording, &config, now)?;
        guarding::keep_limits(&recording, &limits)?;
        recording.commit()?;
        Ok(limits)
    };
    match keep() {
        Ok(limits) => Ok(limits),
        // It is locked or may not be written: then the next hook reckons again.
        Err(_) => Ok(guarding::reckon(&open(false)?, &config, now)?),
    }
}
