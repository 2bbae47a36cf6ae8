//! Workers that sample planes where there is no GPU: plain workers that keep slices, and answer by transfer.
//!
//! They start when the first volume comes and end with the last, so that their memory is free. One that breaks down, does not
//! start, or says nothing for too long while it has work is ended and reported as lost; whoever is told starts it anew.

use super::clock;
use super::workers::{WorkerProgram, compiled};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};

/// What happened to a worker.
#[derive(Debug)]
pub enum PlaneWorkerEvent {
    /// It said something.
    Said {
        /// Which worker.
        worker: usize,
        /// A header in JSON.
        header: String,
        /// Handed over by the worker.
        buffer: Option<js_sys::ArrayBuffer>,
    },
    /// It is gone.
    Lost {
        /// Which worker.
        worker: usize,
    },
}

/// Longest silence of a worker that has work.
const WATCHDOG_MS: f64 = 60_000.0;

struct Slot {
    worker: web_sys::Worker,
    /// What it was told to do and has not answered, and when it was heard of last.
    open_requests: u32,
    heard_ms: f64,
    /// Event handlers, kept for as long as the worker lives.
    _handlers: [Closure<dyn FnMut(JsValue)>; 2],
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

struct Inner {
    program: WorkerProgram,
    module: Option<js_sys::Promise>,
    slots: Vec<Option<Slot>>,
    is_watching: bool,
    on_event: Rc<dyn Fn(PlaneWorkerEvent)>,
}

/// A handle to the workers; clones share them.
#[derive(Clone)]
pub struct PlaneWorkers(Rc<RefCell<Inner>>);

impl std::fmt::Debug for PlaneWorkers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PlaneWorkers({})", self.count())
    }
}

impl PlaneWorkers {
    /// Room for `count` workers; none starts yet. `on_event` is never called from within a method.
    pub fn new(
        program: WorkerProgram,
        count: usize,
        on_event: impl Fn(PlaneWorkerEvent) + 'static,
    ) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            program,
            module: None,
            slots: (0..count).map(|_| None).collect(),
            is_watching: false,
            on_event: Rc::new(on_event),
        })))
    }

    /// Workers that there are when all have started.
    pub fn count(&self) -> usize {
        self.0.borrow().slots.len()
    }

    /// Starts a worker in place of the one that was there. False where the browser gives none.
    pub fn start(&self, index: usize) -> bool {
        let program = {
            let mut inner = self.0.borrow_mut();
            inner.slots[index] = None;
            inner.program.clone()
        };
        let Ok(worker) = web_sys::Worker::new(&program.start) else {
            return false;
        };
        if let Some(address) = program.module {
            self.send_module(index, worker.clone(), address);
        }
        let handler = |call: fn(&Self, usize, JsValue)| {
            let inner = Rc::downgrade(&self.0);
            Closure::<dyn FnMut(JsValue)>::new(move |event| {
                if let Some(inner) = inner.upgrade() {
                    call(&Self(inner), index, event);
                }
            })
        };
        let on_message = handler(|workers, index, event| workers.said(index, &event));
        let on_error = handler(|workers, index, _| workers.lost(index));
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        self.0.borrow_mut().slots[index] = Some(Slot {
            worker,
            open_requests: 0,
            heard_ms: clock::now_ms(),
            _handlers: [on_message, on_error],
        });
        self.watch();
        true
    }

    /// Ends all workers: their memory is free.
    pub fn end(&self) {
        self.0
            .borrow_mut()
            .slots
            .iter_mut()
            .for_each(|slot| *slot = None);
    }

    /// Tells a worker something; `is_request` is answered. What a worker that is gone is told is lost with it.
    pub fn post(
        &self,
        index: usize,
        header: &str,
        buffer: Option<js_sys::ArrayBuffer>,
        is_request: bool,
    ) {
        let mut inner = self.0.borrow_mut();
        let Some(Some(slot)) = inner.slots.get_mut(index) else {
            return;
        };
        if is_request {
            if slot.open_requests == 0 {
                slot.heard_ms = clock::now_ms();
            }
            slot.open_requests += 1;
        }
        let message = js_sys::Array::of1(&header.into());
        let transfer = js_sys::Array::new();
        if let Some(buffer) = buffer {
            message.push(&buffer);
            transfer.push(&buffer);
        }
        if slot
            .worker
            .post_message_with_transfer(&message, &transfer)
            .is_err()
        {
            // The watchdog's answer, as soon as it looks.
            slot.open_requests += 1;
            slot.heard_ms = f64::NEG_INFINITY;
        }
    }

    /// A request of a worker is answered, or will not be.
    pub fn answered(&self, index: usize) {
        if let Some(Some(slot)) = self.0.borrow_mut().slots.get_mut(index) {
            slot.open_requests = slot.open_requests.saturating_sub(1);
        }
    }

    fn said(&self, index: usize, event: &JsValue) {
        let Some(event) = event.dyn_ref::<web_sys::MessageEvent>() else {
            return;
        };
        let parts = js_sys::Array::from(&event.data());
        let Some(header) = parts.get(0).as_string() else {
            return;
        };
        let on_event = {
            let mut inner = self.0.borrow_mut();
            if let Some(Some(slot)) = inner.slots.get_mut(index) {
                slot.heard_ms = clock::now_ms();
            }
            Rc::clone(&inner.on_event)
        };
        on_event(PlaneWorkerEvent::Said {
            worker: index,
            header,
            buffer: parts.get(1).dyn_into().ok(),
        });
    }

    fn lost(&self, index: usize) {
        let (slot, on_event) = {
            let mut inner = self.0.borrow_mut();
            (inner.slots[index].take(), Rc::clone(&inner.on_event))
        };
        if slot.is_some() {
            drop(slot);
            on_event(PlaneWorkerEvent::Lost { worker: index });
        }
    }

    /// Sends a worker its module when it is there. Without it the worker cannot start.
    fn send_module(&self, index: usize, worker: web_sys::Worker, address: String) {
        let module = {
            let module = &mut self.0.borrow_mut().module;
            let fresh = || future_to_promise(compiled(address));
            module.get_or_insert_with(fresh).clone()
        };
        let inner = Rc::downgrade(&self.0);
        spawn_local(async move {
            let sent = match JsFuture::from(module.clone()).await {
                Ok(module) => worker.post_message(&js_sys::Array::of1(&module)),
                Err(error) => Err(error),
            };
            let (Err(_), Some(inner)) = (sent, inner.upgrade()) else {
                return;
            };
            let is_current = {
                let mut inner = inner.borrow_mut();
                // The next start asks again.
                let kept = &mut inner.module;
                kept.take_if(|kept| js_sys::Object::is(kept, &module));
                let slot = inner.slots[index].as_ref();
                slot.is_some_and(|slot| slot.worker == worker)
            };
            if is_current {
                Self(inner).lost(index);
            }
        });
    }

    /// Looks once a second for workers that are silent, for as long as there are workers.
    fn watch(&self) {
        if std::mem::replace(&mut self.0.borrow_mut().is_watching, true) {
            return;
        }
        let inner = Rc::downgrade(&self.0);
        spawn_local(async move {
            loop {
                clock::sleep(1000.0).await;
                let Some(strong) = inner.upgrade() else {
                    return;
                };
                let now = clock::now_ms();
                let is_silent =
                    |slot: &Slot| slot.open_requests > 0 && now - slot.heard_ms > WATCHDOG_MS;
                let silent: Vec<usize> = {
                    let mut inner = strong.borrow_mut();
                    if inner.slots.iter().flatten().count() == 0 {
                        inner.is_watching = false;
                        return;
                    }
                    let slots = inner.slots.iter().enumerate();
                    let silent = slots.filter(|(_, slot)| slot.as_ref().is_some_and(is_silent));
                    silent.map(|(index, _)| index).collect()
                };
                for index in silent {
                    Self(Rc::clone(&strong)).lost(index);
                }
            }
        });
    }
}
