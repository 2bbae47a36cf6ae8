//! Decode workers: plain workers that take bytes and give back frames, both by transfer.
//!
//! One job a worker at a time. A worker that traps, cannot start, or takes longer than the watchdog
//! allows is ended and replaced; its job is reported as trapped.

use super::clock;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

/// A job for a worker: a header in JSON and the bytes that it speaks of.
#[derive(Debug, Clone)]
pub struct WorkerJob {
    /// Chosen by the caller, comes back with the answer.
    pub id: u64,
    /// What to do.
    pub header: String,
    /// Handed over to the worker.
    pub buffer: js_sys::ArrayBuffer,
}

/// How a job ended.
#[derive(Debug)]
pub enum WorkerAnswer {
    /// The worker's own answer: a header in JSON, and bytes if there are any.
    Done {
        /// What the worker says.
        header: String,
        /// Handed over by the worker.
        buffer: Option<js_sys::ArrayBuffer>,
    },
    /// The worker broke down or took too long.
    Trapped,
}

/// Longest time for one job.
const WATCHDOG_MS: f64 = 60_000.0;
/// Workers that may break down one after another before no more are started.
const MOST_FAILED_STARTS: u32 = 8;

struct Slot {
    worker: web_sys::Worker,
    job: Option<(u64, f64)>,
    /// Event handlers, kept for as long as the worker lives.
    _handlers: [Closure<dyn FnMut(JsValue)>; 2],
}

struct Pool {
    script: String,
    slots: Vec<Option<Slot>>,
    waiting: VecDeque<WorkerJob>,
    failed_starts: u32,
    on_answer: Rc<dyn Fn(u64, WorkerAnswer)>,
}

/// A handle to the pool; clones share it.
#[derive(Clone)]
pub struct WorkerPool(Rc<RefCell<Pool>>);

impl WorkerPool {
    /// Starts `count` workers from `script`.
    pub fn new(
        script: String,
        count: usize,
        on_answer: impl Fn(u64, WorkerAnswer) + 'static,
    ) -> Self {
        let pool = Self(Rc::new(RefCell::new(Pool {
            script,
            slots: (0..count).map(|_| None).collect(),
            waiting: VecDeque::new(),
            failed_starts: 0,
            on_answer: Rc::new(on_answer),
        })));
        for index in 0..count {
            pool.start(index);
        }
        pool.watch();
        pool
    }

    /// Number of workers that live.
    pub fn len(&self) -> usize {
        self.0.borrow().slots.iter().flatten().count()
    }

    /// True where no worker lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a job in line.
    pub fn post(&self, job: WorkerJob) {
        if self.is_empty() {
            let on_answer = Rc::clone(&self.0.borrow().on_answer);
            on_answer(job.id, WorkerAnswer::Trapped);
            return;
        }
        self.0.borrow_mut().waiting.push_back(job);
        self.hand_out();
    }

    /// Forgets jobs that have not begun; the ones under way end by themselves.
    pub fn forget_waiting(&self) {
        self.0.borrow_mut().waiting.clear();
    }

    fn start(&self, index: usize) {
        let worker = web_sys::Worker::new(&self.0.borrow().script);
        let Ok(worker) = worker else { return };
        let handler = |call: fn(&Self, usize, JsValue)| {
            let pool = Rc::downgrade(&self.0);
            Closure::<dyn FnMut(JsValue)>::new(move |event| {
                if let Some(pool) = pool.upgrade() {
                    call(&Self(pool), index, event);
                }
            })
        };
        let on_message = handler(|pool, index, event| pool.answered(index, &event));
        let on_error = handler(|pool, index, _| pool.trapped(index));
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let slot = Slot {
            worker,
            job: None,
            _handlers: [on_message, on_error],
        };
        self.0.borrow_mut().slots[index] = Some(slot);
    }

    fn hand_out(&self) {
        let mut pool = self.0.borrow_mut();
        let pool = &mut *pool;
        for slot in pool.slots.iter_mut().flatten() {
            if slot.job.is_some() {
                continue;
            }
            let Some(job) = pool.waiting.pop_front() else {
                return;
            };
            let message = js_sys::Array::of2(&job.header.into(), &job.buffer);
            let transfer = js_sys::Array::of1(&job.buffer);
            slot.job = Some((job.id, clock::now_ms()));
            if slot
                .worker
                .post_message_with_transfer(&message, &transfer)
                .is_err()
            {
                // A buffer that is gone already cannot be decoded: the watchdog's answer, at once.
                slot.job = Some((job.id, f64::NEG_INFINITY));
            }
        }
    }

    fn answered(&self, index: usize, event: &JsValue) {
        let Some(event) = event.dyn_ref::<web_sys::MessageEvent>() else {
            return;
        };
        let parts = js_sys::Array::from(&event.data());
        let Some(header) = parts.get(0).as_string() else {
            return;
        };
        let buffer = parts.get(1).dyn_into().ok();
        let (job, on_answer) = {
            let mut pool = self.0.borrow_mut();
            pool.failed_starts = 0;
            let job = pool.slots[index].as_mut().and_then(|slot| slot.job.take());
            (job, Rc::clone(&pool.on_answer))
        };
        self.hand_out();
        if let Some((id, _)) = job {
            on_answer(id, WorkerAnswer::Done { header, buffer });
        }
    }

    fn trapped(&self, index: usize) {
        let (job, on_answer, may_start) = {
            let mut pool = self.0.borrow_mut();
            pool.failed_starts += 1;
            let slot = pool.slots[index].take();
            if let Some(slot) = &slot {
                slot.worker.set_onmessage(None);
                slot.worker.set_onerror(None);
                slot.worker.terminate();
            }
            let job = slot.and_then(|slot| slot.job);
            (
                job,
                Rc::clone(&pool.on_answer),
                pool.failed_starts <= MOST_FAILED_STARTS,
            )
        };
        if may_start {
            self.start(index);
        }
        self.hand_out();
        if let Some((id, _)) = job {
            on_answer(id, WorkerAnswer::Trapped);
        }
        if self.is_empty() {
            let rest: Vec<WorkerJob> = self.0.borrow_mut().waiting.drain(..).collect();
            for job in rest {
                on_answer(job.id, WorkerAnswer::Trapped);
            }
        }
    }

    /// Looks once a second for jobs that take too long.
    fn watch(&self) {
        let pool = Rc::downgrade(&self.0);
        wasm_bindgen_futures::spawn_local(async move {
            loop {
                clock::sleep(1000.0).await;
                let Some(strong) = pool.upgrade() else { return };
                let now = clock::now_ms();
                let late: Vec<usize> = strong
                    .borrow()
                    .slots
                    .iter()
                    .enumerate()
                    .filter(|(_, slot)| {
                        slot.as_ref()
                            .and_then(|slot| slot.job)
                            .is_some_and(|(_, since)| now - since > WATCHDOG_MS)
                    })
                    .map(|(index, _)| index)
                    .collect();
                for index in late {
                    Self(Rc::clone(&strong)).trapped(index);
                }
            }
        });
    }
}
