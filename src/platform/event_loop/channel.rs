use std::sync::mpsc::{Receiver, Sender, channel};

use super::{Flow, Turn};

/// The loop; it waits without using the processor. On Linux any thread may run it.
pub struct EventLoop<E: 'static> {
    events: Receiver<E>,
    waker: Waker<E>,
}

/// Sends events to the loop, from any thread.
pub struct Waker<E: 'static>(Sender<E>);

impl<E: Send + 'static> EventLoop<E> {
    /// A loop that is not running yet. On macOS and Windows only the main thread may make it.
    pub fn new() -> Self {
        let (sender, events) = channel();
        Self { events, waker: Waker(sender) }
    }

    /// What wakes it.
    pub fn waker(&self) -> Waker<E> {
        self.waker.clone()
    }

    /// Runs `handler` on this thread, once for the start and once for each event, until it says
    /// [`Flow::Exit`].
    pub fn run(self, mut handler: impl FnMut(Turn<E>) -> Flow) {
        if handler(Turn::Started) == Flow::Exit {
            return;
        }
        // The loop holds a sender of its own, so the channel never ends by itself.
        while let Ok(event) = self.events.recv() {
            if handler(Turn::Event(event)) == Flow::Exit {
                return;
            }
        }
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
        self.0.send(event).is_ok()
    }
}

impl<E: 'static> Clone for Waker<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;

    #[test]
    fn starts_then_takes_events_in_order_until_told_to_leave() {
        let events = EventLoop::new();
        let waker = events.waker();
        std::thread::spawn(move || (1..=3).for_each(|number| assert!(waker.send(number))));
        let mut seen = Vec::new();
        events.run(|turn| match turn {
            Turn::Started => Flow::Wait,
            Turn::Event(number) => {
                seen.push(number);
                if number == 3 { Flow::Exit } else { Flow::Wait }
            }
        });
        assert_eq!(seen, [1, 2, 3]);
    }
}
