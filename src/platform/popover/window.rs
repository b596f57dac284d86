use std::path::Path;

use tao::dpi::{LogicalSize, PhysicalPosition};
use tao::event::{Event, WindowEvent};
use tao::event_loop::{ControlFlow, EventLoopBuilder};
use tao::platform::run_return::EventLoopExtRunReturn;
use tao::window::{Window, WindowBuilder};
use wry::{NewWindowResponse, WebContext, WebView, WebViewBuilder};

use super::{Area, MARGIN, Point, PopoverError, place};

/// How wide and high the window is, before the screen's scale is applied.
const SIZE: (f64, f64) = (420.0, 640.0);

/// What the web view asks for: to be closed.
struct Close;

/// The keyboard is the web view's; it says when Escape is pressed.
const ON_ESCAPE: &str =
    "addEventListener('keydown', e => { if (e.key === 'Escape') window.ipc.postMessage('') });";

pub(super) fn show(address: &str, near: Option<Point>, folder: &Path) -> Result<(), PopoverError> {
    let mut events = EventLoopBuilder::<Close>::with_user_event().build();
    #[cfg(not(target_os = "linux"))]
    super::super::system::prepare_loop(&mut events);
    let window =
        builder().build(&events).map_err(|error| PopoverError::NoWindow(error.to_string()))?;
    put(&window, near);
    let closer = events.create_proxy();
    let origin = origin(address);
    let mut context = WebContext::new(Some(folder.to_owned()));
    let page = WebViewBuilder::new_with_web_context(&mut context)
        .with_url(address)
        // The cookie of a run ends with it: nothing is to be kept.
        .with_incognito(true)
        .with_initialization_script(ON_ESCAPE)
        .with_ipc_handler(move |_| {
            // Fails only when the window is closed already.
            let _ = closer.send_event(Close);
        })
        // The page leads nowhere else, and nothing else may take its place.
        .with_navigation_handler(move |to| to.starts_with(&origin))
        .with_new_window_req_handler(|_, _| NewWindowResponse::Deny);
    // Dropped, it would be gone from the window.
    let _page =
        joined(page, &window).map_err(|error| PopoverError::NoWebView(error.to_string()))?;
    window.set_visible(true);
    window.set_focus();
    let mut had_focus = false;
    events.run_return(|event, _, flow| {
        let is_over = match event {
            Event::UserEvent(Close) => true,
            Event::WindowEvent { event: WindowEvent::CloseRequested, .. } => true,
            Event::WindowEvent { event: WindowEvent::Focused(has), .. } => {
                // It is told of no focus before it has one for the first time.
                let lost = had_focus && !has;
                had_focus |= has;
                lost
            }
            _ => false,
        };
        *flow = if is_over { ControlFlow::Exit } else { ControlFlow::Wait };
    });
    Ok(())
}

/// `http://127.0.0.1:4711/` of an address that begins so.
fn origin(address: &str) -> String {
    let host = address.find("//").map_or(0, |at| at + 2);
    let end = address[host..].find('/').map_or(address.len(), |at| host + at);
    format!("{}/", &address[..end])
}

fn builder() -> WindowBuilder {
    let builder = WindowBuilder::new()
        .with_title("Spendbar")
        .with_inner_size(LogicalSize::new(SIZE.0, SIZE.1))
        .with_decorations(false)
        .with_resizable(false)
        .with_always_on_top(true)
        .with_visible_on_all_workspaces(true)
        .with_visible(false);
    #[cfg(target_os = "linux")]
    let builder = tao::platform::unix::WindowBuilderExtUnix::with_skip_taskbar(builder, true);
    #[cfg(target_os = "windows")]
    let builder = tao::platform::windows::WindowBuilderExtWindows::with_skip_taskbar(builder, true);
    builder
}

/// Moves it to the icon, on the screen that the icon is on.
fn put(window: &Window, near: Option<Point>) {
    let on_it = near.and_then(|at| window.monitor_from_point(at.x.into(), at.y.into()));
    let Some(monitor) = on_it.or_else(|| window.primary_monitor()) else { return };
    let at = Point { x: monitor.position().x, y: monitor.position().y };
    let pixels = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
    let screen =
        Area { at, width: pixels(monitor.size().width), height: pixels(monitor.size().height) };
    let scale = monitor.scale_factor();
    let size = LogicalSize::new(SIZE.0, SIZE.1).to_physical::<i32>(scale);
    // A screen that is too small shows as much as it has room for.
    let fits = |own: i32, room: i32| own.min((room - 2 * MARGIN).max(1));
    let size = (fits(size.width, screen.width), fits(size.height, screen.height));
    window.set_inner_size(tao::dpi::PhysicalSize::new(size.0, size.1));
    let Point { x, y } = place(near, size, screen);
    window.set_outer_position(PhysicalPosition::new(x, y));
}

#[cfg(target_os = "linux")]
fn joined(page: WebViewBuilder<'_>, window: &Window) -> wry::Result<WebView> {
    use tao::platform::unix::WindowExtUnix;
    use wry::WebViewBuilderExtUnix;
    match window.default_vbox() {
        Some(room) => page.build_gtk(room),
        None => page.build(window),
    }
}

#[cfg(not(target_os = "linux"))]
fn joined(page: WebViewBuilder<'_>, window: &Window) -> wry::Result<WebView> {
    page.build(window)
}
