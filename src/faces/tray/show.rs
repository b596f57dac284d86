//! Hands the pure parts to the system's tray, and its clicks back.
//!
//! A tray icon belongs to one thread, on macOS and Windows to the main one. So a [`Tray`] is made
//! and run there, and [`TrayHandle`]s, which any thread may hold, tell it what to show:
//!
//! ```no_run
//! # fn example(first: spendbar::board::Board) -> Result<(), spendbar::faces::tray::TrayError> {
//! use spendbar::faces::tray::Tray;
//! let tray = Tray::new();
//! let handle = tray.handle(); // for the monitor: handle.show(board), handle.close()
//! tray.run(first, move |action| println!("{action:?}"))
//! # }
//! ```

use std::sync::Arc;

use tray_icon::menu::{IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};

use super::icon::{self, Ground, IconInput};
use super::menu::{MenuRow, RowKind, menu};
use super::title::title;
use super::tooltip::tooltip;
use super::{Action, icon_input};
use crate::board::{Board, Colours};
use crate::platform::event_loop::{EventLoop, Flow, Turn, Waker};
use crate::platform::popover::Point;
use crate::platform::theme::{self, Scheme};
use crate::platform::tray_style::{self, TrayStyle, tray_style};
use crate::spend::SnoozeFor;

/// The tray, not on screen yet.
pub struct Tray {
    events: EventLoop<Message>,
}

/// Tells a running [`Tray`] what to do, from any thread.
#[derive(Clone)]
pub struct TrayHandle {
    waker: Waker<Message>,
}

/// Why there is no tray icon.
#[derive(Debug, thiserror::Error)]
pub enum TrayError {
    /// The system did not take the icon (Linux: no session bus). A missing panel is no error: the
    /// icon appears when the panel comes.
    #[error("the tray did not take the icon: {0}")]
    NotTaken(String),
}

enum Message {
    Show(Box<Board>),
    Scheme(Scheme),
    Close,
}

impl Tray {
    /// A tray that is not running yet. Make it on the main thread (needed on macOS and Windows).
    pub fn new() -> Self {
        Self { events: EventLoop::new() }
    }

    /// What other threads speak to it through.
    pub fn handle(&self) -> TrayHandle {
        TrayHandle { waker: self.events.waker() }
    }

    /// Shows `first` and stays until [`TrayHandle::close`]. `on_action` is called for each row
    /// the user chooses, on a thread of the tray's own: it should pass the action on and return.
    /// One tray per process.
    ///
    /// # Errors
    /// The system took no icon; nothing is shown then, and the caller may go on without.
    pub fn run(
        self,
        first: Board,
        on_action: impl Fn(Action) + Send + Sync + 'static,
    ) -> Result<(), TrayError> {
        let on_action = Arc::new(on_action);
        let on_click = on_action.clone();
        MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
            // Some hosts send clicks on disabled rows too; those have no action.
            if let Some(action) = action_of(&event.id.0) {
                on_action(action);
            }
        }));
        // The menu is on the other button. Hosts that show it for any click send none.
        TrayIconEvent::set_event_handler(Some(move |event: TrayIconEvent| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                position,
                ..
            } = event
            {
                // Whole pixels of the screen.
                on_click(Action::Peek(Point { x: position.x as i32, y: position.y as i32 }));
            }
        }));
        let waker = self.events.waker();
        theme::watch(move |scheme| {
            waker.send(Message::Scheme(scheme));
        });
        let mut on_screen = None;
        let mut board = first;
        let mut scheme = theme::scheme();
        let mut outcome = Ok(());
        self.events.run(|turn| {
            match turn {
                Turn::Started => {}
                Turn::Event(Message::Show(newer)) => board = *newer,
                Turn::Event(Message::Scheme(newer)) => scheme = newer,
                Turn::Event(Message::Close) => return Flow::Exit,
            }
            let wanted = Drawn::of(&board, scheme, tray_style());
            let shown = match on_screen.take() {
                None => OnScreen::new(wanted),
                Some(shown) => update(shown, wanted),
            };
            match shown {
                Ok(shown) => on_screen = Some(shown),
                Err(error) => {
                    outcome = Err(error);
                    return Flow::Exit;
                }
            }
            Flow::Wait
        });
        outcome
    }
}

impl Default for Tray {
    fn default() -> Self {
        Self::new()
    }
}

impl TrayHandle {
    /// Draws `board`; what looks as before is not touched. False when the tray has ended.
    pub fn show(&self, board: Board) -> bool {
        self.waker.send(Message::Show(Box::new(board)))
    }

    /// Takes the icon away and lets [`Tray::run`] return. False when it has ended already.
    pub fn close(&self) -> bool {
        self.waker.send(Message::Close)
    }
}

/// Everything of one board that goes on screen.
#[derive(Clone, PartialEq, Eq)]
struct Drawn {
    icon: IconInput,
    title: String,
    tooltip: String,
    rows: Vec<MenuRow>,
}

impl Drawn {
    fn of(board: &Board, scheme: Scheme, style: TrayStyle) -> Self {
        let ground = match (board.colours, scheme) {
            _ if style.is_template => Ground::Light,
            (Colours::Dark, _) | (Colours::Auto, Scheme::Dark) => Ground::Dark,
            (Colours::Light, _) | (Colours::Auto, Scheme::Light) => Ground::Light,
            (Colours::Auto, Scheme::Unknown) => Ground::Unknown,
        };
        let mut icon = icon_input(board, ground, style.icon_px);
        let name = if board.demo { "Spendbar demo" } else { "Spendbar" };
        let title = if style.text_beside {
            // The figure stands beside it, so the icon is a sign for what the figure is.
            icon.text = "$".into();
            title(board)
        } else {
            name.into()
        };
        Self { icon, title, tooltip: tooltip(board), rows: menu(board) }
    }

    fn pixels(&self) -> Result<Icon, TrayError> {
        let pixels = icon::draw(&self.icon);
        Icon::from_rgba(pixels.rgba, pixels.width, pixels.height).map_err(not_taken)
    }

    /// Whether the menus differ in more than their texts.
    fn is_built_like(&self, other: &Self) -> bool {
        self.rows.len() == other.rows.len()
            && self.rows.iter().zip(&other.rows).all(|(one, two)| one.kind == two.kind)
    }
}

/// What is on screen now.
struct OnScreen {
    tray: TrayIcon,
    items: Vec<Option<MenuItem>>,
    drawn: Drawn,
}

impl OnScreen {
    fn new(drawn: Drawn) -> Result<Self, TrayError> {
        let (menu, items) = build(&drawn.rows)?;
        let builder = TrayIconBuilder::new()
            .with_id("spendbar")
            .with_title(&drawn.title)
            .with_tooltip(&drawn.tooltip)
            .with_menu(Box::new(menu))
            .with_menu_on_left_click(false);
        let tray = tray_style::with_icon(builder, drawn.pixels()?).build().map_err(not_taken)?;
        Ok(Self { tray, items, drawn })
    }
}

/// Changes what differs and nothing else.
fn update(mut shown: OnScreen, wanted: Drawn) -> Result<OnScreen, TrayError> {
    if wanted.icon != shown.drawn.icon {
        tray_style::set_icon(&shown.tray, wanted.pixels()?).map_err(not_taken)?;
    }
    if wanted.title != shown.drawn.title {
        shown.tray.set_title(Some(&wanted.title));
    }
    if wanted.tooltip != shown.drawn.tooltip {
        shown.tray.set_tooltip(Some(&wanted.tooltip)).map_err(not_taken)?;
    }
    if wanted.is_built_like(&shown.drawn) {
        for ((item, row), old) in shown.items.iter().zip(&wanted.rows).zip(&shown.drawn.rows) {
            if let Some(item) = item.as_ref().filter(|_| row.text != old.text) {
                item.set_text(label(&row.text));
            }
        }
    } else {
        let (menu, items) = build(&wanted.rows)?;
        // To the hosts of Linux a menu of as many rows is the same one with other texts: a row that
        // became a separator, or was one, would stay what it was ("Label Empty" in xfce4-panel).
        if wanted.rows.len() == shown.drawn.rows.len() {
            shown.tray.set_menu(None);
        }
        shown.tray.set_menu(Some(Box::new(menu)));
        shown.items = items;
    }
    shown.drawn = wanted;
    Ok(shown)
}

/// The menu, and its items in the order of `rows` (`None` for separators).
fn build(rows: &[MenuRow]) -> Result<(Menu, Vec<Option<MenuItem>>), TrayError> {
    let mut items = Vec::with_capacity(rows.len());
    let menu = Menu::new();
    for (number, row) in rows.iter().enumerate() {
        let item = match &row.kind {
            RowKind::Separator => None,
            RowKind::Action(action) => {
                Some(MenuItem::with_id(id_of(action), label(&row.text), true, None))
            }
            RowKind::Headline | RowKind::Caption | RowKind::Fact => {
                Some(MenuItem::with_id(format!("fact-{number}"), label(&row.text), false, None))
            }
        };
        let separator = PredefinedMenuItem::separator();
        let entry: &dyn IsMenuItem = item.as_ref().map_or(&separator, |item| item);
        menu.append(entry).map_err(not_taken)?;
        items.push(item);
    }
    Ok((menu, items))
}

/// A lone `&` would underline the letter after it.
fn label(text: &str) -> String {
    text.replace('&', "&&")
}

const IDS: [(Action, &str); 9] = [
    (Action::OpenPage, "open-page"),
    (Action::Refresh, "refresh"),
    (Action::TogglePause, "pause"),
    (Action::Snooze(SnoozeFor::Hour), "snooze-hour"),
    (Action::Snooze(SnoozeFor::Tomorrow), "snooze-tomorrow"),
    (Action::Snooze(SnoozeFor::Off), "snooze-off"),
    (Action::CopySummary, "copy-summary"),
    (Action::OpenConfig, "open-config"),
    (Action::Quit, "quit"),
];
/// Stands before a budget's name. The name rather than a place: a menu may be older than the budgets.
const RAISE: &str = "raise ";

fn id_of(action: &Action) -> String {
    match action {
        Action::Raise(budget) => format!("{RAISE}{budget}"),
        action => IDS.iter().find(|(known, _)| known == action).map_or("", |(_, id)| id).into(),
    }
}

fn action_of(id: &str) -> Option<Action> {
    if let Some(budget) = id.strip_prefix(RAISE) {
        return Some(Action::Raise(budget.to_owned()));
    }
    IDS.iter().find(|(_, known)| *known == id).map(|(action, _)| action.clone())
}

fn not_taken(error: impl std::fmt::Display) -> TrayError {
    TrayError::NotTaken(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::examples;

    const STYLE: TrayStyle = TrayStyle { icon_px: 44, text_beside: false, is_template: false };

    #[test]
    fn every_action_of_a_menu_has_an_id_of_its_own() {
        for board in [examples::calm(), examples::over()] {
            for action in menu(&board).iter().filter_map(MenuRow::action) {
                assert_eq!(action_of(&id_of(action)).as_ref(), Some(action));
            }
        }
        assert_eq!(action_of("fact-0"), None);
        assert_eq!(action_of(""), None);
    }

    #[test]
    fn the_same_board_later_looks_the_same() {
        let mut later = examples::calm();
        later.now += chrono::Duration::seconds(20);
        let drawn = |board| Drawn::of(&board, Scheme::Dark, STYLE);
        assert!(drawn(later) == drawn(examples::calm()));
    }

    #[test]
    fn new_figures_keep_the_menu_and_new_rows_rebuild_it() {
        let drawn = |board| Drawn::of(&board, Scheme::Dark, STYLE);
        assert!(drawn(examples::calm()).is_built_like(&drawn(examples::calm())));
        assert!(!drawn(examples::calm()).is_built_like(&drawn(examples::near())));
    }

    #[test]
    fn where_text_stands_beside_the_icon_the_figure_is_the_text() {
        let style = TrayStyle { text_beside: true, is_template: true, ..STYLE };
        let drawn = Drawn::of(&examples::calm(), Scheme::Unknown, style);
        assert_eq!((drawn.title.as_str(), drawn.icon.text.as_str()), ("$214", "$"));
        assert_eq!(drawn.icon.ground, Ground::Light);
    }

    #[test]
    fn chosen_colours_go_before_what_the_system_tells() {
        let ground = |colours, scheme, is_template| {
            let board = Board { colours, ..examples::calm() };
            let style = TrayStyle { is_template, ..STYLE };
            Drawn::of(&board, scheme, style).icon.ground
        };
        for scheme in [Scheme::Dark, Scheme::Light, Scheme::Unknown] {
            assert_eq!(ground(Colours::Dark, scheme, false), Ground::Dark);
            assert_eq!(ground(Colours::Light, scheme, false), Ground::Light);
            // The system tints such an icon itself.
            assert_eq!(ground(Colours::Dark, scheme, true), Ground::Light);
        }
        assert_eq!(ground(Colours::Auto, Scheme::Dark, false), Ground::Dark);
        assert_eq!(ground(Colours::Auto, Scheme::Light, false), Ground::Light);
        assert_eq!(ground(Colours::Auto, Scheme::Unknown, false), Ground::Unknown);
    }

    #[test]
    fn ampersands_are_shown() {
        assert_eq!(label("R&D"), "R&&D");
    }
}
