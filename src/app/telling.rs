//! Alerts as notifications of the desktop, and what is pressed on them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use tokio::sync::mpsc::UnboundedSender;

use crate::board::{AlertRow, Board, wording};
use crate::faces::notify::{Notice, Notifier, Reply, Urgency, urgency};
use crate::faces::tray::summary::summary;
use crate::monitor::{Command, Settled};
use crate::platform::popover::{self, Point};
use crate::spend::period::local_day;
use crate::spend::{Severity, SnoozeFor};

use super::App;
use super::changing::raise;
use super::paging::{Address, PageWindow};

/// The tag of what tells several alerts at once.
const HELD: &str = "held";

/// Of how many notifications that are about no budget the buttons still work.
const MOST_REMEMBERED: usize = 32;

/// Tells alerts on the desktop and does what is pressed on them.
pub(super) struct Telling {
    app: App,
    notifier: Arc<Notifier>,
    commands: UnboundedSender<Command>,
    /// What was told last under each tag: one for each budget.
    told: BTreeMap<String, Vec<AlertRow>>,
    /// Where the details are; `None` when no page is served.
    page: Option<Address>,
    window: PageWindow,
}

impl Telling {
    pub(super) fn new(
        app: &App,
        notifier: Notifier,
        commands: UnboundedSender<Command>,
        page: Option<Address>,
    ) -> Self {
        let (app, notifier) = (app.clone(), notifier.into());
        Self { app, notifier, commands, told: BTreeMap::new(), page, window: PageWindow::default() }
    }

    /// Opens the page with the details, at a day where one is given, and says what hinders that.
    pub(super) fn open_page(&self, day: Option<NaiveDate>) {
        let Some(page) = self.page.clone() else {
            let why = "the page is not served; the log says why";
            return self.tell_failure::<(), _>(Err(why));
        };
        let notifier = self.notifier.clone();
        // The opener is waited for, which must not hold up the figures.
        std::thread::spawn(move || {
            if let Err(error) = page.open(day) {
                tell(&notifier, &failed(&error));
            }
        });
    }

    /// Opens or closes the window with the details by the icon; the browser shows them where this
    /// build, or this desktop, has no such window.
    pub(super) fn peek(&self, at: Point) {
        let Some(page) = self.page.clone().filter(|_| popover::IS_AVAILABLE) else {
            return self.open_page(None);
        };
        let notifier = self.notifier.clone();
        let file = page.file().to_owned();
        self.tell_failure(self.window.toggle(&file, Some(at), move || {
            log::info!("no window could be shown; the browser shows the page");
            if let Err(error) = page.open(None) {
                tell(&notifier, &failed(&error));
            }
        }));
    }

    /// Hands alerts to the desktop on a thread of its own, for a daemon may hang, and reports back.
    /// `told_already` is true where another face has told them, so that they need not be sent again.
    pub(super) fn tell(&mut self, alerts: Vec<AlertRow>, told_already: bool) {
        let wanted = self.app.config().map_or(true, |config| config.notifications);
        let notice = notice(&self.app, &alerts);
        let ids: Vec<i64> = alerts.iter().map(|alert| alert.id).collect();
        let (notifier, commands) = (self.notifier.clone(), self.commands.clone());
        self.remember(&notice.tag, alerts);
        std::thread::spawn(move || {
            let settled = match wanted.then(|| notifier.notify(&notice)) {
                None => Settled::Off("the config wants no notifications".into()),
                Some(Ok(())) => Settled::Delivered,
                Some(Err(_)) if told_already => Settled::Delivered,
                Some(Err(error)) => {
                    log::info!("{error}");
                    Settled::Again { at: None, error: error.to_string() }
                }
            };
            // Fails only while the program ends; the alerts are then told at the next start.
            let _ = commands.send(Command::OnDesktop(ids, settled));
        });
    }

    /// Budgets are few; of what is about no budget the newest are remembered.
    fn remember(&mut self, tag: &str, alerts: Vec<AlertRow>) {
        self.told.insert(tag.to_owned(), alerts);
        let number = |tag: &String| tag.strip_prefix(ONE_ALERT)?.parse::<i64>().ok();
        while self.told.keys().filter_map(number).count() > MOST_REMEMBERED {
            let Some(oldest) = self.told.keys().filter_map(number).min() else { return };
            self.told.remove(&format!("{ONE_ALERT}{oldest}"));
        }
    }

    /// Does what was pressed on the notification of this tag.
    pub(super) fn reply(&self, tag: &str, reply: Reply, board: Option<&Board>) {
        let Some(alerts) = self.told.get(tag) else { return };
        // What is told of one budget is snoozed and raised alone.
        let budget = match alerts.as_slice() {
            [alert] => Some(alert.budget.clone()),
            _ => None,
        };
        match (reply, budget) {
            (Reply::Details, _) => self.details(alerts, board),
            (Reply::SnoozeHour, budget) => self.snooze(budget, SnoozeFor::Hour),
            (Reply::SnoozeTomorrow, budget) => self.snooze(budget, SnoozeFor::Tomorrow),
            (Reply::Raise, Some(budget)) => self.raise(&budget),
            (Reply::Raise, None) => {}
        }
    }

    /// Keeps alerts back for a while.
    pub(super) fn snooze(&self, budget: Option<String>, how: SnoozeFor) {
        // Fails only when the monitor has ended, and then there is nothing to snooze.
        let _ = self.commands.send(Command::Snooze(budget, how));
    }

    /// Raises a budget, and says to what.
    pub(super) fn raise(&self, budget: &str) {
        let said = raise(&self.app, budget, wording::RAISE_PERCENT).map(|(_, raised)| Notice {
            title: format!("Budget “{budget}” is {} now", wording::amount_short(&raised)),
            body: String::new(),
            urgency: Urgency::Low,
            tag: budget_tag(budget),
            replies: Vec::new(),
        });
        let _ = self.commands.send(Command::Reload);
        match said {
            Ok(notice) => self.show(notice),
            Err(error) => self.tell_failure::<(), _>(Err(error)),
        }
    }

    /// Shows where the money went on the day of what was told: on the page where there is one.
    fn details(&self, alerts: &[AlertRow], board: Option<&Board>) {
        if self.page.is_some() {
            let zone = board.map(|board| board.zone);
            let newest = alerts.iter().map(|alert| alert.at).max();
            return self.open_page(newest.zip(zone).map(|(at, zone)| local_day(at, zone)));
        }
        let (title, body) = wording::told(alerts);
        self.show(Notice {
            title,
            body: board.map_or(body, summary),
            urgency: Urgency::Normal,
            tag: "details".into(),
            replies: Vec::new(),
        });
    }

    /// Something that failed says so where the user looks.
    pub(super) fn tell_failure<T, E: std::fmt::Display>(&self, result: Result<T, E>) {
        let Err(error) = result else { return };
        self.show(failed(&error));
    }

    fn show(&self, notice: Notice) {
        let notifier = self.notifier.clone();
        std::thread::spawn(move || tell(&notifier, &notice));
    }
}

fn tell(notifier: &Notifier, notice: &Notice) {
    if let Err(untold) = notifier.notify(notice) {
        log::warn!("{} {} ({untold})", notice.title, notice.body);
    }
}

fn failed(error: &impl std::fmt::Display) -> Notice {
    Notice {
        title: "Spendbar could not do that".into(),
        body: format!("{error:#}"),
        urgency: Urgency::Normal,
        tag: "action".into(),
        replies: Vec::new(),
    }
}

/// What stands before an alert's number in the tag of what is about no budget.
const ONE_ALERT: &str = "alert-";

fn budget_tag(budget: &str) -> String {
    format!("budget-{budget}")
}

/// Alerts as one notification.
pub(super) fn notice(app: &App, alerts: &[AlertRow]) -> Notice {
    let demo = if app.demo { "[demo] " } else { "" };
    let (title, body) = wording::told(alerts);
    let severity = alerts.iter().map(|it| it.severity).max().unwrap_or(Severity::Info);
    let mut replies = vec![Reply::Details, Reply::SnoozeHour, Reply::SnoozeTomorrow];
    let tag = match alerts {
        [alert] if alert.period.is_some() => {
            replies.push(Reply::Raise);
            budget_tag(&alert.budget)
        }
        [alert] => format!("{ONE_ALERT}{}", alert.id),
        _ => HELD.into(),
    };
    Notice {
        // A line break must not come between the sign and its amount.
        title: format!("{demo}{title}").replace("≈ ", "≈\u{a0}"),
        body,
        urgency: urgency(severity),
        tag,
        replies,
    }
}
