//! Alerts on their way to the desktop, to hooks and to webhooks.
//!
//! The ledger has a row for each alert and channel; [`plan`] decides from these rows what is held
//! back by quiet hours and snoozes, what is let go, and what is sent. What is sent to hooks and
//! webhooks is claimed in the ledger first, so that of several running copies one sends it. One
//! message at a time goes over a channel, in the order of the alerts.
//!
//! A message that was being sent while its process died is sent again when the claim has run out,
//! with the same key: nothing is lost, and who knows the key can tell a repeat.

mod desktop;
mod hook;
mod message;
mod plan;
mod webhook;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::board::{AlertRow, alert_row};
use crate::config::Config;
use crate::config::alerts::{Hook, Webhook, WebhookAddress};
use crate::ledger::{Channel, Ledger, LedgerError, Settled};
use crate::spend::alert::DESKTOP;

use super::Setup;
use super::look::World;
use desktop::Desktop;
use message::Message;
use plan::{Batch, Refusal, Rules};

/// How much longer than it may take a message stays claimed.
const CLAIM_MARGIN: Duration = Duration::from_secs(60);
/// The longest that posting takes.
const LONGEST_POST: Duration = Duration::from_secs(20);
/// Nothing that waits is left alone longer than this, whatever the clock does.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What is on its way.
pub(super) struct Delivery {
    desktop: Desktop,
    /// Channels that are sending, of hooks and webhooks.
    sending: BTreeSet<String>,
    answers: (UnboundedSender<Answer>, UnboundedReceiver<Answer>),
    again_at: Option<Instant>,
}

/// What deliveries are made with.
pub(super) struct With<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// The clock, the environment and the HTTP client.
    pub world: &'a Arc<World>,
    /// A pretend world.
    pub demo: bool,
}

/// What came of sending a batch.
pub(super) struct Answer {
    channel: String,
    batch: i64,
    tries: u32,
    since: DateTime<Utc>,
    result: Result<(), Refusal>,
}

/// Where one message goes.
#[derive(Clone)]
enum Target {
    Hook(Hook),
    Webhook(Webhook),
}

/// The channels that alerts of this config go to.
pub(super) fn channels(config: &Config) -> Vec<Channel> {
    let more = config.alerts.channels().map(|(id, from)| Channel { id, from });
    std::iter::once(Channel::desktop()).chain(more).collect()
}

impl Delivery {
    /// Nothing is on its way.
    pub fn new() -> Self {
        Self {
            desktop: Desktop::new(),
            sending: BTreeSet::new(),
            answers: unbounded_channel(),
            again_at: None,
        }
    }

    /// Holds, lets go and sends what there is to. Returns what the desktop is to tell now, each
    /// list in one notification.
    pub fn pass(
        &mut self,
        ledger: &Ledger,
        with: &With<'_>,
    ) -> Result<Vec<Vec<AlertRow>>, LedgerError> {
        let now = with.world.clock.now();
        self.again_at = None;
        let plan = decide(ledger, with.config, now)?;
        self.again_at = plan.again_at.map(|at| {
            let wait = (at - now).to_std().unwrap_or_default();
            Instant::now() + wait.min(LONGEST_SLEEP)
        });
        let mut told = Vec::new();
        for batch in plan.send {
            if batch.channel == DESKTOP {
                if self.desktop.hand_out(batch.id) {
                    told.push(batch.alerts.into_iter().map(alert_row).collect());
                }
            } else {
                self.send(ledger, with, batch, now)?;
            }
        }
        Ok(told)
    }

    fn send(
        &mut self,
        ledger: &Ledger,
        with: &With<'_>,
        batch: Batch,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let Some(target) = targets(with.config).find(|it| it.channel() == batch.channel) else {
            return Ok(()); // The next pass finds that the channel is gone.
        };
        if self.sending.contains(&batch.channel) {
            return Ok(()); // The end of what it sends begins the next pass.
        }
        let until =
            now + chrono::Duration::from_std(target.longest() + CLAIM_MARGIN).unwrap_or_default();
        if !ledger.claim(&batch.channel, batch.id, now, until)? {
            return Ok(());
        }
        self.sending.insert(batch.channel.clone());
        let message = Message {
            key: format!("{}-{}", ledger.id()?, batch.id),
            alerts: batch.alerts.into_iter().map(alert_row).collect(),
            demo: with.demo,
            test: false,
        };
        let sender = self.answers.0.clone();
        let (channel, id, tries, since) = (batch.channel, batch.id, batch.tries + 1, batch.since);
        deliver(with.world, with.config, target, message, move |result| {
            // The receiver is gone only while the program ends; the claim then runs out.
            let _ = sender.send(Answer { channel, batch: id, tries, since, result });
        });
        Ok(())
    }

    /// The next message's outcome.
    pub async fn answer(&mut self) -> Answer {
        match self.answers.1.recv().await {
            Some(answer) => answer,
            // The sender is kept here too, so that there is always one.
            None => std::future::pending().await,
        }
    }

    /// Keeps an outcome.
    pub fn settle(
        &mut self,
        ledger: &Ledger,
        answer: Answer,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        self.sending.remove(&answer.channel);
        let Answer { channel, batch, tries, since, result } = answer;
        let settled = match result {
            Ok(()) => Settled::Delivered,
            Err(refusal) if channel.starts_with("hook:") => plan::after_hook(refusal, tries, now),
            Err(refusal) => plan::after_webhook(refusal, tries, since, now, fastrand::u32(..1000)),
        };
        match &settled {
            Settled::Failed(error) => log::warn!("{channel}: {error}"),
            Settled::Again { error, .. } => log::info!("{channel}: {error}"),
            Settled::Delivered | Settled::Off(_) => {}
        }
        ledger.settle(&channel, batch, &settled, now)
    }

    /// Keeps what the desktop made of alerts that were handed out.
    pub fn settle_desktop(
        &mut self,
        ledger: &Ledger,
        alerts: &[i64],
        settled: &Settled,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        match settled {
            Settled::Again { .. } => self.desktop.refused(),
            _ => alerts.iter().for_each(|alert| self.desktop.taken(*alert)),
        }
        ledger.settle_desktop(alerts, settled, now)
    }

    /// When there is something to be done, if nothing happens until then.
    pub fn again_at(&self) -> Option<Instant> {
        [self.desktop.again_at(), self.again_at].into_iter().flatten().min()
    }

    /// Whether it is time for that.
    pub fn is_time_again(&mut self) -> bool {
        let is_time = self.again_at.is_some_and(|at| Instant::now() >= at);
        self.desktop.is_time_again() || is_time
    }
}

/// Brings the ledger up to date and says what is to be sent.
fn decide(ledger: &Ledger, config: &Config, now: DateTime<Utc>) -> Result<plan::Plan, LedgerError> {
    let open = ledger.open_deliveries()?;
    if open.is_empty() {
        return Ok(plan::Plan::default());
    }
    let snoozes = ledger.snoozes(now)?;
    let channels = config.alerts.channels().map(|(id, _)| id).collect();
    let rules = Rules {
        quiet: config.alerts.quiet,
        zone: config.zone,
        snoozes: &snoozes,
        channels: &channels,
    };
    let first = plan::plan(open, &rules, now);
    if !first.changes() {
        return Ok(first);
    }
    for (alert, channel) in &first.hold {
        ledger.hold(*alert, channel)?;
    }
    for (channel, alerts) in &first.release {
        ledger.release(channel, alerts, now)?;
    }
    for channel in &first.off {
        ledger.turn_off(channel, "the config has it no longer")?;
    }
    Ok(plan::plan(ledger.open_deliveries()?, &rules, now))
}

fn targets(config: &Config) -> impl Iterator<Item = Target> + '_ {
    let hooks = config.alerts.hooks.iter().cloned().map(Target::Hook);
    hooks.chain(config.alerts.webhooks.iter().cloned().map(Target::Webhook))
}

impl Target {
    fn channel(&self) -> String {
        match self {
            Self::Hook(hook) => hook.channel(),
            Self::Webhook(webhook) => webhook.channel(),
        }
    }

    fn longest(&self) -> Duration {
        match self {
            Self::Hook(hook) => hook.timeout,
            Self::Webhook(_) => LONGEST_POST,
        }
    }
}

/// Sends a message; `done` is called with what came of it, from some thread.
fn deliver(
    world: &Arc<World>,
    config: &Config,
    target: Target,
    message: Message,
    done: impl FnOnce(Result<(), Refusal>) + Send + 'static,
) {
    let world = world.clone();
    match target {
        Target::Webhook(webhook) => {
            tokio::spawn(async move {
                let body = message.body(webhook.body);
                done(webhook::post(&world, &webhook, &message.key, body).await);
            });
        }
        // On a thread of its own: a slow hook must not take one from those that read.
        Target::Hook(hook) => {
            let hidden = variables_with_keys(config);
            std::thread::spawn(move || {
                done(hook::run(&hook, message.json(), &world.places.home, &hidden));
            });
        }
    }
}

/// The variables that hold secrets of this config.
fn variables_with_keys(config: &Config) -> Vec<String> {
    let keys = config.sources().filter_map(|source| source.info().key.as_ref());
    let keys = keys.flat_map(|key| key.variables.iter().map(|name| (*name).to_owned()));
    let addresses = config.alerts.webhooks.iter().filter_map(|it| match &it.address {
        WebhookAddress::Variable(name) => Some(name.clone()),
        WebhookAddress::Written(_) | WebhookAddress::Keyring => None,
    });
    keys.chain(addresses).collect()
}

/// Sends what is due to hooks and webhooks once, and waits for what comes of it. Returns what the
/// desktop is to tell, each list in one notification.
///
/// # Errors
/// The ledger can't be used.
pub fn send_due(setup: &Setup, ledger: &Ledger) -> anyhow::Result<Vec<Vec<AlertRow>>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let world = Arc::new(setup.world());
    let with = With { config: &setup.config, world: &world, demo: setup.demo };
    let mut delivery = Delivery::new();
    let told = runtime.block_on(async {
        let mut told = delivery.pass(ledger, &with)?;
        while !delivery.sending.is_empty() {
            let answer = delivery.answer().await;
            delivery.settle(ledger, answer, setup.clock.now())?;
            told.extend(delivery.pass(ledger, &with)?);
        }
        Ok::<_, LedgerError>(told)
    });
    runtime.shutdown_background();
    Ok(told?)
}

/// Sends a test to every hook and webhook of the config, one after the other: each channel, and what
/// came of it.
///
/// # Errors
/// The ledger can't be read, or no background task can be set up.
pub fn test(setup: &Setup, ledger: &Ledger) -> anyhow::Result<Vec<(String, Result<(), String>)>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let world = Arc::new(setup.world());
    let message = Message::test(&ledger.id()?, setup.clock.now(), setup.demo);
    let mut outcomes = Vec::new();
    for target in targets(&setup.config) {
        let channel = target.channel();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let result = runtime.block_on(async {
            deliver(&world, &setup.config, target, message.clone(), |result| {
                // It is waited for below.
                let _ = sender.send(result);
            });
            receiver.await
        });
        let result = result.map_err(|error| error.to_string()).and_then(|result| {
            result.map_err(|refusal| match refusal {
                Refusal::Final(error) | Refusal::ForNow { error, .. } => error,
            })
        });
        outcomes.push((channel, result));
    }
    runtime.shutdown_background();
    Ok(outcomes)
}

/// The words of a test for the desktop: title and body.
pub fn test_words(now: DateTime<Utc>) -> (String, String) {
    let message = Message::test("", now, false);
    crate::board::wording::told(&message.alerts)
}
