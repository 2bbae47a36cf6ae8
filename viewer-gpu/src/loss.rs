//! Whether the device is still there, who wants to know, and what it complained about.
//!
//! wgpu takes callbacks that may cross threads, so what they write to is [`Watch`]. Listeners belong to
//! the page and may not cross threads; they stay in this thread's list, by the number of their context.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Complaints beyond this many are only counted as having happened.
const MAX_ERRORS: usize = 32;

type Listener = Rc<dyn Fn(String)>;

thread_local! {
    static LISTENERS: RefCell<Vec<(u64, Listener)>> = const { RefCell::new(Vec::new()) };
}

static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);

/// The state of one device.
#[derive(Debug)]
pub struct Watch {
    number: u64,
    lost: AtomicBool,
    errors: Mutex<Vec<String>>,
}

impl Watch {
    pub fn new() -> Self {
        Self {
            number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
            lost: AtomicBool::new(false),
            errors: Mutex::new(Vec::new()),
        }
    }

    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Marks the device as lost; tells the listeners the first time.
    pub fn declare_lost(&self, reason: &str) {
        if self.lost.swap(true, Ordering::AcqRel) {
            return;
        }
        let listeners: Vec<Listener> = LISTENERS.with_borrow(|all| {
            let own = all.iter().filter(|(number, _)| *number == self.number);
            own.map(|(_, listener)| Rc::clone(listener)).collect()
        });
        for listener in listeners {
            listener(reason.to_owned());
        }
    }

    pub fn listen(&self, listener: Box<dyn Fn(String)>) {
        LISTENERS.with_borrow_mut(|all| all.push((self.number, Rc::from(listener))));
    }

    /// Nobody is told any more.
    pub fn forget_listeners(&self) {
        let number = self.number;
        // Taken out first: dropping a listener may run code that comes back here.
        let gone: Vec<(u64, Listener)> =
            LISTENERS.with_borrow_mut(|all| all.extract_if(.., |(n, _)| *n == number).collect());
        drop(gone);
    }

    pub fn note_error(&self, error: String) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        if errors.len() < MAX_ERRORS {
            errors.push(error);
        }
    }

    pub fn take_errors(&self) -> Vec<String> {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn listeners_hear_of_their_own_loss_once() {
        let [a, b] = [Watch::new(), Watch::new()];
        let count = Rc::new(Cell::new(0));
        let counter = Rc::clone(&count);
        a.listen(Box::new(move |_| counter.set(counter.get() + 1)));
        b.declare_lost("other");
        assert_eq!(count.get(), 0);
        a.declare_lost("own");
        a.declare_lost("again");
        assert_eq!(count.get(), 1);
        assert!(a.is_lost());
    }

    #[test]
    fn a_context_that_is_gone_tells_nobody() {
        let watch = Watch::new();
        watch.listen(Box::new(|_| panic!("must not be called")));
        watch.forget_listeners();
        watch.declare_lost("gone");
    }
}
