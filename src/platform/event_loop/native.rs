use tao::event::{Event, StartCause};
use tao::event_loop::{ControlFlow, EventLoopBuilder, EventLoopProxy};
use tao::platform::run_return::EventLoopExtRunReturn;

use super::{Flow, Turn};

/// The system's own loop; it waits without using the processor.
pub struct EventLoop<E: 'static>(tao::event_loop::EventLoop<E>);

/// Sends events to the loop, from any thread.
pub struct Waker<E: 'static>(EventLoopProxy<E>);

impl<E: Send + 'static> EventLoop<E> {
    /// A loop that is not running yet. On macOS and Windows only the main thread may make it.
    pub fn new() -> Self {
        let mut events = EventLoopBuilder::with_user_event().build();
        super::super::system::prepare_loop(&mut events);
        Self(events)
    }

    /// What wakes it.
    pub fn waker(&self) -> Waker<E> {
        Waker(self.0.create_proxy())
    }

    /// Runs `handler` on this thread, once for the start and once for each event, until it says
    /// [`Flow::Exit`].
    pub fn run(mut self, mut handler: impl FnMut(Turn<E>) -> Flow) {
        self.0.run_return(|event, _, flow| {
            let next = match event {
                Event::NewEvents(StartCause::Init) => handler(Turn::Started),
                Event::UserEvent(event) => handler(Turn::Event(event)),
                _ => Flow::Wait,
            };
            if next == Flow::Exit {
                *flow = ControlFlow::Exit;
            } else if *flow != ControlFlow::Exit {
                *flow = ControlFlow::Wait;
            }
        });
    }
}

impl<E: Send + 'static> Default for EventLoop<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Send + 'static> Waker<E> {
    /// Sends `event`; false when the loop has ended.
    pub fn send(&self, event: E) -> bool {
        self.0.send_event(event).is_ok()
    }
}

impl<E: 'static> Clone for Waker<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
