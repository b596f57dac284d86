//! The tray icon, its tooltip and its menu.

pub mod icon;
